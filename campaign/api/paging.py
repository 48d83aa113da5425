"""Lists, page by page: what comes next is told by a signed cursor, never by a number of rows to skip.

A cursor names the last row of a page, so that a page costs the same however far down it is, and nobody can make
the database start anywhere else than where a page ended.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import request

from campaign.api.answers import Problem
from campaign.links import absolute_url
from campaign.pledges.policy import current_policy
from campaign.pledges.queries import CURSOR_LIFETIME
from campaign.tokens import InvalidToken

Row = Mapping[str, Any]
Position = Any  # whatever JSON can hold
# Rows after a position, at most so many, each with its own position.
Source = Callable[[Position | None, int], Sequence[tuple[Position, Row]]]


def page(source: Source, query: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """One page of a list, and its Link header (RFC 8288). Raises Problem for a cursor that is not ours."""
    found = source(_position(query.get("after")), query["limit"] + 1)
    shown = found[: query["limit"]]
    body = {"items": [row for _, row in shown], "next": None}
    if len(found) == len(shown):
        return body, {}
    following = absolute_url(
        request.endpoint or "",
        **(request.view_args or {}),
        **{name: value for name, value in request.args.items() if name != "after"},
        after=current_policy().signer.sign(_purpose(), shown[-1][0]),
    )
    return body | {"next": following}, {"Link": f'<{following}>; rel="next"'}


def _purpose() -> str:
    return f"api-cursor {request.endpoint}"


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    try:
        return current_policy().signer.read(_purpose(), cursor, CURSOR_LIFETIME)
    except InvalidToken:
        detail = "Not a cursor of this list, or older than seven days. Start again without it."
        raise Problem(400, detail, [{"name": "after", "detail": detail}]) from None


def moment(position: Position | None) -> tuple[datetime, UUID] | None:
    """The position of a pledge, as the database compares it."""
    return (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
