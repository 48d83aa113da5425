"""What may come into a campaign and its drafts: slugs, codes, passages; and what must not be broken in them.

A text consists of passages. Each is named after its column in ``CampaignText``; that of a commitment has its code
added: "title", "commitments/lectures".
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any

from campaign.i18n import DEFAULT
from campaign.staff.scopes import OutOfScope
from campaign.text import Empty, TooLong, clean_typeset

SOURCE = DEFAULT
PROSE = ("title", "theme", "summary", "introduction", "pledge", "pledge_institution")
COMMITMENTS = ("commitments", "commitments_institution")
# Longer than any shipped text; prose may have several paragraphs.
_LENGTHS = {"title": 120, "theme": 200, "summary": 600}
_PROSE_LENGTH, _SENTENCE_LENGTH = 10_000, 300
_SEVERAL_LINES = frozenset({"introduction", "pledge", "pledge_institution"})

_NAME = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SLUG_LENGTH, _CODE_LENGTH = 60, 40
# Words that addresses below /campaigns/ may need for pages of their own.
_RESERVED = frozenset({"all", "archive", "closed", "create", "new", "search"})
_GUARDED = re.compile(r"%\(\w+\)[sd]|\{\w+\}|</?[A-Za-z][^<>]*>|https?://[^\s<>]*[^\s<>.,;:!?)]")

# Columns of ``CampaignText`` by name, by language.
Texts = Mapping[str, Mapping[str, Any]]


class Problem(StrEnum):
    """What is wrong with a slug, a code or a passage."""

    FORM = "form"
    TAKEN = "taken"
    RESERVED = "reserved"
    REQUIRED = "required"
    TOO_LONG = "too long"
    PLACEHOLDERS = "placeholders"
    # People have signed the sentence: another promise is another commitment.
    SIGNED = "signed"


class InvalidName(Exception):
    """A slug or a code cannot be used."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


class InvalidPassage(Exception):
    """A passage cannot be saved as it is. ``broken`` are placeholders that are missing, or too many."""

    def __init__(
        self, passage: str, problem: Problem, broken: Collection[str] = (), limit: int = 0
    ) -> None:
        super().__init__(f"{passage}: {problem}")
        self.passage = passage
        self.problem = problem
        self.broken = tuple(broken)
        self.limit = limit


class ForeignLanguage(OutOfScope):
    """An account may not write in this language."""


def check_language(languages: Collection[str] | None, locale: str) -> None:
    """Raises ForeignLanguage where the language is not one of these; None stands for all."""
    if languages is not None and locale not in languages:
        raise ForeignLanguage


def check_slug(slug: str) -> None:
    """Raises InvalidName; whether it is taken is another question."""
    _check_name(slug, _SLUG_LENGTH)
    if slug in _RESERVED:
        raise InvalidName(Problem.RESERVED)


def check_code(code: str) -> None:
    """Raises InvalidName; whether it is taken is another question."""
    _check_name(code, _CODE_LENGTH)


def _check_name(name: str, max_length: int) -> None:
    if not name:
        raise InvalidName(Problem.REQUIRED)
    if len(name) > max_length:
        raise InvalidName(Problem.TOO_LONG)
    if not _NAME.fullmatch(name):
        raise InvalidName(Problem.FORM)


def passage_of(list_name: str, code: str) -> str:
    """Return the name of a commitment's passage."""
    return f"{list_name}/{code}"


def has_several_lines(passage: str) -> bool:
    """Whether a passage is prose in paragraphs, not a line."""
    return passage in _SEVERAL_LINES


def length_of(passage: str) -> int:
    """Return how many characters a passage may have."""
    short = _SENTENCE_LENGTH if "/" in passage else _PROSE_LENGTH
    return _LENGTHS.get(passage, short)


def clean_passage(passage: str, typed: str) -> str:
    """Return the passage as it is stored. Raises InvalidPassage."""
    limit = length_of(passage)
    line = typed if has_several_lines(passage) else " ".join(typed.splitlines())
    try:
        return clean_typeset(line, limit)
    except Empty:
        raise InvalidPassage(passage, Problem.REQUIRED) from None
    except TooLong:
        raise InvalidPassage(passage, Problem.TOO_LONG, limit=limit) from None


def placeholders(text: str) -> list[str]:
    """Return what a translation must repeat exactly: placeholders, tags, web addresses."""
    return _GUARDED.findall(text)


def check_placeholders(passage: str, source: str, translation: str) -> None:
    """Raises InvalidPassage where a translation lacks a placeholder of its source, or adds one."""
    there, here = Counter(placeholders(source)), Counter(placeholders(translation))
    if there != here:
        raise InvalidPassage(
            passage, Problem.PLACEHOLDERS, broken=sorted((there - here) + (here - there))
        )


def digest(texts: Texts) -> bytes:
    """Return the SHA-256 by which texts are known again."""
    return sha256(json.dumps(texts, sort_keys=True).encode()).digest()
