"""What all doors share: access, headers, limits, languages, forms, errors, the cache of responses."""

from flask import Flask

from campaign.http import (
    addresses,
    caching,
    errors,
    form_counts,
    headers,
    locales,
    origin,
    rate_limits,
    readiness,
    redirects,
    rendering,
)


def init_app(app: Flask) -> None:
    """Give the public site what its doors stand on."""
    for part in (
        addresses,
        redirects,
        origin,
        headers,
        rate_limits,
        readiness,
        caching,
        locales,
        rendering,
        errors,
        form_counts,
    ):
        part.init_app(app)
    rendering.init_site(app)


def init_desk(app: Flask) -> None:
    """Give the desk what it shares with the site; its languages, sessions and origin are its own."""
    for part in (addresses, headers, rate_limits, readiness, rendering, errors):
        part.init_app(app)
