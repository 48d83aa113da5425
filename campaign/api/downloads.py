"""Whole lists as files, CSV or JSON Lines, written while they are read: their length costs no memory."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from hashlib import sha256
from itertools import chain, islice
from typing import Any

from flask import Response, current_app, request, stream_with_context
from marshmallow import Schema

from campaign import i18n, topics
from campaign.api.answers import View
from campaign.api.paging import Row, Source
from campaign.api.schemas import sample
from campaign.clock import now

JSON, CSV, JSON_LINES = "application/json", "text/csv", "application/jsonl"
TYPES = {"csv": CSV, "jsonl": JSON_LINES}
FORMATS = "any(csv, jsonl)"
# A file may hold every name there is.
DOWNLOAD_LIMIT = "30 per minute"
BATCH = 1000
# With these a cell would begin a formula in a spreadsheet (OWASP, CSV Injection).
_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def or_file(view: View) -> View:
    """Answer with the whole list as a file where ``Accept`` would rather have one (RFC 9110, 12.5.1)."""

    @wraps(view)
    def chosen(*args: Any, **path: Any) -> Response:
        best = request.accept_mimetypes.best_match([JSON, CSV, JSON_LINES], default=JSON)
        extension = next((name for name, type_ in TYPES.items() if type_ == best), None)
        of_file = current_app.view_functions[f"{request.endpoint}_file"]
        made: Any = of_file(**path, extension=extension) if extension else view(*args, **path)
        answer = current_app.make_response(made)
        answer.vary.add("Accept")
        return answer

    return chosen  # type: ignore[return-value]


def file(source: Source, schema: type[Schema], extension: str, name: str) -> Response:
    """All rows of a list as one streamed file."""
    columns, tag = tuple(schema().fields), _tag(extension)
    write: Callable[[Iterator[Row], Sequence[str]], Iterator[str]]
    write = _csv if extension == "csv" else _json_lines
    answer = Response(
        content_type=f"{TYPES[extension]}; charset=utf-8"
        + ("; header=present" if extension == "csv" else "")
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{extension}"'
    answer.headers["Cache-Control"] = "public, max-age=60"
    answer.set_etag(tag, weak=True)
    if request.if_none_match.contains_weak(tag):
        answer.status_code = 304
    else:
        answer.response = stream_with_context(_in_pieces(write(_rows(source), columns)))
    return answer


def _tag(extension: str) -> str:
    """Of what the rows are read from: the file is on its way before its last row is. Names change with the day."""
    source = (*topics.versions().values(), now().date(), extension, i18n.current())
    return sha256(repr(source).encode()).hexdigest()[:20]


def _rows(source: Source) -> Iterator[Row]:
    found = source(None, BATCH)
    while found:
        yield from (row for _, row in found)
        found = source(found[-1][0], BATCH) if len(found) == BATCH else ()


def _in_pieces(lines: Iterator[str], size: int = 500) -> Iterator[str]:
    """Some lines at a time: a server sends each piece by itself."""
    for first in lines:
        yield first + "".join(islice(lines, size - 1))


def _csv(rows: Iterator[Row], columns: Sequence[str]) -> Iterator[str]:
    """RFC 4180, in UTF-8."""
    line = io.StringIO()
    writer = csv.writer(line)
    for cells in chain((columns,), ([cell(row[column]) for column in columns] for row in rows)):
        writer.writerow(cells)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def cell(value: Any) -> str | int:
    """A value as a cell that no spreadsheet takes for a formula."""
    if value is None or isinstance(value, int):
        return "" if value is None else value
    text = " ".join(value) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(_SIGNS) else text


def _json_lines(rows: Iterator[Row], columns: Sequence[str]) -> Iterator[str]:
    for row in rows:
        values = {column: row[column] for column in columns}
        yield json.dumps(values, ensure_ascii=False, default=str) + "\n"


def csv_sample(row: type[Schema]) -> str:
    return "".join(_csv(iter([sample(row)]), tuple(row().fields)))


def json_lines_sample(row: type[Schema]) -> str:
    return "".join(_json_lines(iter([sample(row)]), tuple(row().fields)))
