"""What has its page at another address today: a merged institution, a country's code in small letters."""

from urllib.parse import urlencode

from flask import request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.routing import RequestRedirect


class PermanentRedirect(RequestRedirect):
    """This very page is at another address, for ever; ``changed`` are the parts of path or query that differ."""

    code = 301

    def __init__(self, **changed: str | None) -> None:
        path, query = dict(request.view_args or {}), MultiDict(request.args)
        for name, value in changed.items():
            if value:
                (path if name in path else query)[name] = value
        # Apart from url_for, for which some names mean something: a query is the reader's.
        address, asked = url_for(str(request.endpoint), **path), list(query.items(multi=True))
        super().__init__(f"{address}?{urlencode(asked)}" if asked else address)
