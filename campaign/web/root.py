"""What has no language in its address: the way to the reader's own, and the health check."""

from flask import Blueprint
from sqlalchemy import text
from werkzeug.wrappers import Response

from campaign.db import db
from campaign.http.access import anyone
from campaign.http.locales import to_readers_language

blueprint = Blueprint("root", __name__)


@blueprint.get("/")
@anyone
def choose_language() -> Response:
    return to_readers_language("web.front")


@blueprint.get("/health")
@anyone
def health() -> tuple[str, dict[str, str]]:
    """Answer 200 while site and database work; for load balancers and the supervisor."""
    db.session.execute(text("SELECT 1"))
    return "ok\n", {"Content-Type": "text/plain; charset=utf-8"}
