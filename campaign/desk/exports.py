"""Exports of pledges: CSV at once, XLSX by the worker, both within the scope of the account."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    abort,
    redirect,
    render_template,
    request,
    send_file,
    stream_with_context,
    url_for,
)

from campaign import geography, i18n, jobs, tasks
from campaign.desk import tasks as desk_tasks
from campaign.desk.access import freshly, may
from campaign.desk.forms import Form, number
from campaign.desk.signed_in import account, actor, scope
from campaign.http.lookup import current_texts
from campaign.http.rendering import Page
from campaign.i18n import gettext, lazy_gettext
from campaign.institutions.queries import resolve
from campaign.pledges import exporting
from campaign.pledges.exporting import Filters
from campaign.pledges.models import Kind, Status
from campaign.staff.rules import Permission
from campaign.tasks import Task

blueprint = Blueprint("exports", __name__, url_prefix="/exports")
exporters = may(Permission.EXPORT)

STATES: Mapping[Status, object] = {
    Status.CONFIRMED: lazy_gettext("Counts"),
    Status.HELD: lazy_gettext("Held for review"),
    Status.UNCONFIRMED: lazy_gettext("Not confirmed"),
    Status.REFUSED: lazy_gettext("Refused"),
    Status.WITHDRAWN: lazy_gettext("Withdrawn"),
}
KINDS: Mapping[Kind, object] = {
    Kind.PERSON: lazy_gettext("People"),
    Kind.INSTITUTION: lazy_gettext("Institutions"),
}


class UnknownInstitution(Exception):
    """The id names no institution of the registry."""


@blueprint.get("/")
@exporters
def page() -> Page:
    return _page(Form(request.args.to_dict(flat=False) or {"status": Status.CONFIRMED}))


def _page(form: Form) -> str:
    named = geography.sorted_countries(i18n.current())
    covers = scope().countries
    mine = [task for task in tasks.recent(200) if _is_mine(task)]
    return render_template(
        "desk/exports.html",
        form=form,
        campaigns=[(str(text.campaign_id), text.title) for text in current_texts()],
        states=list(STATES.items()),
        kinds=list(KINDS.items()),
        countries=[(code, name) for code, name in named if covers is None or code in covers],
        may_name=_may_name(),
        files=[(task, exporting.file_of(task)) for task in mine[:20]],
    )


def _may_name() -> bool:
    """Whether names and addresses may be in a file: for those who may find people."""
    return account().may(Permission.FIND_PEOPLE)


def _is_mine(task: Task) -> bool:
    return task.kind == exporting.EXPORT.name and task.actor.id == str(account().id)


@blueprint.post("/csv/")
@exporters
@freshly
def csv_file() -> Page:
    try:
        filters = _filters()
    except UnknownInstitution:
        return _page(_with_problem()), 422
    named = _named()
    exporting.note(actor(), filters, named=named, rows=exporting.count(scope(), filters))
    jobs.commit()
    content = exporting.csv_file(scope(), filters, named=named)
    response = Response(stream_with_context(content), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="pledges.csv"'
    return response


@blueprint.post("/xlsx/")
@exporters
@freshly
def xlsx_file() -> Page:
    try:
        task = exporting.start_xlsx(actor(), scope(), _filters(), named=_named())
    except UnknownInstitution:
        return _page(_with_problem()), 422
    jobs.commit()
    return redirect(url_for("tasks.task", task_id=task.id), 303)


def _with_problem() -> Form:
    problem = gettext("This institution is not in our registry. Enter its ROR id.")
    return Form.posted({"institution": problem})


def _named() -> bool:
    return _may_name() and request.form.get("named") == "yes"


def _filters() -> Filters:
    """Return what was chosen; what there is not does not limit. Raises UnknownInstitution."""
    chosen = request.form
    campaign, country = chosen.get("campaign", ""), chosen.get("country", "")
    return Filters(
        campaign_id=number(campaign),
        status=_one_of(set(Status), "status"),
        kind=_one_of(set(Kind), "kind"),
        country=country if geography.is_country(country) else None,
        institution_id=_institution(),
        since=_day("since"),
        until=_day("until"),
    )


def _one_of(values: set[Status] | set[Kind], name: str) -> str | None:
    chosen = request.form.get(name, "")
    return chosen if chosen in values else None


def _institution() -> str | None:
    typed = request.form.get("institution", "").strip().removeprefix("https://ror.org/")
    if not typed:
        return None
    if (institution := resolve(typed)) is None:
        raise UnknownInstitution
    return institution.id


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        return None


@blueprint.get("/<uuid:task_id>.xlsx")
@exporters
def download(task_id: UUID) -> Response:
    """The finished file, for who asked for it, as long as their rights end where they did then."""
    task = tasks.get(task_id)
    if task is None or not _is_mine(task) or task.scope != scope().to_json():
        abort(404)
    if task.plan["named"] and not _may_name():
        abort(404)
    path = exporting.file_of(task) or abort(404)
    return send_file(path, as_attachment=True, download_name="pledges.xlsx", max_age=0)


def _context(task: Task) -> Mapping[str, object]:
    return {
        "filters": Filters.from_json(task.plan["filters"]),
        "states": STATES,
        "kinds": KINDS,
        "has_file": _is_mine(task) and exporting.file_of(task) is not None,
    }


desk_tasks.describe(
    exporting.EXPORT.name,
    desk_tasks.Description(
        Permission.EXPORT,
        "desk/export_task.html",
        lambda _task: gettext("Export pledges"),
        _context,
    ),
)
