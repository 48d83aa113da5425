"""The reader's language: which are offered, which suits a browser, and how numbers and dates are written in it.

A locale is named by its BCP 47 tag everywhere ("zh-Hans"), in URLs and in the database; only folder names
and Babel use an underscore. English is the language of the source; every other offered language
is a folder of ``translations/`` with a catalogue, so adding one needs no line of code.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from babel import Locale, dates, lists, numbers
from babel.core import get_global, parse_locale
from flask import Flask, g
from flask_babel import Babel, force_locale

from campaign.paths import TRANSLATIONS

if TYPE_CHECKING:
    # Flask-Babel has no types.
    def gettext(string: str, **variables: object) -> str: ...
    def lazy_gettext(string: str, **variables: object) -> str: ...
    def ngettext(singular: str, plural: str, num: int, **variables: object) -> str: ...
else:
    from flask_babel import gettext, lazy_gettext, ngettext

__all__ = [
    "DEFAULT",
    "autonym",
    "babel_locale",
    "current",
    "direction",
    "fallback_chain",
    "format_ago",
    "format_date",
    "format_list",
    "format_number",
    "gettext",
    "in_language",
    "init_app",
    "is_offered",
    "isolated",
    "lazy_gettext",
    "month_name",
    "negotiate",
    "ngettext",
    "offered",
    "short_month_name",
]

DEFAULT = "en"


@cache
def offered() -> tuple[str, ...]:
    """Tags of all offered languages, the source language first, the others by their tag."""
    catalogues = TRANSLATIONS.glob("*/LC_MESSAGES/messages.mo")
    return DEFAULT, *sorted(mo.parent.parent.name.replace("_", "-") for mo in catalogues)


def is_offered(tag: str) -> bool:
    """Whether this exact tag is one of an offered language."""
    return tag in offered()


@cache
def babel_locale(tag: str) -> Locale:
    return Locale.parse(tag, sep="-")


@cache
def direction(tag: str) -> str:
    """Return the value of the HTML attribute ``dir``: "ltr" or "rtl"."""
    return babel_locale(tag).text_direction


@cache
def autonym(tag: str) -> str:
    """Return the language's own name for itself, for the language menu."""
    return babel_locale(tag).get_display_name(tag.replace("-", "_")) or tag


def language_name(tag: str) -> str:
    """Return the name of a language in the current one; the tag where it has none."""
    return babel_locale(current()).languages.get(tag.replace("-", "_")) or tag


@lru_cache(1000)  # bounded, since browsers can send any tag
def likely_script(tag: str) -> tuple[str, str] | None:
    """Return the language and its most likely script: ("zh", "Hant") for zh-TW, None for what is no tag.

    Source: CLDR likely subtags (UTS #35, part 1, "Likely Subtags").
    """
    try:
        # Not Locale.parse, which does not know zh-Hant-CN and takes it for zh-CN.
        language, territory, script, *_ = parse_locale(tag, sep="-")
    except ValueError:
        return None
    if script:
        return language, script
    likely = get_global("likely_subtags")
    for key in (f"{language}_{territory}", language):
        if key in likely:
            return language, likely[key].split("_")[1]
    return language, "Latn"


def fallback_chain(tag: str) -> Iterator[str]:
    """Yield the offered tags for a reader of this one, best first: exact, same language and script, default."""
    if is_offered(tag):
        yield tag
    wanted = likely_script(tag)
    for candidate in offered():
        if candidate != tag and wanted and likely_script(candidate) == wanted:
            yield candidate
    if tag != DEFAULT and wanted != likely_script(DEFAULT):
        yield DEFAULT


def negotiate(accepted: Iterable[str]) -> str:
    """Return the offered language for a browser's tags, which come best first (RFC 9110, 12.5.4).

    Matches language and likely script, not prefixes as in RFC 4647: zh-TW must not get zh-Hans, pt-MZ gets pt.
    """
    by_script = _by_script(offered())
    for tag in accepted:
        if is_offered(tag):
            return tag
        if (wanted := likely_script(tag)) in by_script:
            return by_script[wanted]
    return DEFAULT


@cache
def _by_script(tags: tuple[str, ...]) -> dict[tuple[str, str] | None, str]:
    # Reversed, so that of two with one script the first in order wins.
    return {likely_script(tag): tag for tag in reversed(tags)}


@contextmanager
def in_language(tag: str) -> Iterator[None]:
    """Use this language inside the block, with or without a request: e-mails of a worker are written in it."""
    before = g.get("locale", DEFAULT)
    g.locale = tag
    try:
        with force_locale(tag.replace("-", "_")):
            yield
    finally:
        g.locale = before


def current() -> str:
    """Return the tag of the language in use."""
    tag: str = g.get("locale", DEFAULT)
    return tag


def format_number(number: float) -> str:
    return numbers.format_decimal(number, locale=babel_locale(current()))


def format_date(day: date | datetime, style: str = "long") -> str:
    return dates.format_date(day, style, locale=babel_locale(current()))


def format_ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment is, in words: "3 minutes ago"."""
    return dates.format_timedelta(moment - now, add_direction=True, locale=babel_locale(current()))


def format_list(names: Sequence[str]) -> str:
    """Return names as one enumerates them: "Chile, Kenya, and Peru"."""
    return lists.format_list(names, locale=babel_locale(current()))


def month_name(month: str) -> str:
    """Return a month such as "2026-11" in the reader's language: "November 2026"."""
    return _format_month(month, "yMMMM")


def short_month_name(month: str) -> str:
    """The same, abbreviated: "Nov 2026"."""
    return _format_month(month, "yMMM")


def _format_month(month: str, skeleton: str) -> str:
    day = date.fromisoformat(f"{month}-01")
    return dates.format_skeleton(skeleton, day, locale=babel_locale(current()))


def isolated(name: str) -> str:
    """Return a name between marks that keep its direction from reordering the text around it (UAX #9, FSI, PDI)."""
    return f"\u2068{name}\u2069"


def init_app(app: Flask) -> None:
    Babel(
        app,
        default_locale=DEFAULT,
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=lambda: current().replace("-", "_"),
    )
