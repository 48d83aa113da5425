"""Imports of the registry: which releases of ROR came in, and what the next would change."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from campaign import jobs
from campaign.config import current_settings
from campaign.desk import tasks
from campaign.desk.access import may, takes_files
from campaign.desk.institutions import FIELDS
from campaign.desk.signed_in import actor
from campaign.desk.tasks import Description
from campaign.http.rendering import Page
from campaign.i18n import gettext, lazy_gettext
from campaign.institutions import importing
from campaign.institutions import queries as institution_queries
from campaign.institutions.importing import IMPORT
from campaign.institutions.ror import DamagedDump, DumpError, OldSchema
from campaign.staff.rules import Permission
from campaign.tasks import Task

blueprint = Blueprint("registry", __name__, url_prefix="/institutions/imports")
managers = may(Permission.MANAGE_REGISTRY)

_FIELDS = {
    "status": lazy_gettext("Status"),
    "types": lazy_gettext("Kind"),
    "country": lazy_gettext("Country"),
    "subdivision": lazy_gettext("Region"),
    "city": lazy_gettext("City"),
    "latitude": lazy_gettext("Latitude"),
    "longitude": lazy_gettext("Longitude"),
    "labels": lazy_gettext("Names by language"),
    "established": lazy_gettext("Established"),
    "successor_id": lazy_gettext("Replaced by"),
} | FIELDS


@blueprint.get("/")
@managers
def listed() -> Page:
    return _page()


def _page(problem: str = "") -> str:
    return render_template(
        "desk/institutions/imports.html",
        imports=institution_queries.latest_imports(50),
        active=institution_queries.number_of_active(),
        problem=problem,
    )


@blueprint.post("/")
@managers
@takes_files(importing.MOST_BYTES)
def compare() -> Page:
    """Compare an uploaded dump with the registry; nothing is imported before the task is started."""
    file = request.files.get("dump")
    folder = Path(current_settings().data_folder) / "registry"
    try:
        content = file.read() if file else b""
        task = importing.propose(content, (file and file.filename) or "", folder, actor())
    except DumpError as error:
        return _page(_problem(error)), 422
    jobs.commit()
    return redirect(url_for("tasks.task", task_id=task.id), 303)


def _problem(error: DumpError) -> str:
    if isinstance(error, OldSchema):
        return gettext("This file is in ROR’s schema v1. Take the one in schema v2.")
    if isinstance(error, DamagedDump):
        return gettext("The file is damaged, or not all there. Nothing was changed.")
    return gettext("This is not a dump of ROR: a zip as ROR publishes it, or the JSON in it.")


def _context(_task: Task) -> Mapping[str, Any]:
    return {"fields": _FIELDS}


tasks.describe(
    IMPORT.name,
    Description(
        Permission.MANAGE_REGISTRY,
        "desk/institutions/import.html",
        title=lambda task: gettext(
            "Import %(file)s into the registry", file=Path(task.plan["path"]).name
        ),
        context=_context,
    ),
)
