"""When each job is due next, and when it last ran.

A table, so that two schedulers wake a job once, and a restart forgets none.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from campaign.db import Model, db

# Jobs that run several times a second note it as seldom as this.
_NOTE_EVERY = timedelta(seconds=10)


class Schedule(Model):
    """When one job is due next, and when a worker last did it, to within a few seconds."""

    __tablename__ = "schedules"

    job: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ran_at: Mapped[datetime | None]


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
    """Return the query for whether any job is due: one statement for all of them, cheap enough for each second."""
    return select(exists().where(_is_due(timings)))


def _is_due(timings: Mapping[str, Timing]) -> ColumnElement[bool]:
    """Return the condition that a job's time has come and it has work.

    A job without work stays due, so that it is woken as soon as there is some, whatever its period.
    """
    has_work = case({name: timing.has_work for name, timing in timings.items()}, value=Schedule.job)
    return and_(Schedule.due_at <= func.now(), has_work)


def take_due(timings: Mapping[str, Timing]) -> set[str]:
    """Set the next times of the jobs that are due; return these, for the caller to commit and wake."""
    every = case({name: timing.every for name, timing in timings.items()}, value=Schedule.job)
    due = select(Schedule.job).where(_is_due(timings))
    claim = (
        update(Schedule)
        # A job that another scheduler is just taking is skipped, not waited for.
        .where(Schedule.job.in_(due.with_for_update(skip_locked=True)))
        .values(due_at=func.now() + every)
        .returning(Schedule.job)
    )
    return set(db.session.scalars(claim, execution_options={"synchronize_session": False}))


def note_run(job: str) -> None:
    """Note that a worker has done a job now, unless that was noted a moment ago."""
    is_old = Schedule.ran_at.is_(None) | (Schedule.ran_at < func.now() - _NOTE_EVERY)
    noted = update(Schedule).where(Schedule.job == job, is_old).values(ran_at=func.now())
    db.session.execute(noted, execution_options={"synchronize_session": False})


def last_run() -> datetime | None:
    """Return when a worker last did any job.

    One is due each minute whatever there is to do, so a longer time means that scheduler or worker do not run.
    """
    return db.session.scalar(select(func.max(Schedule.ran_at)))
