"""Whole lists of institutions, as partners have them, matched with the registry.

It is a POST, since a list does not fit into an address; it changes nothing, so pages of any site may send it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from werkzeug.exceptions import HTTPException

from campaign import i18n
from campaign.api import schemas
from campaign.api.base import ApiProblem
from campaign.api.places import match_row
from campaign.api.reading import Body, Query, blueprint, common_errors
from campaign.http.access import anyone
from campaign.http.origin import only_reads
from campaign.http.rate_limits import rate_limited
from campaign.institutions.matching import MOST_MATCHES, BrokenLine, match
from campaign.institutions.search import LONGEST_QUERY

MOST_LINES = 100
# As many lines as a network may search for one by one.
MATCH_LIMIT = "30 per minute"

_LINE = {
    "type": "object",
    "description": "A line with its country.",
    "required": ["query"],
    "properties": {
        "query": {
            "type": "string",
            "description": f"A name or an affiliation, up to {LONGEST_QUERY:,} characters.",
        },
        "country": {
            "type": ["string", "null"],
            "description": "Where it is, if you know (ISO 3166-1 alpha-2): institutions there are preferred.",
        },
    },
}
_LINES: Mapping[str, Any] = {
    "required": True,
    "description": "The lines: texts, or objects with a text and its country.",
    "content": {
        "application/json": {
            "schema": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_LINES,
                "items": {
                    "anyOf": [
                        {"type": "string", "description": "A name or an affiliation."},
                        _LINE,
                        {"description": "Anything else gets an error in its own place."},
                    ]
                },
            },
            "example": ["Univ. of Nairobi", {"query": "Makerere, Kampala", "country": "UG"}],
        }
    },
}


@blueprint.post("/institutions/match", tags=["Places"])
@anyone
@only_reads
@rate_limited(MATCH_LIMIT)
@blueprint.arguments(schemas.LanguageQuery, location="query")
@blueprint.response(200, schemas.MatchedLinesSchema)
@blueprint.alt_response(413, description="The body is too large.")
@blueprint.alt_response(415, description="The body is not JSON by its Content-Type.")
@common_errors
@blueprint.doc(requestBody=_LINES)
def institution_match(_query: Query) -> Body:
    """Match a list of institutions

    Up to 100 lines, each answered in its place with up to five institutions, the likeliest first, and how sure each
    is. A line that cannot be read gets an `error` and spoils no other. Nothing is stored, and no key is needed.
    """
    return {"items": [_answer(place, line) for place, line in enumerate(_lines(), start=1)]}


def _lines() -> Sequence[object]:
    """The lines of the body, whatever each is. Raises ApiProblem, also through ``get_json``."""
    try:
        lines = request.get_json()
    except HTTPException:
        raise
    except (ValueError, RecursionError):  # nested deeper, or a number longer, than Python reads
        lines = None
    if not isinstance(lines, list) or not 0 < len(lines) <= MOST_LINES:
        raise ApiProblem(400, f"Send a JSON array of 1 to {MOST_LINES} lines.")
    return lines


def _answer(place: int, line: object) -> dict[str, Any]:
    try:
        text, country = _read(line)
        matches = match(text, locale=i18n.current(), country=country, limit=MOST_MATCHES)
    except BrokenLine as error:
        return {"line": place, "matches": [], "error": str(error)}
    return {"line": place, "matches": [match_row(match) for match in matches], "error": None}


def _read(line: object) -> tuple[str, str | None]:
    """The text of a line and its country. Raises BrokenLine."""
    fields = {"query": line} if isinstance(line, str) else line
    if isinstance(fields, dict) and fields.keys() <= {"query", "country"}:
        text, country = fields.get("query"), fields.get("country")
        if isinstance(text, str) and isinstance(country, str | None):
            return text, country
    raise BrokenLine(
        "The line is neither a text nor an object with the texts `query` and `country`."
    )
