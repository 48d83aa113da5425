"""Redirects from old and misspelled addresses: of a merged institution, or of a country's code in lowercase."""

from urllib.parse import urlencode

from flask import request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.routing import RequestRedirect


class PermanentRedirect(RequestRedirect):
    """A redirect (301) to this page at another address; ``changes`` are the parts of path or query that differ."""

    code = 301

    def __init__(self, **changes: str | None) -> None:
        path, query = dict(request.view_args or {}), MultiDict(request.args)
        for name, value in changes.items():
            if value:
                (path if name in path else query)[name] = value
        # The query is not passed to url_for, which gives some names a meaning ("_scheme"): it is the reader's.
        address, items = url_for(str(request.endpoint), **path), list(query.items(multi=True))
        super().__init__(f"{address}?{urlencode(items)}" if items else address)
