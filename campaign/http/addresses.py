"""Limits on addresses: one spelling for each page, no host but our own, no path that the database cannot hold.

Kept responses are found by path and language alone, so nothing else of an address may change what is in them.
"""

from urllib.parse import urlsplit

from flask import Flask, abort, request
from werkzeug.exceptions import SecurityError
from werkzeug.routing import IntegerConverter

from campaign.config import Settings


class CanonicalInteger(IntegerConverter):
    """An integer without leading zeros, as our links write it.

    Each page has one address, so that requests for other spellings cannot fill the cache with copies of it. No
    number is larger than a column of the database can hold.
    """

    regex = "(?:0|[1-9][0-9]{0,8})"


def init_app(app: Flask) -> None:
    app.url_map.converters["int"] = CanonicalInteger
    app.config["TRUSTED_HOSTS"] = own_hosts(app.config["BASE_URL"], app.config["SETTINGS"])
    app.before_request(refuse_impossible_paths)


def refuse_impossible_paths() -> None:
    """Answer 404 to a path with a NUL, which PostgreSQL's text cannot contain, and to any prefix of the paths.

    A prefix (SCRIPT_NAME) would stand before every link of the page. We serve at the root of our hosts only. For
    another host no page can be made: what is checked next must not try to.
    """
    if isinstance(request.routing_exception, SecurityError):
        raise request.routing_exception
    if "\0" in request.path or request.root_path:
        abort(404)


def own_hosts(base_url: str, settings: Settings) -> list[str]:
    """The hosts that an application answers for: its own, OTHER_HOSTS, and this machine to itself."""
    host = urlsplit(base_url).hostname or "localhost"
    return [host, *settings.other_hosts, "localhost", "127.0.0.1", "[::1]"]
