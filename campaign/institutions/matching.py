"""Match a line of somebody's list, such as a name or a pasted affiliation, with the registry.

Lists are matched line by line: however long one is, it takes the memory of a line, and a broken line spoils no
other.
"""

from collections.abc import Sequence

from campaign.geography import is_country
from campaign.institutions.queries import Match, search
from campaign.institutions.search import LONGEST_QUERY
from campaign.text import Empty, TooLong, clean_line

MOST_MATCHES = 5


class BrokenLine(ValueError):
    """The line cannot be matched; the message is a sentence for whoever made the list."""


def match(
    line: str, *, locale: str, country: str | None = None, limit: int = MOST_MATCHES
) -> Sequence[Match]:
    """Return the institutions that a line may mean, the likeliest first.

    ``country`` is an ISO 3166-1 alpha-2 code in either case; institutions there are preferred. Raises BrokenLine.
    """
    return search(_cleaned(line), locale=locale, country=_country(country), limit=limit)


def _cleaned(line: str) -> str:
    try:
        return clean_line(line, LONGEST_QUERY)
    except Empty:
        raise BrokenLine("The line is empty.") from None
    except TooLong:
        raise BrokenLine(f"The line is longer than {LONGEST_QUERY:,} characters.") from None


def _country(typed: str | None) -> str | None:
    code = (typed or "").strip()
    if not code:
        return None
    # "ß" in capitals is "SS", South Sudan.
    if not (code.isascii() and is_country(code.upper())):
        raise BrokenLine("The country is not one of ISO 3166-1 (alpha-2).")
    return code.upper()
