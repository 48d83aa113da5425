"""The rules of a pledge, the same for page, widget and program.

``check`` reads untrusted values and returns a ``Draft``, or raises ``InvalidPledge`` with every problem by field.
Problems are codes; the door that shows them finds the words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from campaign import geography, orcid
from campaign.campaigns.models import CampaignText
from campaign.i18n import is_offered, lazy_gettext
from campaign.institutions.folding import fold
from campaign.institutions.models import Institution
from campaign.institutions.queries import Affiliation, has_domain
from campaign.people.rules import Address, InvalidAddress, parse_address
from campaign.pledges.disciplines import is_field
from campaign.pledges.models import Kind
from campaign.text import (
    Empty,
    TooLong,
    clean_line,
    clean_paragraphs,
    contains_url,
    looks_like_spreadsheet_formula,
)

NAME_LENGTH = 120
INSTITUTION_LENGTH = 200
OFFICE_LENGTH = 150
WORDS_LENGTH = 500
SUPPORT_LETTER_LENGTH = 5_000
MAX_DISCIPLINES = 8
MAX_SUPPORT_LETTERS = 3

ROLES = {
    "professor": lazy_gettext("Professor or lecturer"),
    "researcher": lazy_gettext("Researcher"),
    "doctoral": lazy_gettext("Doctoral researcher"),
    "student": lazy_gettext("Student"),
    "leadership": lazy_gettext("Leadership"),
    "staff": lazy_gettext("Technical or administrative staff"),
    "emeritus": lazy_gettext("Emeritus or retired"),
    "alumni": lazy_gettext("Former student (graduate)"),
    "other": lazy_gettext("Another relationship"),
}
_ORDER = (
    "name",
    "email",
    "affiliation",
    "institution",
    "institution_text",
    "office",
    "role",
    "country",
    "disciplines",
    "orcid",
    "commitments",
    "words",
    "listed",
)
AFFILIATIONS = ("institution", "unlisted", "independent")

Values = Mapping[str, Sequence[str]]
FindInstitution = Callable[[str], Affiliation | None]
RefusesDomain = Callable[[str], bool]


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field: a code and the numbers its sentence needs."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


class InvalidPledge(Exception):
    """Some fields cannot be accepted; ``problems`` says which and why, in the order of the form."""

    def __init__(self, problems: Mapping[str, FieldProblem]) -> None:
        super().__init__(", ".join(f"{name}: {problem.code}" for name, problem in problems.items()))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a form says that keeps all rules; see ``submitting.submit`` and ``operations.correct``."""

    kind: Kind
    name: str
    country: str
    institution: Affiliation | None = None
    institution_text: str | None = None
    role: str | None = None
    office: str | None = None
    support_letters: Mapping[str, str] = field(default_factory=dict)
    disciplines: Sequence[str] = ()
    orcid: str | None = None
    commitments: Sequence[str] = ()
    words: str | None = None
    listed: bool = False

    def columns(self) -> dict[str, Any]:
        """The columns of a pledge that store what the form says, by name."""
        answers = {field.name: getattr(self, field.name) for field in fields(self)}
        institution = answers.pop("institution")
        return answers | {
            "name_folded": fold(self.name),
            "institution_id": institution.id if institution else None,
            "support_letters": dict(self.support_letters),
            "disciplines": list(self.disciplines),
            "commitments": list(self.commitments),
        }


def is_own_mailbox(institution: Institution | Affiliation | None, address: Address) -> bool:
    """Whether the address is at a domain of the institution, or below one. False without an institution."""
    return institution is not None and has_domain(institution, address.domain)


def check_address(values: Values) -> Address:
    """The e-mail address of a form that asks for nothing else. Raises InvalidPledge."""
    reader = _Reader(values)
    address = reader.address()
    reader.finish()
    assert address is not None, "finish raises where there is no address"
    return address


def check(
    kind: Kind, values: Values, text: CampaignText, find_institution: FindInstitution
) -> Draft:
    """Everything but the address, for a pledge of this kind. Raises InvalidPledge."""
    reader = _Reader(values)
    details = _details(reader, kind, text, find_institution)
    reader.finish()
    return Draft(kind=kind, **details)


def check_with_address(
    kind: Kind,
    values: Values,
    text: CampaignText,
    find_institution: FindInstitution,
    is_refused: RefusesDomain,
) -> tuple[Draft, Address]:
    """All of a new pledge, with the problems of both parts at once. Raises InvalidPledge.

    ``is_refused`` says of which domains no new address is taken.
    """
    reader = _Reader(values)
    details = _details(reader, kind, text, find_institution)
    address = reader.new_address(is_refused)
    reader.finish()
    assert address is not None, "finish raises where there is no address"
    return Draft(kind=kind, **details), address


def _details(
    reader: "_Reader", kind: Kind, text: CampaignText, find_institution: FindInstitution
) -> dict[str, Any]:
    read = _person_details if kind is Kind.PERSON else _office_details
    return read(reader, find_institution) | {
        "commitments": reader.some_of("commitments", text.commitments_for(kind))
    }


def _person_details(reader: "_Reader", find_institution: FindInstitution) -> dict[str, Any]:
    return {
        "name": reader.name("name", NAME_LENGTH),
        **_affiliation(reader, find_institution),
        "role": reader.one_of("role", ROLES)
        if reader.get("affiliation") != "independent"
        else None,
        "country": reader.country(),
        "disciplines": reader.disciplines(),
        "orcid": reader.orcid(),
        "words": reader.paragraphs("words", WORDS_LENGTH),
        "listed": reader.one_of("listed", ("name", "anonymous")) == "name",
    }


