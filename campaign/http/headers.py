"""The headers that protect every response, and the exception for pages that may be framed."""

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
# For what other sites' pages load from here: the loader of the widgets, its data, badges.
CROSS_ORIGIN_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}

# What a signed link shows is one person's: no copy on the way, in a shared browser or in a search engine. That the
# link itself does not leak is left to Referrer-Policy: "no-referrer" would also hide the Origin of our own forms.
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def init_app(app: Flask) -> None:
    is_https = app.config["BASE_URL"].startswith("https:")
    headers = HEADERS | (STRICT_TRANSPORT if is_https else {})
    app.extensions["security_headers"] = [
        (name, name.lower(), value) for name, value in headers.items()
    ]
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Add each header that the response does not set itself."""
    headers = response.headers
    # One pass, since this runs for every response and each look-up by name is a pass of its own.
    present = {name.lower() for name, _ in headers}
    for name, lower, value in _security_headers():
        if lower not in present:
            headers.add(name, value)
    if _is_for_link_holder() or "is_private" in g:
        headers.update(PRIVATE)
    elif "cache-control" not in present:
        headers.add("Cache-Control", "no-cache" if request.method in SAFE_METHODS else "no-store")
    if is_framed():
        _open_frame(headers, g.frame_ancestors)
    return response


def keep_private() -> None:
    """Have this response stored and indexed nowhere, since a receipt or a number in its address is secret."""
    g.is_private = True


def framed_by(origins: Iterable[str]) -> None:
    """Let pages of these origins, and our own, frame the response to this request (see ``embed.frames``)."""
    g.frame_ancestors = " ".join(("'self'", *sorted(origins)))


def is_framed() -> bool:
    """Whether the response may be framed; an error must then fit into a frame, too."""
    return "frame_ancestors" in g


def _open_frame(headers: Headers, ancestors: str) -> None:
    headers.remove("X-Frame-Options")  # knows no list of origins; the policy replaces it
    headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "frame-ancestors 'none'", f"frame-ancestors {ancestors}"
    )
    # A host page that isolates itself shows only frames that do so, too (HTML, "embedder policy").
    headers["Cross-Origin-Embedder-Policy"] = "require-corp"
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def _security_headers() -> list[tuple[str, str, str]]:
    """Return the name, the name in lowercase and the value of each."""
    headers: list[tuple[str, str, str]] = current_app.extensions["security_headers"]
    return headers


def _is_for_link_holder() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "access", None) == LINK_HOLDER
