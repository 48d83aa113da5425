"""What people read about the data: the page on open data, the reference of the API, and its document."""

from flask import Blueprint, Response, current_app, jsonify, render_template
from werkzeug.wrappers import Response as AnyResponse

from campaign.api.base import PREFIX, tagged
from campaign.api.reference import ABOUT, BASICS, WORDS, prose, sections
from campaign.clock import now
from campaign.http.access import anyone
from campaign.http.caching import cached
from campaign.http.locales import localized, to_readers_language

blueprint = Blueprint("api_document", __name__)
localized_blueprint = localized("open_data", __name__)


@blueprint.get("/api/")
@anyone
def choose_language() -> AnyResponse:
    return to_readers_language("open_data.reference")


@blueprint.get(f"{PREFIX}/openapi.json")
@anyone
@tagged(max_age=300)
def document() -> Response:
    return jsonify(current_app.extensions["api_document"])


@localized_blueprint.get("/data/")
@anyone
@cached()
def about() -> str:
    """What is open, under which licence, and how to cite it."""
    return render_template("api/data.html", today=now().date())


@localized_blueprint.get("/api/")
@anyone
@cached(max_age=300)
def reference() -> str:
    """The OpenAPI document for people."""
    return render_template(
        "api/reference.html",
        words=WORDS,
        about=prose(ABOUT),
        basics=[(name, prose(text)) for name, text in BASICS.items()],
        sections=sections(current_app.extensions["api_document"]),
    )
