"""The words of the desk for what the rules of pledges know as codes."""

from collections.abc import Callable, Mapping

from campaign.i18n import format_number, gettext, in_language, lazy_gettext, ngettext, offered
from campaign.pledges.evidence import Evidence
from campaign.pledges.models import DomainRule, PledgeAction

HOLD_REASONS: Mapping[str, str] = {
    "official": lazy_gettext("Official pledge"),
    "network": lazy_gettext("Very many from one network"),
    "too-fast": lazy_gettext("Form back within three seconds"),
    "honeypot": lazy_gettext("Hidden field filled in"),
    "domain": lazy_gettext("E-mail domain held by a rule"),
    "changed": lazy_gettext("Changed by its representative"),
    "replaced": lazy_gettext("Replaced by another representative"),
    "merged": lazy_gettext("The institution was merged into another"),
}

ACTIONS: Mapping[str, str] = {
    PledgeAction.SUBMITTED: lazy_gettext("Sent"),
    PledgeAction.CONFIRMED: lazy_gettext("Confirmed by its person"),
    PledgeAction.HELD: lazy_gettext("Held"),
    PledgeAction.ACCEPTED: lazy_gettext("Accepted"),
    PledgeAction.REFUSED: lazy_gettext("Refused"),
    PledgeAction.CORRECTED: lazy_gettext("Corrected by its person"),
    PledgeAction.LISTED: lazy_gettext("Listed by name"),
    PledgeAction.UNLISTED: lazy_gettext("Not listed any more"),
    PledgeAction.WITHDRAWN: lazy_gettext("Withdrawn by its person"),
    PledgeAction.INSTITUTION_LINKED: lazy_gettext("Institution settled"),
    PledgeAction.INSTITUTION_MERGED: lazy_gettext("Moved with its institution"),
    PledgeAction.UNDONE: lazy_gettext("Verdict taken back"),
    PledgeAction.INVALIDATED: lazy_gettext("Invalidated by a rule"),
    PledgeAction.RESTORED: lazy_gettext("Counted again"),
    PledgeAction.WORDS_APPROVED: lazy_gettext("Words published"),
    PledgeAction.WORDS_DECLINED: lazy_gettext("Words kept private"),
    PledgeAction.PINNED: lazy_gettext("Pinned"),
    PledgeAction.UNPINNED: lazy_gettext("Not pinned any more"),
}

STATES: Mapping[str, str] = {
    "unconfirmed": lazy_gettext("Not confirmed yet"),
    "held": lazy_gettext("Held"),
    "confirmed": lazy_gettext("Counts"),
    "refused": lazy_gettext("Refused"),
    "withdrawn": lazy_gettext("Withdrawn"),
}

DOMAIN_RULES: Mapping[DomainRule, str] = {
    DomainRule.HOLD: lazy_gettext("Hold"),
    DomainRule.REFUSE: lazy_gettext("Refuse at the form"),
    DomainRule.TRUST: lazy_gettext("Trust: many from one network are normal"),
}

# What staff give as reasons, in the language of the person; the rest is in their own words.
REASONS: Mapping[str, str] = {
    "name": lazy_gettext("We could not read this as the name of a person."),
    "person": lazy_gettext("We could not confirm that a person stands behind this pledge."),
    "office": lazy_gettext("We could not confirm that you may speak for this institution."),
}


def reason_in(code: str, locale: str) -> str:
    """Return the sentence of a reason in a language."""
    with in_language(locale):
        return str(REASONS[code])


def reasons_by_language(code: str) -> dict[str, str]:
    """Return the sentence of a reason in every language."""
    return {locale: reason_in(code, locale) for locale in offered()}


def fact(item: Evidence) -> str:
    """Return what a piece of evidence says, as a sentence."""
    return _FACTS[item.code](item.found)


def _people(found: str) -> str:
    number = int(found)
    return ngettext(
        "%(count)s person has pledged here.",
        "%(count)s people have pledged here.",
        number,
        count=format_number(number),
    )


def _at_own_domain(found: str) -> str:
    number = int(found)
    return ngettext(
        "%(count)s person has pledged from a mailbox at the institution.",
        "%(count)s people have pledged from mailboxes at the institution.",
        number,
        count=format_number(number),
    )


def _same_network(found: str) -> str:
    number = int(found)
    return ngettext(
        "%(count)s other pledge came from the same network within an hour.",
        "%(count)s other pledges came from the same network within an hour.",
        number,
        count=format_number(number),
    )


_FACTS: Mapping[str, Callable[[str], str]] = {
    "own-domain": lambda found: gettext("%(domain)s is a domain of the institution.", domain=found),
    "below-own-domain": lambda found: gettext(
        "%(domain)s is below a domain of the institution. Whose is it?", domain=found
    ),
    "website-domain": lambda found: gettext(
        "%(domain)s is the domain of the institution’s website.", domain=found
    ),
    "office-mailbox": lambda found: gettext(
        "The mailbox is named after an office: %(name)s.", name=found
    ),
    "accepted-before": lambda _found: gettext(
        "The same person was accepted for this institution in another campaign."
    ),
    "student-domain": lambda found: gettext(
        "%(domain)s is a domain for students or graduates.", domain=found
    ),
    "free-mail": lambda found: gettext("Anyone can have a mailbox at %(domain)s.", domain=found),
    "other-domain": lambda found: gettext(
        "The registry does not know %(domain)s as a domain of the institution.", domain=found
    ),
    "pledged-as-student": lambda _found: gettext(
        "The same person has pledged as a student or graduate."
    ),
    "speaks-already": lambda found: gettext(
        "Another pledge counts for this institution: %(name)s.", name=found
    ),
    "waits-too": lambda found: gettext(
        "Another pledge for this institution waits as well: %(name)s.", name=found
    ),
    "same-network": _same_network,
    "alone-at-domain": lambda found: gettext(
        "Nobody else has ever come from %(domain)s.", domain=found
    ),
    "colleagues": _people,
    "colleagues-at-own-domain": _at_own_domain,
    "orcid": lambda found: gettext(
        "An ORCID iD was given: %(orcid)s. Does its record fit?", orcid=found
    ),
    "office": lambda found: gettext("The office, as it was entered: %(office)s.", office=found),
    "website": lambda found: gettext(
        "The institution’s website may say who holds the office: %(address)s.", address=found
    ),
}
