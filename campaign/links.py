"""Addresses of our own pages and files, for pages, letters and documents alike."""

import hashlib
from functools import cache

from flask import Flask, current_app
from werkzeug.routing import Map

from campaign import i18n
from campaign.config import current_settings
from campaign.paths import STATIC


def init_app(app: Flask, site: Map) -> None:
    """``site`` are the routes of the public site, which letters and the desk link to, too."""
    app.extensions["site_routes"] = site
    app.url_defaults(fill_in_locale)
    app.jinja_env.globals.update(absolute_url=absolute_url, static_url=static_url)


def fill_in_locale(endpoint: str, values: dict[str, object]) -> None:
    """Keep a link in the language of the page that it stands on."""
    if "locale" not in values and _site().is_endpoint_expecting(endpoint, "locale"):
        values["locale"] = i18n.current()


def absolute_url(endpoint: str, **values: object) -> str:
    """The whole address of one of our pages: built from SITE_URL, never from a request's Host header."""
    scheme, _, host = current_settings().site_url.partition("://")
    fill_in_locale(endpoint, values)
    return _site().bind(host, url_scheme=scheme).build(endpoint, values, force_external=True)


def _site() -> Map:
    routes: Map = current_app.extensions["site_routes"]
    return routes


def absolute(path: str) -> str:
    """The whole address of one of our paths, built from SITE_URL."""
    return current_settings().site_url + path


def without_scheme(url: str) -> str:
    """The address as it is printed, to be typed."""
    return url.partition("://")[2]


@cache
def static_url(path: str) -> str:
    """A static file's address with a hash of its content, so that it can be cached without end."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"
