"""Refusal of requests that another site makes a browser send (cross-site request forgery).

The public pages set no cookie, so there is no session to misuse. A browser says where a POST comes from
(Sec-Fetch-Site, Origin); to rely on that needs no token, and works on cached pages and in frames
(OWASP Cross-Site Request Forgery Prevention, "Fetch Metadata").
"""

from flask import Flask, abort, current_app, request

from campaign.http.access import View

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def only_reads(view: View) -> View:
    """Mark a view that answers POST, since what it is asked does not fit into an address, and changes nothing.

    Pages of every site may send to it, as they may read: there is nothing to trick a browser into.
    """
    view.only_reads = True  # type: ignore[attr-defined]
    return view


def init_app(app: Flask) -> None:
    app.before_request(refuse_cross_site_posts)


def refuse_cross_site_posts() -> None:
    """Answer 403 to a request that changes something and comes from another site."""
    if not changes_nothing() and not _is_same_origin():
        abort(403)


def changes_nothing() -> bool:
    """Whether this request only reads."""
    return request.method in SAFE_METHODS or reads_by_post()


def reads_by_post() -> bool:
    """Whether the view of this address is marked by ``only_reads``."""
    return hasattr(current_app.view_functions.get(request.endpoint or ""), "only_reads")


def _is_same_origin() -> bool:
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in {"same-origin", "none"}
    if origin := request.headers.get("Origin"):
        return origin.partition("://")[2] == request.host
    return True  # not a browser of this decade, so no one has been tricked into sending it
