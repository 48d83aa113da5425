"""When each job is due next: a table, so that two schedulers run a job once and a dead one loses none."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from campaign.db import Model, db


class Schedule(Model):
    """When one job is due next."""

    __tablename__ = "schedules"

    job: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Timing(Protocol):
    """What decides when a job is due: its period, and a condition in SQL that must be true, too."""

    @property
    def every(self) -> timedelta: ...

    @property
    def has_work(self) -> ColumnElement[bool]: ...


def add(names: Iterable[str]) -> None:
    """Make sure that each job has a row; a new one is due at once."""
    rows = [{"job": name} for name in sorted(names)]
    db.session.execute(insert(Schedule).values(rows).on_conflict_do_nothing())


def any_due(timings: Mapping[str, Timing]) -> Select[tuple[bool]]:
    """The question whether any of the jobs is due. Cheap, so that it may be asked often."""
    return select(exists().where(_is_due(timings)))


def _is_due(timings: Mapping[str, Timing]) -> ColumnElement[bool]:
    """A job without work stays due: the first look after work has come finds it, whatever its period."""
    has_work = case({name: timing.has_work for name, timing in timings.items()}, value=Schedule.job)
    return and_(Schedule.due_at <= func.now(), has_work)


def take_due(timings: Mapping[str, Timing]) -> set[str]:
    """Return the jobs that are due and ours to wake, and set their next times, for the caller to commit."""
    every = case({name: timing.every for name, timing in timings.items()}, value=Schedule.job)
    due = select(Schedule.job).where(_is_due(timings))
    claim = (
        update(Schedule)
        # Another scheduler that is taking a job is passed by, not waited for.
        .where(Schedule.job.in_(due.with_for_update(skip_locked=True)))
        .values(due_at=func.now() + every)
        .returning(Schedule.job)
    )
    return set(db.session.scalars(claim, execution_options={"synchronize_session": False}))
