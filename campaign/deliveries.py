"""What letters and partners' messages have in common: rows that are claimed, leased, tried again and given up.

The row is the truth: a kill can double the delivery in flight, never lose one.
"""

import logging
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, and_, delete, exists, func, select, update

from campaign.clock import now
from campaign.db import Model, db

LEASE = timedelta(minutes=2)
# 1, 2, 4 … minutes, nearly three days in all: long enough for a server's weekend.
MAX_ATTEMPTS = 13

log = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Model)


def is_waiting(model: Any) -> ColumnElement[bool]:
    """Neither sent nor given up."""
    return and_(model.sent_at.is_(None), model.failed_at.is_(None))


def has_due(model: Any) -> bool:
    return db.session.scalar(select(exists().where(_is_due(model)))) or False


def _is_due(model: Any) -> ColumnElement[bool]:
    return and_(is_waiting(model), model.due_at <= func.now())


def claim(model: type[Row], *which: ColumnElement[bool]) -> Row | None:
    """Take one that is due for LEASE, for the caller to commit before it is sent; None where there is none.

    One at a time: of a batch, the last would wait longer than its lease when the server is slow. What was claimed
    MAX_ATTEMPTS times and never recorded, as by a worker that was killed each time, is given up.
    """
    while (row := _take(model, *which)) and row.attempts > MAX_ATTEMPTS:
        record_failure(row, "the last attempt did not come to an end", now())
        log.warning("%s %s: %s", model.__tablename__, row.id, row.error)
        db.session.flush()
    return cast("Row | None", row)


def _take(model: Any, *which: ColumnElement[bool]) -> Any:
    """Another worker skips the locked row and, later, the leased one."""
    # Keys rise: what was queued together is sent in its order.
    oldest = select(model.id).where(_is_due(model), *which)
    oldest = oldest.order_by(model.due_at, model.attempts, model.id).limit(1)
    taken = (
        update(model)
        .where(model.id == oldest.with_for_update(skip_locked=True).scalar_subquery())
        .values(due_at=func.now() + LEASE, attempts=model.attempts + 1)
        .returning(model)
    )
    return db.session.scalar(taken, execution_options={"populate_existing": True})


def record_failure(row: Any, error: str, now: datetime, *, for_good: bool = False) -> None:
    """Try again later; after MAX_ATTEMPTS, or what failed for good, give up."""
    row.error = error[:500]
    if for_good or row.attempts >= MAX_ATTEMPTS:
        row.failed_at = now
    else:
        row.due_at = now + timedelta(minutes=2 ** (row.attempts - 1))


def purge(model: Any, before: datetime) -> None:
    """Remove what was sent, or given up, before a moment."""
    db.session.execute(delete(model).where(func.coalesce(model.sent_at, model.failed_at) < before))
