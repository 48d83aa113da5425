"""The door for programs: open data to read, below ``/api/v1``, and the document that describes it."""

from typing import Any

from flask import Flask
from flask_smorest import Api

from campaign.api import (
    base,
    campaigns,
    matching,
    pages,
    places,
    pledges,
    reading,
    tallies,
    writing,
)
from campaign.api.schemas import ProblemSchema
from campaign.config import Settings

VERSION = "v1"
OPENAPI = "3.1.0"
TITLE = "Light Up the Heart of Science: open data"
LICENSE = {"name": "CC BY 4.0", "identifier": "CC-BY-4.0"}
# These modules add their operations to ``reading.blueprint``.
OPERATIONS = (campaigns, tallies, pledges, places, matching)
# What a program reads and what a partner's program writes; their order is that of the reference page.
BLUEPRINTS = (reading.blueprint, writing.blueprint)
TAGS = {
    "Campaigns": "The appeals, and the texts people sign, in every language and version.",
    "Tallies": "How many pledged, by country, region, institution and more, and over time.",
    "Pledges": "People who chose to be listed, and institutions that pledged officially.",
    "Places": "Institutions, countries and regions, each with its numbers.",
}


class DescribedApi(Api):  # type: ignore[misc]
    """The OpenAPI document; each operation names the errors it responds with.

    The two methods are private to flask-smorest, which has no setting to do without what they register.
    """

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Register none: it would handle the errors of every page, over ``http.errors``."""

    def _register_pagination_header(self) -> None:
        """Register none: its schema would be in the document, though pages are linked as RFC 8288 has it."""


def init_app(app: Flask) -> None:
    settings: Settings = app.config["SETTINGS"]
    base.init_app(app)
    app.config["OPENAPI_URL_PREFIX"] = None  # the document is served by ``pages.document``
    api = DescribedApi(app, spec_kwargs=_about(settings))
    api.spec.components.security_scheme("key", writing.SECURITY_SCHEME)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    app.extensions["api_document"] = _document(api.spec.to_dict())
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(pages.localized_blueprint)


def _about(settings: Settings) -> dict[str, Any]:
    return {
        "title": TITLE,
        "version": VERSION,
        "openapi_version": OPENAPI,
        "info": {"license": LICENSE, "contact": {"email": settings.contact_address}},
        "servers": [{"url": settings.site_url}],
    }


def _document(spec: dict[str, Any]) -> dict[str, Any]:
    """The document with our tags, in the order of the reference page, instead of one for each blueprint."""
    return {**spec, "tags": [{"name": name, "description": text} for name, text in TAGS.items()]}
