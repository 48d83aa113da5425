"""Redirects from old and misspelled addresses: of a merged institution, or of a country's code in lowercase.

Each leads to a path, so that no header of a request has a say in where readers are sent.
"""

from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import Flask, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.routing import RequestRedirect


def init_app(app: Flask) -> None:
    app.before_request(stay_on_host)


def stay_on_host() -> None:
    """Take the host out of a redirect that the routing raises, as for a missing slash at the end.

    One slash begins the path, since two would begin a host.
    """
    redirect = request.routing_exception
    if isinstance(redirect, RequestRedirect):
        _, _, path, query, _ = urlsplit(redirect.new_url)
        redirect.new_url = urlunsplit(("", "", f"/{path.lstrip('/')}", query, ""))


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
