"""Lists that come as JSON and whole, as files: both views from one declaration."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from marshmallow.fields import Field

from campaign.api.downloads import DOWNLOAD_LIMIT, file, or_file, samples
from campaign.api.paging import Source, every_row, page
from campaign.api.reading import Parameter, Query, blueprint, common_errors, in_path, unchanged
from campaign.http.access import View, anyone
from campaign.http.caching import cached
from campaign.http.rate_limits import rate_limited

# From the query and the parts of the path to the rows.
Rows = Callable[..., Source]

_EXTENSION = in_path("extension", "The format.", "csv", enum=["csv", "jsonl"])
_PAGING = {"limit", "after"}
_AS_FILE = "As CSV or JSON Lines, with the fields of the list."


@dataclass(frozen=True, kw_only=True)
class DataList:
    """A list and its views; decorates the function that returns its rows.

    They are served as JSON at ``rule``, and whole as a file at ``rule.csv`` and ``rule.jsonl``. The name of the
    function is the endpoint of the JSON, with ``_file`` that of the file; its docstring describes the JSON.

    ``row`` is the schema of a row, with the columns of the file; ``response`` that of the JSON around the rows. The
    JSON comes in pages if ``query`` has the fields ``limit`` and ``after``, which the file does not take.
    ``file_summary`` describes the file, ``not_found`` a 404 of both.
    """

    rule: str
    parameters: Sequence[Parameter]
    query: type[Schema]
    row: type[Schema]
    response: type[Schema]
    tags: Sequence[str]
    file_summary: str
    not_found: str

    def __call__(self, rows: Rows) -> Rows:
        file_view = self._file_view(rows)
        blueprint.get(self.rule, parameters=self.parameters, tags=self.tags)(
            self._json_view(rows, file_view)
        )
        blueprint.get(
            f"{self.rule}.<any(csv, jsonl):extension>",
            endpoint=f"{rows.__name__}_file",
            parameters=[*self.parameters, _EXTENSION],
            tags=self.tags,
        )(file_view)
        return rows

    def _json_view(self, rows: Rows, file_view: Callable[..., Response]) -> Callable[..., Response]:
        @anyone
        @or_file(file_view)
        @blueprint.arguments(self.query, location="query")
        @cached(*[name for name in self._fields if name != "lang"])
        @blueprint.response(200, self.response)
        @self._describe
        @wraps(rows)
        def view(query: Query, **path: str) -> ResponseReturnValue:
            source = rows(query, **path)
            return page(source, query) if "limit" in query else {"items": [*every_row(source)]}

        return view

    def _file_view(self, rows: Rows) -> Callable[..., Response]:
        @anyone
        @rate_limited(DOWNLOAD_LIMIT)
        @blueprint.arguments(self.query(exclude=_PAGING & {*self._fields}), location="query")
        @self._describe
        @blueprint.doc(summary=self.file_summary, description=_AS_FILE)
        def view(query: Query, extension: str, **path: str) -> Response:
            return file(rows(query, **path), self.row, extension, _file_name(**path))

        return view

    @property
    def _fields(self) -> Mapping[str, Field[Any]]:
        return self.query().fields

    def _describe(self, view: View) -> View:
        """Document what both views can respond besides JSON."""
        for type_, example in samples(self.row).items():
            view = blueprint.alt_response(
                200, content_type=type_, schema={"type": "string"},
                description="The rows.", example=example,
            )(view)  # fmt: skip
        missing = blueprint.alt_response(404, description=self.not_found)
        return common_errors(unchanged(missing(view)))


def _file_name(slug: str, **_path: str) -> str:
    """The campaign and the last part of the address, such as heart-of-science-country."""
    last = request.path.rpartition("/")[2]
    return f"{slug}-{last.partition('.')[0]}"
