"""Queues in tables: rows are claimed one by one, leased, tried again, and given up in the end.

E-mails and messages to webhooks wait in tables of this shape. The row is the truth; a message to the worker only
wakes it. If a worker is killed, the delivery in flight may happen twice, but none is lost.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache
from typing import TypeVar, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Index,
    SmallInteger,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningUpdate

from campaign import jobs
from campaign.clock import now
from campaign.db import Model, db, uuid_key

LEASE = timedelta(minutes=2)
# 1, 2, 4 … minutes, nearly three days in all: long enough for a server's weekend.
MAX_ATTEMPTS = 13
# Far below the time limit of a job, which could cut in between sending a message and recording it.
RUN_SECONDS = 60

log = logging.getLogger(__name__)


class Delivery(Model):
    """The columns that every queue has. A model that inherits them adds ``queue_indexes`` to its own."""

    __abstract__ = True

    # Keys sort by time: what was queued together is sent in that order.
    id: Mapped[UUID] = uuid_key()
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # When it may be tried (again). A claim moves it ahead, so that a row comes back if the worker is killed.
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    # When it was given up.
    failed_at: Mapped[datetime | None]
    # What went wrong at the last attempt.
    error: Mapped[str | None]


Row = TypeVar("Row", bound=Delivery)
Claimed = TypeVar("Claimed")


class Outcome(Enum):
    """What became of one attempt."""

    DELIVERED = auto()
    FAILED = auto()
    # No other delivery would get through either.
    UNREACHABLE = auto()


def queue_indexes(table: str) -> tuple[Index, Index]:
    """Return the index by which ``claim`` finds the next row, and the one by which ``purge`` finds old ones.

    A row is in one of them at a time: in the first while it waits, in the second once it was sent or given up.
    """
    waiting = text("sent_at IS NULL AND failed_at IS NULL")
    ended = "coalesce(sent_at, failed_at)"
    return (
        Index(f"ix_{table}_due", "due_at", "attempts", "id", postgresql_where=waiting),
        Index(f"ix_{table}_ended", text(ended), postgresql_where=text(f"{ended} IS NOT NULL")),
    )


def is_waiting(model: type[Delivery]) -> ColumnElement[bool]:
    """Return the condition that a row is neither sent nor given up."""
    return and_(model.sent_at.is_(None), model.failed_at.is_(None))


def has_due(model: type[Delivery]) -> ColumnElement[bool]:
    """Return the condition that the queue has a row that is due."""
    return exists().where(_is_due(model))


def _is_due(model: type[Delivery]) -> ColumnElement[bool]:
    return and_(is_waiting(model), model.due_at <= func.now())


def drain(
    claim: Callable[[], Claimed | None],
    deliver: Callable[[Claimed], Outcome],
    seconds: float = RUN_SECONDS,
) -> int:
    """Deliver what is due, row by row, for at most so many seconds; return how many were delivered.

    Ends early when ``deliver`` returns UNREACHABLE: the scheduler wakes the job again. Commits each claim and each
    outcome, since both must survive a kill.
    """
    delivered = 0
    for claimed in _claims(claim, seconds):
        outcome = deliver(claimed)
        jobs.commit()
        delivered += outcome is Outcome.DELIVERED
        if outcome is Outcome.UNREACHABLE:
            break
    return delivered


def _claims(claim: Callable[[], Claimed | None], seconds: float) -> Iterator[Claimed]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        claimed = claim()
        jobs.commit()  # even where nothing is left: a claim also gives up what was tried too often
        if claimed is None:
            return
        yield claimed


def claim(model: type[Row], only: UUID | None = None) -> Row | None:
    """Lease and return the next row that is due, or just the row with the id ``only``, or None.

    The caller commits before it delivers. Rows are claimed one at a time: with a slow server, the last of a batch
    would outlive its lease. A row that was claimed MAX_ATTEMPTS times without an outcome, as by workers that were
    killed, is given up on the way.
    """
    lease = _lease(model, is_only=only is not None)
    parameters = {"only": only} if only else {}
    while (row := db.session.scalar(lease, parameters)) and row.attempts > MAX_ATTEMPTS:
        record_failure(row, "the last attempt did not come to an end", now())
        log.warning("%s %s: %s", model.__tablename__, row.id, row.error)
        db.session.flush()
    return cast("Row | None", row)


@cache
def _lease(model: type[Delivery], *, is_only: bool) -> ReturningUpdate[Delivery]:
    """Return the statement that moves the next row LEASE ahead and counts an attempt. It skips locked rows.

    Built once for each queue, since building it takes a third of the time of a claim.
    """
    criteria = [model.id == bindparam("only")] if is_only else []
    # Of rows due at one instant, as after a pause, those tried least go first: one that always fails delays none.
    order = (model.due_at, model.attempts, model.id)
    next_id = select(model.id).where(_is_due(model), *criteria).order_by(*order).limit(1)
    return (
        update(model)
        .where(model.id == next_id.with_for_update(skip_locked=True).scalar_subquery())
        .values(due_at=func.now() + LEASE, attempts=model.attempts + 1)
        .returning(model)
        .execution_options(populate_existing=True, synchronize_session=False)
    )


def record_failure(row: Delivery, error: str, now: datetime, *, permanent: bool = False) -> None:
    """Schedule the next attempt, or give the row up after MAX_ATTEMPTS or a permanent failure."""
    row.error = error[:500]
    if permanent or row.attempts >= MAX_ATTEMPTS:
        row.failed_at = now
    else:
        row.due_at = now + timedelta(minutes=2 ** (row.attempts - 1))


def purge(model: type[Delivery], before: datetime) -> None:
    """Remove rows that were sent or given up before a moment."""
    ended_at = func.coalesce(model.sent_at, model.failed_at)
    db.session.execute(delete(model).where(ended_at < before))
