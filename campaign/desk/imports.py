"""Imports of past supporters: a file, what its columns are, a dry run, the rows to decide, then the work itself."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    abort,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)

from campaign import geography, i18n, jobs, spreadsheets
from campaign.clock import now
from campaign.desk import tasks as desk_tasks
from campaign.desk import today
from campaign.desk.access import freshly, may, takes_files
from campaign.desk.forms import Form
from campaign.desk.signed_in import account, actor
from campaign.desk.today import Waiting
from campaign.http.rendering import Page
from campaign.i18n import gettext, lazy_gettext, ngettext
from campaign.people import importing
from campaign.people.import_rules import Column, InvalidMapping, MappingProblem, Problem
from campaign.people.models import Outcome, SupporterImport
from campaign.pledges import supporter_imports
from campaign.staff import queries
from campaign.staff.rules import Permission
from campaign.staff.scopes import Scope
from campaign.tasks import State, Task, WrongState

blueprint = Blueprint("imports", __name__, url_prefix="/people/imports")
importers = may(Permission.IMPORT_PEOPLE)
# A file and the form around it.
_FILE_BYTES = 20_500_000

COLUMNS: Mapping[Column, object] = {
    Column.EMAIL: lazy_gettext("E-mail address"),
    Column.NAME: lazy_gettext("Name"),
    Column.COUNTRY: lazy_gettext("Country"),
    Column.INSTITUTION: lazy_gettext("Institution"),
    Column.LANGUAGE: lazy_gettext("Language"),
    Column.CONSENT_DATE: lazy_gettext("Day of the yes to e-mails"),
}


@blueprint.get("/")
@importers
def listed() -> Page:
    return _list_page(Form({"locale": account().locale}))


def _list_page(form: Form) -> str:
    found = importing.recent()
    names = queries.names(one.actor.id for one in found)
    return render_template("desk/people/imports.html", imports=found, names=names, form=form)


@blueprint.post("/")
@importers
@takes_files(_FILE_BYTES)
def upload() -> Page:
    sent = request.files.get("file")
    if not sent or not sent.filename:
        return _list_page(Form.posted({"file": gettext("Choose a file.")})), 422
    try:
        with closing(sent.stream) as stream:
            added = _add(stream, sent.filename)
    except spreadsheets.UnreadableTable as error:
        jobs.rollback()
        return _list_page(Form.posted({"file": _why_unreadable(error)})), 422
    jobs.commit()
    return redirect(url_for("imports.show", import_id=added.id), 303)


def _add(stream: IO[bytes], file_name: str) -> SupporterImport:
    locale = request.form.get("locale", "")
    locale = locale if i18n.is_offered(locale) else account().locale
    with TemporaryDirectory() as folder:
        path = Path(folder, "table")
        spreadsheets.store(stream, path)
        return importing.add(actor(), path, Path(file_name).name[:200], locale, now())


def _why_unreadable(error: spreadsheets.UnreadableTable) -> str:
    if isinstance(error, spreadsheets.TooLarge):
        return gettext(
            "This file is too large: at most 20 MB, %(rows)s rows and %(columns)s columns are read.",
            rows=i18n.format_number(spreadsheets.LIMITS.rows),
            columns=i18n.format_number(spreadsheets.LIMITS.columns),
        )
    if isinstance(error, importing.NoRows):
        return gettext("This file has no rows below its headers.")
    if isinstance(error, spreadsheets.Malformed):
        return gettext(
            "This file is damaged. Open it in your spreadsheet program and save it again."
        )
    return gettext("Only CSV and XLSX files are read. Save the table as one of these.")


@blueprint.get("/<uuid:import_id>/")
@importers
def show(import_id: UUID) -> Page:
    return _page(_find(import_id))


def _page(import_: SupporterImport, form: Form | None = None) -> str:
    """The import at the stage where it is."""
    if import_.check_id is None or form is not None or "columns" in request.args:
        return _columns_page(import_, form or Form(_values(import_)))
    counts = importing.counts(import_)
    return render_template(
        "desk/people/import.html",
        import_=import_,
        counts=counts,
        ready=counts[Outcome.NEW] + counts[Outcome.KNOWN],
        groups=importing.groups(import_),
        problems=PROBLEMS,
        countries=_countries(),
    )


def _columns_page(import_: SupporterImport, form: Form) -> str:
    return render_template(
        "desk/people/columns.html",
        import_=import_,
        samples=importing.samples(import_),
        columns=COLUMNS,
        form=form,
    )


def _values(import_: SupporterImport) -> dict[str, str]:
    columns = {f"column-{place}": column or "" for place, column in enumerate(import_.columns)}
    day = import_.consent_on.isoformat() if import_.consent_on else ""
    return {**columns, "consent_source": import_.consent_source or "", "consent_on": day}


def _countries() -> list[tuple[str, str]]:
    return [(country.code, country.name) for country in geography.sorted_countries(i18n.current())]


@blueprint.post("/<uuid:import_id>/columns/")
@importers
def describe(import_id: UUID) -> Page:
    """Note what the columns are, and have all rows checked."""
    import_ = _find_locked(import_id)
    try:
        importing.describe(
            import_,
            [_column(place) for place in range(len(import_.headers))],
            request.form.get("consent_source", "").strip()[:200] or None,
            _day("consent_on"),
            datetime.now(UTC).date(),
        )
        supporter_imports.start_check(import_, actor())
    except InvalidMapping as error:
        jobs.rollback()
        return _page(_find(import_id), Form.posted(_wrong(error))), 422
    except WrongState:
        jobs.rollback()
    return _saved(import_id)


def _column(place: int) -> Column | None:
    chosen = request.form.get(f"column-{place}", "")
    return Column(chosen) if chosen in set(Column) else None


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        return None


def _wrong(error: InvalidMapping) -> dict[str, str]:
    field, sentence = {
        MappingProblem.NO_EMAIL: (
            "column-0",
            gettext("Say which column has the e-mail addresses."),
        ),
        MappingProblem.TWICE: ("column-0", gettext("Two columns cannot be the same.")),
        MappingProblem.CONSENT_HALF_GIVEN: (
            "consent_source",
            gettext("Give both, where and when they said yes, or neither."),
        ),
        MappingProblem.CONSENT_IN_FUTURE: ("consent_on", gettext("This day has not come yet.")),
    }[error.problem]
    return {field: sentence}


@blueprint.post("/<uuid:import_id>/decide/")
@importers
def decide(import_id: UUID) -> Page:
    """Note what the cells of some rows stand for, and have all rows checked again."""
    import_ = _find_locked(import_id)
    decided = zip(
        *(request.form.getlist(name) for name in ("problem", "cell", "value")), strict=False
    )
    try:
        for problem, cell, value in decided:
            if value:
                stands_for = "" if value == "nothing" else value
                importing.decide(import_, Problem(problem), cell, stands_for)
        supporter_imports.start_check(import_, actor())
    except (ValueError, WrongState):
        jobs.rollback()
    return _saved(import_id)


@blueprint.get("/<uuid:import_id>/report.csv")
@importers
def report(import_id: UUID) -> Response:
    """The rows that are not brought in, with their numbers in the file."""
    lines = importing.report(_find(import_id))
    response = Response(stream_with_context(_marked(lines)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="rows-left-out.csv"'
    return response


def _marked(lines: Iterator[str]) -> Iterator[str]:
    """Begin with the mark by which Excel knows UTF-8."""
    yield "\ufeff"
    yield from lines


@blueprint.post("/<uuid:import_id>/start/")
@importers
@freshly
def start(import_id: UUID) -> Page:
    import_ = _find_locked(import_id)
    try:
        task = supporter_imports.start(import_, actor())
    except WrongState:
        jobs.rollback()
        return redirect(url_for("imports.show", import_id=import_id), 303)
    jobs.commit()
    return redirect(url_for("tasks.task", task_id=task.id), 303)


def _find(import_id: UUID) -> SupporterImport:
    return importing.get(import_id) or abort(404)


def _find_locked(import_id: UUID) -> SupporterImport:
    return importing.get_locked(import_id) or abort(404)


def _saved(import_id: UUID) -> Page:
    jobs.commit()
    return redirect(url_for("imports.show", import_id=import_id), 303)


PROBLEMS: Mapping[Problem, object] = {
    Problem.ADDRESS: lazy_gettext("no address that mail can reach"),
    Problem.NAME: lazy_gettext("a name that is too long"),
    Problem.INSTITUTION: lazy_gettext("an institution whose name is too long"),
    Problem.SUPPRESSED: lazy_gettext("must not be written to, and stays so"),
    Problem.UNSUBSCRIBED: lazy_gettext("wanted no more e-mails, and stays so"),
    Problem.ERASED: lazy_gettext("erased since the file came"),
    Problem.COUNTRY: lazy_gettext("a country that we cannot read"),
    Problem.CONSENT_DATE: lazy_gettext("a day that we cannot read"),
}


@today.waits_for(Permission.IMPORT_PEOPLE)
def _unfinished(_scope: Scope, at: datetime) -> Waiting | None:
    """Files that were brought here and whose people were not brought in."""
    waiting = [one for one in importing.recent() if not one.task_id and one.expires_at > at]
    if not waiting:
        return None
    sentence = ngettext(
        "%(count)s file of supporters is not brought in yet.",
        "%(count)s files of supporters are not brought in yet.",
        len(waiting),
        count=i18n.format_number(len(waiting)),
    )
    until = i18n.format_date(min(one.expires_at for one in waiting))
    detail = gettext("The rows of the oldest are removed on %(day)s.", day=until)
    address = url_for("imports.show", import_id=waiting[0].id)
    return Waiting(len(waiting), sentence, detail, address, gettext("Go on"))


def _title(task: Task) -> str:
    file_name = i18n.isolated(supporter_imports.of_task(task).file_name)
    if task.kind == supporter_imports.CHECK.name:
        return gettext("Check the rows of %(file)s", file=file_name)
    return gettext("Bring in the supporters of %(file)s", file=file_name)


def _context(task: Task) -> Mapping[str, object]:
    import_ = supporter_imports.of_task(task)
    is_done = import_.task_id == task.id and task.state in {State.DONE, State.CANCELLED}
    touched = supporter_imports.touched(import_) if is_done else 0
    return {"import_": import_, "touched": touched}


for _kind in (supporter_imports.CHECK, supporter_imports.IMPORT):
    desk_tasks.describe(
        _kind.name,
        desk_tasks.Description(
            Permission.IMPORT_PEOPLE, "desk/people/import_task.html", _title, _context
        ),
    )
