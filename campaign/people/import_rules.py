"""What the columns of a file of supporters may be, and what a row says of a person.

Nothing is guessed about a person: a country or a day that cannot be read for certain is left to staff.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from babel import Locale

from campaign import i18n
from campaign.institutions import queries as institution_queries
from campaign.institutions.countries import country_called
from campaign.institutions.folding import fold
from campaign.institutions.records import short_id
from campaign.people.models import SupporterImport
from campaign.people.queries import fingerprint
from campaign.people.rules import Address, InvalidAddress, parse_address
from campaign.text import Empty, TooLong, clean_line
from campaign.tokens import Signer

LONGEST_LINE = 200


class Column(StrEnum):
    """What a column of the file may be."""

    EMAIL = "email"
    NAME = "name"
    COUNTRY = "country"
    INSTITUTION = "institution"
    LANGUAGE = "language"
    CONSENT_DATE = "consent date"


class Problem(StrEnum):
    """Why a row cannot be brought in as it is."""

    ADDRESS = "address"
    NAME = "name"
    INSTITUTION = "institution"
    SUPPRESSED = "suppressed"
    UNSUBSCRIBED = "unsubscribed"
    ERASED = "erased"
    # Staff may say what these cells stand for.
    COUNTRY = "country"
    CONSENT_DATE = "consent date"


OPEN = frozenset({Problem.COUNTRY, Problem.CONSENT_DATE})


class MappingProblem(StrEnum):
    """Why what staff say of the columns cannot be used."""

    NO_EMAIL = "no email"
    TWICE = "twice"
    CONSENT_HALF_GIVEN = "consent half given"
    CONSENT_IN_FUTURE = "consent in future"


class InvalidMapping(Exception):
    """The columns, or where people said yes, cannot be as staff say."""

    def __init__(self, problem: MappingProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class BadRow(Exception):
    """A row cannot be brought in as it is: why, and the cell to blame."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(problem)
        self.problem, self.detail = problem, detail


@dataclass(frozen=True)
class Candidate:
    """What a row says of a person."""

    fingerprint: bytes
    address: Address
    name: str | None
    country: str | None
    institution_id: str | None
    institution_text: str | None
    locale: str
    consent_on: date | None


# Words of headers, folded, that say what a column is, in the languages of the site and some more.
_HEADERS: Mapping[Column, str] = {
    Column.EMAIL: (
        "email|e mail|mail|email address|e mail address|address|correo|correo electronico|courriel|adresse"
        "|adresse e mail|adresse email|endereco de e mail|eletronico|почта|электронная почта|эл почта|имеил"
        "|البريد الالكتروني|بريد|ايميل|اي ميل|برقي پتا|ईमेल|ई मेल|barua pepe|电子邮件|电子邮箱|邮箱|邮件|电邮"
    ),
    Column.NAME: (
        "name|full name|nombre|nombre completo|nom|nom complet|prenom et nom|nome|nome completo|имя|фио"
        "|имя и фамилия|الاسم|اسم|نام|नाम|पूरा नाम|jina|jina kamili|姓名|名字|名称"
    ),
    Column.COUNTRY: "country|pais|pays|страна|البلد|الدوله|بلد|دوله|ملك|देश|nchi|国家|国家 地区|country code",
    Column.INSTITUTION: (
        "institution|affiliation|organisation|organization|university|institucion|universidad|afiliacion|universite"
        "|etablissement|instituicao|universidade|учреждение|организация|университет|место работы|المؤسسه|مؤسسه"
        "|الجامعه|اداره|ادارہ|संस्था|संस्थान|विश्वविद्यालय|taasisi|chuo kikuu|机构|单位|大学"
    ),
    Column.LANGUAGE: "language|lang|locale|idioma|lengua|langue|lingua|язык|اللغه|لغه|زبان|भाषा|lugha|语言",
    Column.CONSENT_DATE: (
        "consent date|date of consent|consent|opt in|opt in date|subscribed|subscribed at|confirm time|optin time"
        "|fecha de consentimiento|date de consentement|data de consentimento|дата согласия|تاريخ الموافقه"
        "|सहमति की तारीख|tarehe ya ridhaa|同意日期"
    ),
}


@cache
def _columns_by_header() -> dict[str, Column]:
    return {fold(word): column for column, words in _HEADERS.items() for word in words.split("|")}


