"""Addresses of our own pages and files, for pages, e-mails and documents."""

import hashlib
from functools import cache

from flask import Flask, current_app
from werkzeug.routing import Map

from campaign import i18n
from campaign.config import current_settings
from campaign.paths import STATIC


def init_app(app: Flask, site: Map) -> None:
    """Register the routes of the public site, to which e-mails and the desk link, too."""
    app.extensions["site_routes"] = site
    app.jinja_env.globals.update(absolute_url=absolute_url, static_url=static_url)


def fill_in_locale(endpoint: str, values: dict[str, object]) -> None:
    """Add the current language to the values of a link that needs one and has none."""
    if "locale" not in values and _site().is_endpoint_expecting(endpoint, "locale"):
        values["locale"] = i18n.current()


def absolute_url(endpoint: str, **values: object) -> str:
    """Return the full address of one of our pages, built from SITE_URL, never from a request's Host header."""
    scheme, _, host = current_settings().site_url.partition("://")
    fill_in_locale(endpoint, values)
    return _site().bind(host, url_scheme=scheme).build(endpoint, values, force_external=True)


def _site() -> Map:
    routes: Map = current_app.extensions["site_routes"]
    return routes


def absolute(path: str) -> str:
    """Return the full address of one of our paths, built from SITE_URL."""
    return current_settings().site_url + path


def without_scheme(url: str) -> str:
    """Return the address as it is printed, for people to type."""
    return url.partition("://")[2]


@cache
def static_url(path: str) -> str:
    """Return a static file's path with a hash of its content, so that it can be cached forever."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"
