"""What protects every answer: headers, the refusal of cross-site posts, rate limits.

The public pages set no cookie, so there is no session to ride on. A browser tells where a post comes from
(Sec-Fetch-Site, Origin), which needs no token and works on pages from a cache and in frames
(OWASP Cross-Site Request Forgery Prevention, "Fetch Metadata").
"""

import ipaddress
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import wraps
from threading import Lock
from typing import Any, Protocol

import limits
from flask import Flask, Response, abort, current_app, g, request
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from werkzeug.datastructures import Headers
from werkzeug.routing import IntegerConverter

from campaign.web.access import LINK_HOLDER, View

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "manifest-src 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A link with a person's token must not travel to another site.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
# For what the pages of other sites load from here: the loader of the widgets, its data, badges.
FOR_OTHER_SITES = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}

# What a link shows is one person's: no copy on the way, none in a browser that others use, none in a search engine.
# The link itself is kept back by Referrer-Policy; "no-referrer" would also take the Origin from our own forms.
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}

# Generous: a whole campus may sit in one network. What looks odd is held for review, not refused.
SEARCH_LIMIT = "3000 per minute"
FORM_LIMIT = "600 per minute"


class OneSpelling(IntegerConverter):
    """A number as our links write it: one address for each, so that nobody can ask for a page under thousands."""

    regex = "(?:0|[1-9][0-9]*)"


def init_app(app: Flask) -> None:
    app.url_map.converters["int"] = OneSpelling
    app.extensions["limiter"] = _limiter(app.config["SETTINGS"].limiter_url)
    added = HEADERS | (STRICT_TRANSPORT if app.config["SETTINGS"].is_https else {})
    app.extensions["added_headers"] = [(name, name.lower(), value) for name, value in added.items()]
    app.before_request(refuse_impossible_paths)
    app.before_request(refuse_cross_site_posts)
    app.after_request(add_headers)


def limited(limit: str) -> Callable[[View], View]:
    """Answer 429 to a network that uses a view more often than the limit allows, such as "600 per minute".

    Below ``by_tally`` only those requests count for which an answer is made.
    """
    item = limits.parse(limit)

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(*args: Any, **kwargs: Any) -> Any:
            limiter: Limiter = current_app.extensions["limiter"]
            if not limiter.hit(item, view.__name__, network_of(request.remote_addr or "")):
                abort(429)
            return view(*args, **kwargs)

        return counted  # type: ignore[return-value]

    return decorate


class Limiter(Protocol):
    """Counts requests in windows of time, as long as a limit says."""

    def hit(self, item: limits.RateLimitItem, *identifiers: str) -> bool:
        """Count one request of these identifiers; False where it is one too many."""
        ...


def _limiter(url: str) -> Limiter:
    if url.startswith("memory:"):
        return WindowsInMemory()
    return FixedWindowRateLimiter(storage_from_string(url))


class WindowsInMemory:
    """For one process. The library's own memory looks through all that it knows at nearly every request: 4 ms of a
    processor with 20,000 networks. Here a window that is over goes as a whole."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[limits.RateLimitItem, tuple[float, Counter[tuple[str, ...]]]] = {}

    def hit(self, item: limits.RateLimitItem, *identifiers: str) -> bool:
        now = time.monotonic()
        with self._lock:
            end, counted = self._windows.get(item, (now, Counter()))
            if end <= now:
                counted = Counter()
                self._windows[item] = now + item.get_expiry(), counted
            counted[identifiers] += 1
            return counted[identifiers] <= item.amount


def network_of(address: str) -> str:
    """What counts as one network: an IPv4 address, or the /64 that one IPv6 site has (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:  # how a server that listens on both sees IPv4 (RFC 4291, 2.5.5.2)
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def refuse_impossible_paths() -> None:
    if "\0" in request.path:  # no database takes it
        abort(404)


def refuse_cross_site_posts() -> None:
    if request.method not in SAFE_METHODS and not _is_same_origin():
        abort(403)


def _is_same_origin() -> bool:
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in {"same-origin", "none"}
    if origin := request.headers.get("Origin"):
        return origin.partition("://")[2] == request.host
    return True  # not a browser of this decade, hence nobody's session or habits to exploit


def add_headers(response: Response) -> Response:
    """Give every answer what it does not say itself; at each request, hence with one look at what is there."""
    headers = response.headers
    given = {name.lower() for name, _ in headers}
    for name, lower, value in _added():
        if lower not in given:
            headers.add(name, value)
    if _is_for_link_holder():
        headers.update(PRIVATE)
    elif "cache-control" not in given:
        headers.add("Cache-Control", "no-cache" if request.method in SAFE_METHODS else "no-store")
    if is_framed():
        _open_frame(headers, g.frame_ancestors)
    return response


def framed_by(origins: Iterable[str]) -> None:
    """Let pages of these origins, and our own, show the answer to this request in a frame."""
    g.frame_ancestors = " ".join(("'self'", *sorted(origins)))


def is_framed() -> bool:
    return "frame_ancestors" in g


def _open_frame(headers: Headers, ancestors: str) -> None:
    headers.remove("X-Frame-Options")  # it knows no list; the policy replaces it
    headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "frame-ancestors 'none'", f"frame-ancestors {ancestors}"
    )
    # So that a host that isolates itself can show the frame, too (HTML, "embedder policy").
    headers["Cross-Origin-Embedder-Policy"] = "require-corp"
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def _added() -> list[tuple[str, str, str]]:
    added: list[tuple[str, str, str]] = current_app.extensions["added_headers"]
    return added


def _is_for_link_holder() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "access", None) == LINK_HOLDER
