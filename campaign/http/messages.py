"""Sentences for the problems that the rules of a pledge find, in the reader's language."""

from collections.abc import Callable

from campaign.i18n import format_number, gettext, ngettext
from campaign.pledges.rules import FieldProblem

_REQUIRED: dict[str, Callable[[], str]] = {
    "name": lambda: gettext("Enter your name."),
    "email": lambda: gettext("Enter your e-mail address."),
    "affiliation": lambda: gettext("Say whether you belong to an institution."),
    "institution": lambda: gettext("Find your institution and choose it from the list."),
    "institution_text": lambda: gettext("Enter the name of your institution."),
    "role": lambda: gettext("Choose your role."),
    "office": lambda: gettext("Enter the office you hold."),
    "country": lambda: gettext("Choose your country."),
    "listed": lambda: gettext("Say whether your name may appear in the public list."),
    "code": lambda: gettext("Enter the six digits from the e-mail."),
}

_SENTENCES: dict[str, Callable[[], str]] = {
    "contains-url": lambda: gettext("Leave out web addresses; this text is shown in public lists."),
    "formula": lambda: gettext("This looks like a spreadsheet formula. Begin with a letter."),
    "no-letters": lambda: gettext("Use letters, not only digits and symbols."),
    "address-syntax": lambda: gettext(
        "Enter an e-mail address in the usual form, for example name@university.edu."
    ),
    "address-too-long": lambda: gettext("This e-mail address is too long."),
    "address-special-use": lambda: gettext(
        "This e-mail address cannot receive mail. Enter another one."
    ),
    "address-refused": lambda: gettext(
        "We do not take addresses of this provider. Enter another one, such as that of your institution."
    ),
    "unknown-institution": lambda: gettext(
        "This institution is not in our registry. Search for it again and choose it from the list."
    ),
    "other-institution": lambda: gettext("This form can take pledges for one institution only."),
    "unknown-text": lambda: gettext(
        "This is not a text that was published. Reload the form and read the pledge again."
    ),
    "unknown-country": lambda: gettext("Choose your country from the list."),
    "choose": lambda: gettext("Choose one of the answers."),
    "unknown-choice": lambda: gettext("One of your answers is not available. Choose again."),
    "orcid": lambda: gettext(
        "This ORCID iD has a typing mistake: it has 16 characters, the last may be an X."
    ),
    "wrong-code": lambda: gettext(
        "This code is not right. Compare it with the newest e-mail, or use the link in it."
    ),
    "superseded": lambda: gettext(
        "A newer form was sent with this address. Use the link in the e-mail: it shows what you confirm."
    ),
    "form-used": lambda: gettext(
        "This form was sent with another address before. Nothing is lost: check the address and send it again."
    ),
    "form-expired": lambda: gettext(
        "This form was open for too long. Nothing is lost: read through it and send it again."
    ),
}

_LIMITS: dict[str, Callable[[int, str], str]] = {
    "too-long": lambda number, limit: ngettext(
        "Use at most %(limit)s character.", "Use at most %(limit)s characters.", number, limit=limit
    ),
    "too-many": lambda number, limit: ngettext(
        "Choose at most %(limit)s answer.", "Choose at most %(limit)s answers.", number, limit=limit
    ),
}


def message(field: str, problem: FieldProblem) -> str:
    """Return one plain sentence that says what to do about the problem."""
    if problem.code == "required":
        return _REQUIRED[field]() if field in _REQUIRED else gettext("Fill in this field.")
    if problem.code in _LIMITS:
        limit = problem.params["limit"]
        return _LIMITS[problem.code](limit, format_number(limit))
    sentence = _SENTENCES.get(problem.code)
    return sentence() if sentence else gettext("Check this field.")
