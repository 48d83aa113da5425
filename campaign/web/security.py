"""What protects every answer: headers, the refusal of cross-site posts, rate limits.

The public pages set no cookie, so there is no session to ride on. A browser tells where a post comes from
(Sec-Fetch-Site, Origin), which needs no token and works on pages from a cache and in frames
(OWASP Cross-Site Request Forgery Prevention, "Fetch Metadata").
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import limits
from flask import Flask, Response, abort, current_app, g, request
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from werkzeug.datastructures import Headers

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

# Generous: a whole campus may sit behind one address. What looks odd is held for review, not refused.
SEARCH_LIMIT = "3000 per minute"
FORM_LIMIT = "600 per minute"


def init_app(app: Flask) -> None:
    app.extensions["limiter"] = FixedWindowRateLimiter(
        storage_from_string(app.config["SETTINGS"].limiter_url)
    )
    added = HEADERS | (STRICT_TRANSPORT if app.config["SETTINGS"].is_https else {})
    app.extensions["added_headers"] = [(name, name.lower(), value) for name, value in added.items()]
    app.before_request(refuse_impossible_paths)
    app.before_request(refuse_cross_site_posts)
    app.after_request(add_headers)


def limited(limit: str) -> Callable[[View], View]:
    """Answer 429 to an address that uses a view more often than the limit allows, such as "600 per minute".

    The counting library alone: the extension around it took a tenth of the time of a pledge.
    """
    item = limits.parse(limit)

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(*args: Any, **kwargs: Any) -> Any:
            limiter: FixedWindowRateLimiter = current_app.extensions["limiter"]
            if not limiter.hit(item, view.__name__, request.remote_addr or ""):
                abort(429)
            return view(*args, **kwargs)

        return counted  # type: ignore[return-value]

    return decorate


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
