"""What all doors share: access, headers, limits, languages, forms, errors, the cache of responses."""

from flask import Flask

from campaign.http import (
    addresses,
    caching,
    errors,
    headers,
    locales,
    origin,
    rate_limits,
    readiness,
    redirects,
    rendering,
)


def init_app(app: Flask) -> None:
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
    ):
        part.init_app(app)
