"""Refusal of requests that another site makes a browser send (cross-site request forgery).

The public pages set no cookie, so there is no session to misuse. A browser says where a POST comes from
(Sec-Fetch-Site, Origin); to rely on that needs no token, and works on cached pages and in frames
(OWASP Cross-Site Request Forgery Prevention, "Fetch Metadata").
"""

from flask import Flask, abort, request

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def init_app(app: Flask) -> None:
    app.before_request(refuse_cross_site_posts)


def refuse_cross_site_posts() -> None:
    """Answer 403 to a request that changes something and comes from another site."""
    if request.method not in SAFE_METHODS and not _is_same_origin():
        abort(403)


def _is_same_origin() -> bool:
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in {"same-origin", "none"}
    if origin := request.headers.get("Origin"):
        return origin.partition("://")[2] == request.host
    return True  # not a browser of this decade, so no one has been tricked into sending it
