"""Which addresses there are: one spelling for each page, and none that the database cannot look for."""

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter


class CanonicalInteger(IntegerConverter):
    """A number as our links write it.

    One address for each page, so that nobody can fill the memory by asking for it under thousands.
    """

    regex = "(?:0|[1-9][0-9]*)"


def init_app(app: Flask) -> None:
    app.url_map.converters["int"] = CanonicalInteger
    app.before_request(refuse_impossible_paths)


def refuse_impossible_paths() -> None:
    if "\0" in request.path:  # PostgreSQL's text has no NUL
        abort(404)