def _office_details(reader: "_Reader", find_institution: FindInstitution) -> dict[str, Any]:
    institution = reader.institution(find_institution)
    return {
        "name": reader.name("name", NAME_LENGTH),
        "institution": institution,
        "country": institution.country if institution else "",
        "office": reader.name("office", OFFICE_LENGTH),
        "support_letters": reader.support_letters(),
        "listed": True,
    }


def _affiliation(reader: "_Reader", find_institution: FindInstitution) -> dict[str, Any]:
    affiliation = reader.one_of("affiliation", AFFILIATIONS)
    if affiliation == "institution":
        return {"institution": reader.institution(find_institution)}
    if affiliation == "unlisted":
        return {"institution_text": reader.name("institution_text", INSTITUTION_LENGTH)}
    return {}


class _Reader:
    """Reads fields one by one and collects what is wrong with them."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._problems: dict[str, FieldProblem] = {}

    def finish(self) -> None:
        """Raise InvalidPledge if anything was refused, in the order in which the form asks."""
        if self._problems:
            asked = [*_ORDER, *self._problems]
            raise InvalidPledge(
                dict(sorted(self._problems.items(), key=lambda item: asked.index(item[0])))
            )

    def get(self, name: str) -> str:
        values = self._values.get(name) or ("",)
        return values[0].strip()

    def refuse(self, name: str, code: str, **params: object) -> None:
        self._problems.setdefault(name, FieldProblem(code, params))

    def name(self, name: str, max_length: int) -> str:
        """One required line that may go into lists and spreadsheets: no link, no formula."""
        line = self._line(name, max_length)
        if contains_url(line):
            self.refuse(name, "contains-url")
        elif looks_like_spreadsheet_formula(line):
            self.refuse(name, "formula")
        elif line and not any(character.isalpha() for character in line):
            self.refuse(name, "no-letters")
        return line

    def _line(self, name: str, max_length: int) -> str:
        try:
            return clean_line(self.get(name), max_length)
        except Empty:
            self.refuse(name, "required")
        except TooLong:
            self.refuse(name, "too-long", limit=max_length)
        return ""

    def paragraphs(self, name: str, max_length: int) -> str | None:
        """Optional prose. A link in a public word is advertising more often than not."""
        try:
            prose = clean_paragraphs(self.get(name), max_length)
        except Empty:
            return None
        except TooLong:
            self.refuse(name, "too-long", limit=max_length)
            return None
        if contains_url(prose, prose=True):
            self.refuse(name, "contains-url")
        return prose

    def address(self) -> Address | None:
        if not self.get("email"):
            self.refuse("email", "required")
            return None
        try:
            return parse_address(self.get("email"))
        except InvalidAddress as error:
            self.refuse("email", f"address-{error.reason}")
            return None

    def new_address(self, is_refused: RefusesDomain) -> Address | None:
        """The address of a new pledge. Who pledged before staff refused a domain still gets on."""
        address = self.address()
        if address and is_refused(address.domain):
            self.refuse("email", "address-refused")
        return address

    def institution(self, find_institution: FindInstitution) -> Affiliation | None:
        ror_id = self.get("institution")
        found = find_institution(ror_id) if ror_id else None
        if found is None:
            self.refuse("institution", "unknown-institution" if ror_id else "required")
        return found

    def one_of(self, name: str, choices: Mapping[str, Any] | Sequence[str]) -> str | None:
        value = self.get(name)
        if value not in choices:
            self.refuse(name, "choose" if value else "required")
            return None
        return value

    def some_of(self, name: str, choices: Mapping[str, Any]) -> list[str]:
        chosen = self._values.get(name) or ()
        if unknown := [code for code in chosen if code not in choices]:
            self.refuse(name, "unknown-choice", value=unknown[0][:40])
        return [code for code in choices if code in chosen]

    def country(self) -> str:
        typed = self.get("country")
        code = typed.upper()
        if not typed:
            self.refuse("country", "required")
        elif not typed.isascii() or not geography.is_country(
            code
        ):  # a capital "ß" is "SS", South Sudan
            self.refuse("country", "unknown-country")
        return code

    def disciplines(self) -> list[str]:
        chosen = list(dict.fromkeys(self._values.get("disciplines") or ()))
        if not all(is_field(code) for code in chosen):
            self.refuse(
                "disciplines",
                "unknown-choice",
                value=next(c for c in chosen if not is_field(c))[:40],
            )
        elif len(chosen) > MAX_DISCIPLINES:
            self.refuse("disciplines", "too-many", limit=MAX_DISCIPLINES)
        return chosen

    def orcid(self) -> str | None:
        if not self.get("orcid"):
            return None
        try:
            return orcid.normalise_orcid(self.get("orcid"))
        except orcid.InvalidOrcid:
            self.refuse("orcid", "orcid")
            return None

    def support_letters(self) -> dict[str, str]:
        """Letters of support by language, from the numbered fields ``letter_locale_1``, ``letter_1`` …"""
        letters: dict[str, str] = {}
        for number in range(1, MAX_SUPPORT_LETTERS + 1):
            if letter := self.paragraphs(f"letter_{number}", SUPPORT_LETTER_LENGTH):
                locale = self.get(f"letter_locale_{number}")
                # One language twice would silently lose the first letter.
                if not is_offered(locale) or locale in letters:
                    self.refuse(f"letter_locale_{number}", "choose")
                letters[locale] = letter
        return letters
