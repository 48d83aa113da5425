"""The door for programs: open data to read, below ``/api/v1``, and the document that describes it."""

from http import HTTPStatus
from typing import Any

from flask import Flask
from flask_smorest import Api

from campaign.api import answers, pages, reading, writing
from campaign.api.answers import PROBLEM
from campaign.api.schemas import ProblemSchema
from campaign.config import Settings

VERSION = "v1"
OPENAPI = "3.1.0"
TITLE = "Light Up the Heart of Science: open data"
LICENSE = {"name": "CC BY 4.0", "identifier": "CC-BY-4.0"}
# What a program reads and what a partner's program writes; their order is that of the reference page.
BLUEPRINTS = (reading.blueprint, writing.blueprint)
TAGS = {
    "Campaigns": "The appeals, and the texts people sign, in every language and version.",
    "Tallies": "How many pledged, by country, region, institution and more, and over time.",
    "Pledges": "People who chose to be listed, and institutions that pledged officially.",
    "Places": "Institutions, countries and regions, each with its numbers.",
}


class Described(Api):  # type: ignore[misc]
    """The OpenAPI document. How it is served and how errors are told is our own."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None  # each operation names the errors that it answers

    def _register_responses(self) -> None:
        """Errors that an operation does not describe itself."""
        for status in HTTPStatus:
            if status >= 400:
                content = {PROBLEM: {"schema": ProblemSchema}}
                said = {"description": status.phrase, "content": content}
                self.spec.components.response(status.name, said, lazy=True)

    def _register_etag_headers(self) -> None:
        """Every answer to GET has an ETag; it needs no parameter."""

    def _register_pagination_header(self) -> None:
        """Pages tell of the next one by RFC 8288."""

    def _register_error_handlers(self) -> None:
        """Errors are written by ``answers.write_problem``, also where no operation is concerned."""


def init_app(app: Flask) -> None:
    settings: Settings = app.config["SETTINGS"]
    answers.init_app(app)
    app.config["OPENAPI_URL_PREFIX"] = None  # the document is served by ``pages.document``
    api = Described(app, spec_kwargs=_about(settings))
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
    """Tags in the order of the reference page, instead of one for each blueprint."""
    return {**spec, "tags": [{"name": name, "description": text} for name, text in TAGS.items()]}
