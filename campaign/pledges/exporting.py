"""Pledges as files: CSV at once, XLSX by the worker, with the rows that a scope covers.

Names and addresses are in them only for those who may find people.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import InstrumentedAttribute

from campaign import audit, tasks
from campaign.audit import Actor
from campaign.campaigns.models import Campaign
from campaign.config import current_settings
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.people.models import Person
from campaign.pledges.models import Pledge
from campaign.staff.scopes import Scope
from campaign.table_exports import BYTE_ORDER_MARK, csv_of, plain, write_xlsx
from campaign.tasks import Kind, State, Task

KEPT = timedelta(days=7)
_SPOOLED_AT_ONCE = 50_000


@dataclass(frozen=True)
class Filters:
    """Which pledges are wanted; None does not limit. Days are in UTC, the last one is included."""

    campaign_id: int | None = None
    status: str | None = None
    kind: str | None = None
    country: str | None = None
    institution_id: str | None = None
    since: date | None = None
    until: date | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what a row stores of them."""
        values = asdict(self).items()
        return {
            name: str(value) if isinstance(value, date) else value
            for name, value in values
            if value is not None
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Filters":
        days = {
            name: date.fromisoformat(stored[name]) for name in ("since", "until") if name in stored
        }
        return cls(**{**stored, **days})

    def criteria(self) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions that a pledge has to meet."""
        for name in ("campaign_id", "status", "kind", "country", "institution_id"):
            if (value := getattr(self, name)) is not None:
                yield getattr(Pledge, name) == value
        if self.since:
            yield Pledge.submitted_at >= _midnight(self.since)
        if self.until:
            yield Pledge.submitted_at < _midnight(self.until + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def count(scope: Scope, filters: Filters) -> int:
    """How many pledges a file would have."""
    rows = select(func.count()).select_from(Pledge)
    return db.session.scalar(rows.where(Pledge.within(scope), *filters.criteria())) or 0


def csv_file(scope: Scope, filters: Filters, *, named: bool) -> Iterator[bytes]:
    """Yield a CSV file in pieces, in the order in which the pledges came."""
    yield BYTE_ORDER_MARK
    yield from csv_of(_rows(scope, filters, named).order_by(Pledge.id))


def _rows(scope: Scope, filters: Filters, named: bool) -> Select[Any]:
    columns = {**_COLUMNS, **(_NAMES if named else {})}
    return (
        select(*(column.label(name) for name, column in columns.items()))
        .select_from(Pledge)
        .join(Campaign, Campaign.id == Pledge.campaign_id)
        .join(Person, Person.id == Pledge.person_id)
        .outerjoin(Institution, Institution.id == Pledge.institution_id)
        .where(Pledge.within(scope), *filters.criteria())
    )


def _moment(column: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    return func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')


_COLUMNS: Mapping[str, ColumnElement[Any]] = {
    "id": Pledge.id.expression,
    "campaign": Campaign.slug.expression,
    "kind": Pledge.kind.expression,
    "status": Pledge.status.expression,
    "country": Pledge.country.expression,
    # ROR ids have their address: 038724806 and 0149e7294 would become numbers.
    "institution": "https://ror.org/" + Institution.id,
    "institution_name": plain(func.coalesce(Institution.name, Pledge.institution_text)),
    "role": Pledge.role.expression,
    "disciplines": func.array_to_string(Pledge.disciplines, " "),
    "commitments": func.array_to_string(Pledge.commitments, " "),
    "listed": case((Pledge.listed, "yes"), else_="no"),
    "newsletter": case((Pledge.newsletter, "yes"), else_="no"),
    "locale": Pledge.locale.expression,
    "source": plain(Pledge.source.expression),
    "submitted_at": _moment(Pledge.submitted_at),
    "confirmed_at": _moment(Pledge.confirmed_at),
    "withdrawn_at": _moment(Pledge.withdrawn_at),
}
_NAMES: Mapping[str, ColumnElement[Any]] = {
    "name": plain(Pledge.name.expression),
    "email": plain(Person.address.expression),
    "office": plain(Pledge.office.expression),
    "orcid": Pledge.orcid.expression,
    "words": plain(Pledge.words.expression),
}


def note(actor: Actor, filters: Filters, *, named: bool, rows: int) -> None:
    """Record that someone takes pledges away as a file."""
    details = {"filters": filters.to_json(), "with names": named, "rows": rows}
    audit.record(actor, "pledges exported", "pledges", details)


def start_xlsx(actor: Actor, scope: Scope, filters: Filters, *, named: bool) -> Task:
    """Have the worker write an XLSX file; ``file_of`` is where it will be."""
    rows = count(scope, filters)
    plan = {"filters": filters.to_json(), "named": named}
    task = tasks.plan(EXPORT, actor, plan, rows, scope.to_json())
    note(actor, filters, named=named, rows=rows)
    tasks.start(task, actor)
    return task


def file_of(task: Task) -> Path | None:
    """The finished file of an export, until it expires."""
    path = _path(task.id, "xlsx")
    return path if task.state == State.DONE and path.is_file() else None


def _path(task_id: UUID, extension: str) -> Path:
    return _folder() / f"{task_id}.{extension}"


def _folder() -> Path:
    return Path(current_settings().data_folder).resolve() / "exports"


def _export(task: Task) -> bool:
    """Add the next rows to a file, or make a workbook of all of them; return whether more is to be done.

    Rows that a killed worker wrote behind the cursor are cut off and written again.
    """
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    if task.cursor.get("complete"):
        _build(task)
        return False
    scope, filters = Scope.from_json(task.scope), Filters.from_json(task.plan["filters"])
    rows = _rows(scope, filters, task.plan["named"]).where(*_behind(task))
    last = _last_of_batch(scope, filters, task)
    size = _append(
        _path(task.id, "csv"),
        task.cursor.get("bytes", 0),
        rows.where(Pledge.id <= last) if last else rows,
    )
    task.cursor = {"bytes": size, "id": str(last), "complete": last is None}
    task.done = task.done + _SPOOLED_AT_ONCE if last else task.total
    return True


def _behind(task: Task) -> Iterator[ColumnElement[bool]]:
    if "id" in task.cursor:
        yield Pledge.id > UUID(task.cursor["id"])


def _last_of_batch(scope: Scope, filters: Filters, task: Task) -> UUID | None:
    """The id of the last row of a full batch; None where no full batch is left."""
    ids = select(Pledge.id).where(Pledge.within(scope), *filters.criteria(), *_behind(task))
    return db.session.scalar(ids.order_by(Pledge.id).offset(_SPOOLED_AT_ONCE - 1).limit(1))


def _append(path: Path, size: int, rows: Select[Any]) -> int:
    """Write rows into a file behind its first bytes; return its new size."""
    path.touch()
    with path.open("r+b") as file:
        file.truncate(size)
        file.seek(size)
        file.writelines(csv_of(rows.order_by(Pledge.id), header=not size))
        return file.tell()


def _build(task: Task) -> None:
    """Turn the rows into a workbook. A worker that was killed behind this finds it made."""
    spool, unfinished, made = (_path(task.id, kind) for kind in ("csv", "new", "xlsx"))
    if not spool.exists() and made.exists():
        return
    write_xlsx(spool, unfinished)
    unfinished.replace(made)
    spool.unlink()


def purge(now: datetime) -> None:
    """Remove files that have expired, finished or not."""
    for path in _folder().glob("*"):
        if path.stat().st_mtime < (now - KEPT).timestamp():
            path.unlink(missing_ok=True)


EXPORT = tasks.register(Kind("export pledges", _export))
