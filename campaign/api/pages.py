"""What people read about the data: the page on open data, the reference of the API, and its document."""

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from campaign import i18n
from campaign.api.answers import PREFIX, tagged
from campaign.api.reference import ABOUT, BASICS, WORDS, prose, sections
from campaign.clock import now
from campaign.web.access import anyone
from campaign.web.caching import by_tally
from campaign.web.locales import localized

blueprint = Blueprint("api_document", __name__)
localized_blueprint = localized("open_data", __name__)


@blueprint.get("/api/")
@anyone
def choose_language() -> AnyResponse:
    answer = redirect(url_for("open_data.reference", locale=i18n.current()))
    answer.vary.add("Accept-Language")
    return answer


@blueprint.get(f"{PREFIX}/openapi.json")
@anyone
@tagged(max_age=300)
def document() -> Response:
    return jsonify(current_app.extensions["api_document"])


@localized_blueprint.get("/data/")
@anyone
@by_tally()
def about() -> str:
    """What is open, under which licence, and how to cite it."""
    return render_template("api/data.html", today=now().date())


@localized_blueprint.get("/api/")
@anyone
@by_tally(max_age=300)
def reference() -> str:
    """The OpenAPI document for people."""
    return render_template(
        "api/reference.html",
        words=WORDS,
        about=prose(ABOUT),
        basics=[(name, prose(text)) for name, text in BASICS.items()],
        sections=sections(current_app.extensions["api_document"]),
    )
