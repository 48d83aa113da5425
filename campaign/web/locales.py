"""The language in the address: every page lives at ``/<locale>/…`` and links stay in their language."""

from typing import Any

from flask import Blueprint, abort, current_app, g, request, url_for

from campaign import i18n


def localized(name: str, import_name: str, prefix: str = "") -> Blueprint:
    """A blueprint below ``/<locale>``; its views neither take nor pass the locale."""
    blueprint = Blueprint(name, import_name, url_prefix=f"/<locale>{prefix}")
    blueprint.url_value_preprocessor(_take_locale)
    return blueprint


def fill_in_locale(endpoint: str, values: dict[str, Any]) -> None:
    """For ``app.url_defaults``: a link stays in the language of the page it stands on."""
    if "locale" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "locale"):
        values["locale"] = i18n.current()


def alternate_url(tag: str) -> str:
    """The address of this very page in another language."""
    endpoint = request.endpoint
    if endpoint is None or not current_app.url_map.is_endpoint_expecting(endpoint, "locale"):
        return url_for("web.front", locale=tag)
    arguments = {
        **(request.view_args or {}),
        **(request.args.to_dict() if request.method == "GET" else {}),
    }
    return url_for(endpoint, **{**arguments, "locale": tag})


def _take_locale(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    tag = (values or {}).pop("locale", None)
    if not i18n.is_offered(tag):
        g.locale = i18n.negotiate(
            request.accept_languages.values()
        )  # the error page, too, has a reader
        abort(404)
    g.locale = tag
