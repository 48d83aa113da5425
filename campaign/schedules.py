"""When each job is due next: a table, so that two schedulers run a job once and a dead one loses none."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from campaign.db import Model, db


class Schedule(Model):
    """One job's next time."""

    __tablename__ = "schedules"

    job: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())


def add(names: Iterable[str]) -> None:
    """Make sure that each job has a row; a new one is due at once."""
    rows = [{"job": name} for name in sorted(names)]
    db.session.execute(insert(Schedule).values(rows).on_conflict_do_nothing())


def take_due(name: str, every: timedelta) -> bool:
    """Whether the job is due now and ours to wake; if so its next time is set, for the caller to commit."""
    mine = select(Schedule.job).where(Schedule.job == name, Schedule.due_at <= func.now())
    claim = (
        update(Schedule)
        .where(Schedule.job.in_(mine.with_for_update(skip_locked=True).scalar_subquery()))
        .values(due_at=func.now() + every)
        .returning(Schedule.job)
    )
    return db.session.scalar(claim) is not None