def guess(headers: Sequence[str], samples: Sequence[Sequence[str]]) -> list[str | None]:
    """What each column seems to be, by its header or, for addresses, by what stands in it; each kind once."""
    guessed: list[str | None] = []
    for place, header in enumerate(headers):
        has_at = any("@" in "".join(row[place : place + 1]) for row in samples)
        column = Column.EMAIL if has_at else _columns_by_header().get(fold(header))
        guessed.append(None if column in guessed else column)
    return guessed


def read_row(signer: Signer, import_: SupporterImport, cells: Sequence[str]) -> Candidate | BadRow:
    """What a row says, or why it cannot be brought in as it is."""
    named = zip(import_.columns, cells, strict=False)
    values = {Column(column): cell for column, cell in named if column}
    try:
        return _candidate(signer, import_, values)
    except BadRow as bad:
        return bad


def _candidate(signer: Signer, import_: SupporterImport, values: Mapping[Column, str]) -> Candidate:
    """Raises BadRow."""
    address = _address(values.get(Column.EMAIL, ""))
    institution_id, institution_text = _institution(values.get(Column.INSTITUTION, ""))
    return Candidate(
        fingerprint=fingerprint(signer, address),
        address=address,
        name=_line(values.get(Column.NAME, ""), Problem.NAME),
        country=_country(values.get(Column.COUNTRY, ""), import_.decisions),
        institution_id=institution_id,
        institution_text=institution_text,
        locale=_language_called(values.get(Column.LANGUAGE, "")) or import_.locale,
        consent_on=_consent_on(import_, values),
    )


def _address(cell: str) -> Address:
    try:
        return parse_address(cell)
    except InvalidAddress:
        raise BadRow(Problem.ADDRESS, cell[:LONGEST_LINE]) from None


def _line(cell: str, problem: Problem) -> str | None:
    try:
        return clean_line(cell, LONGEST_LINE)
    except Empty:
        return None
    except TooLong:
        raise BadRow(problem, cell[:LONGEST_LINE]) from None


def _country(cell: str, decisions: Mapping[str, Any]) -> str | None:
    decided = decisions.get(Problem.COUNTRY, {})
    if not cell or cell[:LONGEST_LINE] in decided:
        return decided.get(cell[:LONGEST_LINE]) or None
    if country := country_called(cell):
        return country
    raise BadRow(Problem.COUNTRY, cell[:LONGEST_LINE])


def _institution(cell: str) -> tuple[str | None, str | None]:
    """The institution that a ROR id names, or the text as it is."""
    ror_id = short_id(cell)
    if ror_id and (institution := institution_queries.resolve(ror_id)):
        return institution.id, None
    return None, _line(cell, Problem.INSTITUTION)


@cache
def _languages() -> dict[str, str]:
    """The tags of the offered languages by what they are called in each of them."""
    names = {}
    for tag in i18n.offered():
        for reader in i18n.offered():
            name = i18n.babel_locale(tag).get_language_name(reader.replace("-", "_"))
            names[fold(name or tag)] = tag
    return names


def _language_called(cell: str) -> str | None:
    """The offered language that a cell means, by tag ("pt-BR", "ES") or by name."""
    if not cell:
        return None
    tag = i18n.negotiate([cell.replace("_", "-")]) if _is_tag(cell) else None
    return _languages().get(fold(cell)) or tag


def _is_tag(cell: str) -> bool:
    """Whether a cell is the tag of a language that is offered in some form."""
    try:
        language = Locale.parse(cell, sep="_" if "_" in cell else "-").language
    except (ValueError, LookupError):
        return False
    return language in {i18n.babel_locale(tag).language for tag in i18n.offered()}


def _consent_on(import_: SupporterImport, values: Mapping[Column, str]) -> date | None:
    """The day of a yes; None where the person gave none, or nobody knows where."""
    if import_.consent_source is None or Column.CONSENT_DATE not in values:
        return import_.consent_on if Column.CONSENT_DATE not in import_.columns else None
    cell = values[Column.CONSENT_DATE]
    decided = import_.decisions.get(Problem.CONSENT_DATE, {})
    if not cell or cell in decided:
        return date.fromisoformat(decided[cell]) if decided.get(cell) else None
    day = _day(cell)
    if day is None or day > datetime.now(UTC).date():
        raise BadRow(Problem.CONSENT_DATE, cell[:LONGEST_LINE])
    return day


def _day(cell: str) -> date | None:
    """A day as ISO 8601 or with points has it. 3/4/2024 is April to some and March to others, so it is neither."""
    for pattern, text in (("%Y-%m-%d", cell[:10]), ("%d.%m.%Y", cell), ("%Y/%m/%d", cell[:10])):
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None
