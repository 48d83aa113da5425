"""What of the pledges waits for staff: how much, and since when."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select

from campaign.db import db
from campaign.pledges.models import Pledge, Status
from campaign.staff.scopes import Scope

MOST = 10_000
"""How many are counted; beyond, the exact number changes nothing of what is to be done."""


class Waiting(NamedTuple):
    """How many wait, ``MOST`` + 1 for more than ``MOST``, and when the oldest was submitted."""

    number: int
    since: datetime | None


def held(scope: Scope) -> Waiting:
    """Return the pledges that wait for review. One statement."""
    return _waiting(Pledge.status == Status.HELD, scope)


def not_listed(scope: Scope) -> Waiting:
    """Return the pledges that count and whose institution is not in the registry. One statement."""
    return _waiting(
        (Pledge.status == Status.CONFIRMED)
        & Pledge.institution_text.is_not(None)
        & Pledge.institution_id.is_(None),
        scope,
    )


def unconfirmed(before: datetime, scope: Scope) -> Waiting:
    """Return the pledges submitted before a moment that their people have not confirmed yet. One statement."""
    return _waiting((Pledge.status == Status.UNCONFIRMED) & (Pledge.submitted_at < before), scope)


def _waiting(is_waiting: ColumnElement[bool], scope: Scope) -> Waiting:
    some = (
        select(Pledge.submitted_at)
        .where(is_waiting, Pledge.within(scope))
        .order_by(Pledge.submitted_at)
        .limit(MOST + 1)
        .subquery()
    )
    rows = select(func.count(), func.min(some.c.submitted_at)).select_from(some)
    return Waiting(*db.session.execute(rows).one())
