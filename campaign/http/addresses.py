"""Limits on paths: one spelling for each page, and none that the database cannot look up."""

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter


class CanonicalInteger(IntegerConverter):
    """An integer without leading zeros, as our links write it.

    Each page has one address, so that requests for other spellings cannot fill the cache with copies of it.
    """

    regex = "(?:0|[1-9][0-9]*)"


def init_app(app: Flask) -> None:
    app.url_map.converters["int"] = CanonicalInteger
    app.before_request(refuse_impossible_paths)


def refuse_impossible_paths() -> None:
    """Answer 404 to a path with a NUL, which PostgreSQL's text cannot contain."""
    if "\0" in request.path:
        abort(404)
