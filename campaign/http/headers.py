"""The headers that protect every response, and which pages may be framed."""

from collections.abc import Iterable

from flask import Flask, Response, current_app, g, request
from werkzeug.datastructures import Headers

from campaign.http.access import LINK_HOLDER
from campaign.http.origin import SAFE_METHODS

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
CROSS_ORIGIN_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}

# What a link shows is one person's: no copy on the way, none in a browser that others use, none in a search engine.
# The link itself is kept back by Referrer-Policy; "no-referrer" would also take the Origin from our own forms.
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def init_app(app: Flask) -> None:
    added = HEADERS | (STRICT_TRANSPORT if app.config["SETTINGS"].is_https else {})
    app.extensions["added_headers"] = [(name, name.lower(), value) for name, value in added.items()]
    app.after_request(add_headers)


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
    """Let pages of these origins, and our own, frame the response to this request (see ``embed.frames``)."""
    g.frame_ancestors = " ".join(("'self'", *sorted(origins)))


def is_framed() -> bool:
    """Whether the response may be framed, so that an error has to fit into a frame, too."""
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
