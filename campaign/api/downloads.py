"""Whole lists as files, CSV or JSON Lines, written while they are read: their length costs no memory."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from hashlib import sha256
from itertools import chain, islice
from typing import Any, ParamSpec

from flask import Response, current_app, request, stream_with_context
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from marshmallow.fields import Field

from campaign import i18n, topics
from campaign.api.paging import Row, Source, every_row
from campaign.api.schemas import RorId, sample
from campaign.clock import now
from campaign.institutions.models import written_id
from campaign.institutions.records import short_id
from campaign.text import without_formulas

P = ParamSpec("P")
# The fields of a row by name, in order.
Columns = Mapping[str, Field[Any]]

JSON, CSV, JSON_LINES = "application/json", "text/csv", "application/jsonl"
TYPES = {"csv": CSV, "jsonl": JSON_LINES}
# A file may list every name there is.
DOWNLOAD_LIMIT = "30 per minute"


def or_file(
    file_view: Callable[..., Response],
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, Response]]:
    """Respond with the whole list as a file where ``Accept`` prefers one to JSON (RFC 9110, 12.5.1)."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
        @wraps(view)
        def negotiated(*args: P.args, **path: P.kwargs) -> Response:
            best = request.accept_mimetypes.best_match([JSON, CSV, JSON_LINES], default=JSON)
            extension = next((name for name, type_ in TYPES.items() if type_ == best), None)
            rows = file_view(**path, extension=extension) if extension else view(*args, **path)
            response = current_app.make_response(rows)
            response.vary.add("Accept")
            return response

        return negotiated

    return decorate


def file(source: Source, schema: type[Schema], extension: str, name: str) -> Response:
    """All rows of a list as one streamed file."""
    columns, tag = schema().fields, _tag(extension)
    write: Callable[[Iterator[Row], Columns], Iterator[str]]
    write = _csv if extension == "csv" else _json_lines
    response = Response(
        content_type=f"{TYPES[extension]}; charset=utf-8"
        + ("; header=present" if extension == "csv" else "")
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{extension}"'
    response.headers["Cache-Control"] = "public, max-age=60"
    response.set_etag(tag, weak=True)
    if request.if_none_match.contains_weak(tag):
        response.status_code = 304
    else:
        lines = write(every_row(source), columns)
        response.response = stream_with_context(_in_pieces(lines))
    return response


def _tag(extension: str) -> str:
    """A tag of what the rows are read from, since the file is sent before its last row is read.

    It changes with the day, too: names change without any tally.
    """
    source = (*topics.versions().values(), now().date(), extension, i18n.current())
    return sha256(repr(source).encode()).hexdigest()[:20]


def _in_pieces(lines: Iterator[str], size: int = 500) -> Iterator[str]:
    """The lines, some at a time: a server sends each piece by itself."""
    for first in lines:
        yield first + "".join(islice(lines, size - 1))


def _csv(rows: Iterator[Row], columns: Columns) -> Iterator[str]:
    """Lines of CSV (RFC 4180), the first with the names of the columns.

    All cells are quoted: a spreadsheet may split at another sign than a comma.
    """
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL)
    for line_cells in chain((columns,), (cells(row, columns) for row in rows)):
        writer.writerow(line_cells)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def cells(row: Row, columns: Columns) -> list[str | int]:
    """The values of a row as cells. ROR ids have their address: 038724806 and 0149e7294 would become numbers."""
    return [cell(_with_address(row[name], field)) for name, field in columns.items()]


def _with_address(value: object, field: Field[Any]) -> object:
    is_id = isinstance(field, RorId) and isinstance(value, str) and short_id(value)
    return written_id(str(value)) if is_id else value


def cell(value: object) -> str | int:
    """A value as a cell that no spreadsheet takes for a formula."""
    if value is None or isinstance(value, int):
        return "" if value is None else value
    text = " ".join(value) if isinstance(value, list | tuple) else str(value)
    return without_formulas(text)


def _json_lines(rows: Iterator[Row], columns: Columns) -> Iterator[str]:
    for row in rows:
        values = {column: row[column] for column in columns}
        yield json.dumps(values, ensure_ascii=False, default=str) + "\n"


def samples(schema: type[Schema]) -> dict[str, str]:
    """A file of one row, by content type."""
    columns = schema().fields
    return {
        CSV: "".join(_csv(iter([sample(schema)]), columns)),
        JSON_LINES: "".join(_json_lines(iter([sample(schema)]), columns)),
    }
