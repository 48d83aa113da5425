"""What has no language in its address: the way to the reader's own, logos, and what load balancers ask."""

from flask import Blueprint, abort
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from campaign.http import readiness
from campaign.http.access import anyone
from campaign.http.locales import to_readers_language
from campaign.institutions import logos

blueprint = Blueprint("root", __name__)


@blueprint.get("/")
@anyone
def choose_language() -> Response:
    return to_readers_language("web.front")


@blueprint.get("/logos/<digest>.png")
@anyone
def logo(digest: str) -> FlaskResponse:
    """The logo of an institution. Another picture has another address."""
    response = FlaskResponse(logos.png(digest) or abort(404), mimetype="image/png")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.set_etag(digest)
    return response


@blueprint.get("/health")
@anyone
def health() -> tuple[str, dict[str, str]]:
    """Answer 200 while this process answers at all, database or not: to restart it would help with nothing else."""
    return "ok\n", {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


@blueprint.get("/ready")
@anyone
def ready() -> tuple[dict[str, object], int, dict[str, str]]:
    """Answer 200 while this process can serve pages, else 503; and say what is wrong with the site."""
    findings = readiness.look()
    is_ready = findings[readiness.NECESSARY].is_well
    checks = {name: _finding(finding) for name, finding in findings.items()}
    status = 200 if is_ready else 503
    return {"ready": is_ready, "checks": checks}, status, {"Cache-Control": "no-store"}


def _finding(finding: readiness.Finding) -> dict[str, bool | float | str]:
    figure = dict([finding.figure]) if finding.figure else {}
    return {"ok": finding.is_well, **figure, **({"why": finding.why} if finding.why else {})}
