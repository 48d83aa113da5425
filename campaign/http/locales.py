"""The language in the address: every page is at ``/<locale>/…``, and links stay in their language."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from campaign import i18n, links


def init_app(app: Flask) -> None:
    app.url_value_preprocessor(_note_language)
    app.url_defaults(links.fill_in_locale)


def localized(name: str, import_name: str, prefix: str = "") -> Blueprint:
    """Return a blueprint below ``/<locale>``; its views neither take the locale nor pass it to links."""
    blueprint = Blueprint(name, import_name, url_prefix=f"/<locale>{prefix}")
    blueprint.url_value_preprocessor(_pop_locale)
    return blueprint


def to_readers_language(endpoint: str, anchor: str | None = None) -> Response:
    """Redirect from an address without a language to the same page in the reader's."""
    response = redirect(url_for(endpoint, locale=i18n.current(), _anchor=anchor))
    response.vary.add("Accept-Language")
    return response


def alternate_url(tag: str) -> str:
    """Return the address of this page in another language; the front page's where there is none."""
    endpoint = request.endpoint
    if endpoint is None or not current_app.url_map.is_endpoint_expecting(endpoint, "locale"):
        return url_for("web.front", locale=tag)
    path = url_for(endpoint, **(request.view_args or {}), locale=tag)
    # Not passed to url_for, which gives some names a meaning ("_scheme", "slug"): a query is the reader's.
    query = urlencode(list(request.args.items(multi=True))) if request.method == "GET" else ""
    return f"{path}?{query}" if query else path


def _note_language(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Note the language of the request: that of its path, even where there is no page; else the browser's."""
    tag = request.path.split("/", 2)[1]
    g.locale = tag if i18n.is_offered(tag) else i18n.negotiate(_accepted_languages())


def _accepted_languages() -> list[str]:
    return [tag for tag, quality in request.accept_languages if quality > 0]


def _pop_locale(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Take the locale from the arguments of the view. Answers 404 for a language that is not offered."""
    if not i18n.is_offered((values or {}).pop("locale", None)):
        abort(404)
