"""Lists, page by page: a signed cursor says what comes next, never a number of rows to skip.

A cursor names the last row of a page, so the next page costs the same however far down the list it is, and no
client can make the database start anywhere but where a page ended. A page of a tally reads its own rows and the
keys with an official pledge (``tallies.queries.by_key``). Days and months come whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import request

from campaign.api.base import ApiProblem, chosen_language
from campaign.links import absolute_url
from campaign.pledges.policy import current_policy
from campaign.pledges.queries import CURSOR_LIFETIME
from campaign.tokens import InvalidToken

Row = Mapping[str, Any]
Position = Any  # whatever JSON can hold
# Up to so many rows after a position, each with its own position.
Source = Callable[[Position | None, int], Sequence[tuple[Position, Row]]]

BATCH = 1000


def page(source: Source, query: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """One page of a list, and its Link header (RFC 8288). Raises ApiProblem for a cursor that is not ours."""
    limit = query["limit"]
    rows = source(_position(query.get("after")), limit + 1)
    body = {"items": [row for _, row in rows[:limit]], "next": None}
    if len(rows) <= limit:
        return body, {}
    following = absolute_url(
        request.endpoint or "",
        **(request.view_args or {}),
        **{name: text for name, text in request.args.items() if name not in {"after", "lang"}},
        lang=chosen_language(),
        after=current_policy().signer.sign(_purpose(), rows[limit - 1][0]),
    )
    return body | {"next": following}, {"Link": f'<{following}>; rel="next"'}


def every_row(source: Source) -> Iterator[Row]:
    """All rows of a list, read in batches."""
    batch = source(None, BATCH)
    while batch:
        yield from (row for _, row in batch)
        batch = source(batch[-1][0], BATCH) if len(batch) == BATCH else ()


def known(rows: Sequence[Row]) -> Source:
    """A list that is in memory already, as a source."""

    def source(after: Position | None, limit: int) -> Sequence[tuple[Position, Row]]:
        start = after or 0
        return [*enumerate(rows[start : start + limit], start + 1)]

    return source


def _purpose() -> str:
    return f"api-cursor {request.endpoint}"


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    try:
        return current_policy().signer.read(_purpose(), cursor, CURSOR_LIFETIME)
    except InvalidToken:
        detail = "Not a cursor of this list, or older than seven days. Start again without it."
        raise ApiProblem(400, detail, [{"name": "after", "detail": detail}]) from None


def moment(position: Position | None) -> tuple[datetime, UUID] | None:
    """The position of a pledge, as the database compares it."""
    return (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
