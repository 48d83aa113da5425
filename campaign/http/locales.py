"""The language in the address: every page lives at ``/<locale>/…`` and links stay in their language."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from campaign import i18n


def init_app(app: Flask) -> None:
    app.url_value_preprocessor(_find_reader)


def localized(name: str, import_name: str, prefix: str = "") -> Blueprint:
    """A blueprint below ``/<locale>``; its views neither take nor pass the locale."""
    blueprint = Blueprint(name, import_name, url_prefix=f"/<locale>{prefix}")
    blueprint.url_value_preprocessor(_take_locale)
    return blueprint


def to_readers_language(endpoint: str, anchor: str | None = None) -> Response:
    """From an address without a language to the same thing in the reader's."""
    response = redirect(url_for(endpoint, locale=i18n.current(), _anchor=anchor))
    response.vary.add("Accept-Language")
    return response


def alternate_url(tag: str) -> str:
    """The address of this very page in another language."""
    endpoint = request.endpoint
    if endpoint is None or not current_app.url_map.is_endpoint_expecting(endpoint, "locale"):
        return url_for("web.front", locale=tag)
    path = url_for(endpoint, **(request.view_args or {}), locale=tag)
    # Apart from url_for, for which some names mean something ("_scheme", "slug"): a query is the reader's.
    query = urlencode(list(request.args.items(multi=True))) if request.method == "GET" else ""
    return f"{path}?{query}" if query else path


def _find_reader(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """The language in the address, whether or not there is a page; without one, the browser's."""
    tag = request.path.split("/", 2)[1]
    g.locale = tag if i18n.is_offered(tag) else i18n.negotiate(_accepted())


def _accepted() -> list[str]:
    return [tag for tag, quality in request.accept_languages if quality > 0]


def _take_locale(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if not i18n.is_offered((values or {}).pop("locale", None)):
        abort(404)
