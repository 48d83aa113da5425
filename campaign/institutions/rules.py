"""What staff may say of an institution: checked and cleaned, with every problem by field."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from campaign.geography import is_country
from campaign.institutions import queries
from campaign.institutions.records import (
    LANGUAGE,
    MAX_NAME,
    MAX_NAMES,
    MAX_URL,
    owned_domain,
    short_id,
)
from campaign.text import Empty, TooLong, clean_line

# Fields with one value each; besides, "label sw" is the name in one language.
LISTS = ("acronyms", "aliases", "domains", "parents")
LABEL = "label "
TYPES = (
    "education", "healthcare", "company", "archive", "nonprofit", "government", "facility", "funder", "other",
)  # fmt: skip
_WEBSITE = re.compile(r"https?://[^\s/?#@]+\.[^\s/?#@]+(?:[/?#]\S*)?")


class Problem(StrEnum):
    """What is wrong with a value."""

    MISSING = "missing"
    TOO_LONG = "too long"
    TOO_MANY = "too many"
    NO_LANGUAGE = "no language"
    NO_COUNTRY = "no country"
    NO_TYPE = "no type"
    NO_ADDRESS = "no address"
    # Not a domain, or one where anyone can have an address.
    NOT_OWNED = "not owned"
    UNKNOWN = "unknown"
    # Its own parent, or that of its parent.
    OWN_DESCENDANT = "own descendant"


class InvalidInstitution(Exception):
    """What was said of an institution cannot be so; ``problems`` are by field, with the value that is wrong."""

    def __init__(self, problems: Mapping[str, tuple[Problem, str]]) -> None:
        super().__init__(dict(problems))
        self.problems = problems


class _Invalid(Exception):
    def __init__(self, problem: Problem, value: str = "") -> None:
        super().__init__(problem)
        self.problem, self.value = problem, value


def check(institution_id: str | None, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of the fields of an institution, cleaned. Raises InvalidInstitution.

    ``institution_id`` is None for one that is to be added.
    """
    problems: dict[str, tuple[Problem, str]] = {}
    clean: dict[str, Any] = {}
    for field in said:
        try:
            clean[field] = _check_field(institution_id, field, said)
        except _Invalid as invalid:
            problems[field] = (invalid.problem, invalid.value)
    if problems:
        raise InvalidInstitution(problems)
    return clean


def _check_field(institution_id: str | None, field: str, said: Mapping[str, Any]) -> object:
    value = said[field]
    if field.startswith(LABEL):
        if not LANGUAGE.fullmatch(field.removeprefix(LABEL)):
            raise _Invalid(Problem.NO_LANGUAGE, field.removeprefix(LABEL))
        return _name(value) if value else None
    if field == "parents":
        return _parents(institution_id, value)
    if field in {"acronyms", "aliases"}:
        return _several(value, _name)
    if field == "domains":
        return _several(value, _domain)
    return _SINGLE[field](value)


def _name(value: str) -> str:
    try:
        return clean_line(value, MAX_NAME)
    except Empty:
        raise _Invalid(Problem.MISSING) from None
    except TooLong:
        raise _Invalid(Problem.TOO_LONG, value[:60]) from None


def _several(values: Sequence[str], check_one: Callable[[str], str]) -> list[str]:
    checked = list(dict.fromkeys(check_one(value) for value in values if value.strip()))
    if len(checked) > MAX_NAMES:
        raise _Invalid(Problem.TOO_MANY)
    return checked


def _domain(value: str) -> str:
    owned = owned_domain(value.strip())
    if owned is None:
        raise _Invalid(Problem.NOT_OWNED, value)
    return owned


def _website(value: str | None) -> str | None:
    url = (value or "").strip()
    if not url:
        return None
    if len(url) > MAX_URL or not url.isprintable() or not _WEBSITE.fullmatch(url):
        raise _Invalid(Problem.NO_ADDRESS, url[:60])
    return url


def _country(value: str) -> str:
    if not is_country(value):
        raise _Invalid(Problem.NO_COUNTRY, value)
    return value


def _type(value: str) -> str:
    if value not in TYPES:
        raise _Invalid(Problem.NO_TYPE, value)
    return value


def _city(value: str | None) -> str | None:
    return _name(value) if value and value.strip() else None


_SINGLE: Mapping[str, Callable[[str], object]] = {
    "name": _name,
    "website": _website,
    "country": _country,
    "type": _type,
    "city": _city,
}


def _parents(institution_id: str | None, values: Sequence[str]) -> list[str]:
    ids = _several(values, _known_id)
    if institution_id and institution_id in {*ids, *ancestors(ids)}:
        raise _Invalid(Problem.OWN_DESCENDANT, institution_id)
    return ids


def _known_id(value: str) -> str:
    id_ = short_id(value.strip())
    if id_ is None or queries.get(id_) is None:
        raise _Invalid(Problem.UNKNOWN, value)
    return id_


def ancestors(ids: Iterable[str]) -> set[str]:
    """Return the ids of the parents of these institutions, of their parents, and so on."""
    found: set[str] = set()
    new = set(ids)
    while new:
        parents = {id_ for one in queries.by_ids([*new]).values() for id_ in one.parents}
        new = parents - found
        found |= parents
    return found
