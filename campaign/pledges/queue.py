"""The review queue: held pledges, oldest first, and who of the staff has which of them open."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    any_,
    delete,
    func,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload, selectinload

from campaign.audit import Actor
from campaign.db import db
from campaign.pledges.models import IS_VERDICT, Kind, OpenCase, Pledge, PledgeEvent, Status
from campaign.staff.scopes import EVERYTHING, Scope

PAGE_SIZE = 50
# Since when a colleague must have been heard of to have a case open.
OPEN_FOR = timedelta(minutes=5)

Cursor = tuple[datetime, UUID]


@dataclass(frozen=True, kw_only=True)
class HeldFilter:
    """Which held pledges are asked for; None or False asks for all."""

    reason: str | None = None
    official: bool = False
    country: str | None = None
    locale: str | None = None

    def criteria(self) -> list[ColumnElement[bool]]:
        """The conditions that a held pledge is one of them."""
        asked = [
            (self.reason, literal(self.reason) == any_(Pledge.hold_reasons)),
            (self.official, Pledge.kind == Kind.INSTITUTION),
            (self.country, Pledge.country == self.country),
            (self.locale, Pledge.locale == self.locale),
        ]
        return [condition for value, condition in asked if value]

    def to_json(self) -> dict[str, Any]:
        """What a task's plan stores of it."""
        return {name: value for name, value in asdict(self).items() if value}


NO_FILTER = HeldFilter()


def held(
    scope: Scope = EVERYTHING,
    only: HeldFilter = NO_FILTER,
    after: Cursor | None = None,
    limit: int = PAGE_SIZE,
) -> Sequence[Pledge]:
    """Pledges confirmed by mail that wait for staff, oldest first; ``after`` is ``position`` of the last before."""
    waiting = matching(scope, only).options(joinedload(Pledge.institution))
    if after:
        waiting = waiting.where(tuple_(Pledge.submitted_at, Pledge.id) > after)
    return db.session.scalars(waiting.order_by(Pledge.submitted_at, Pledge.id).limit(limit)).all()


def matching(scope: Scope, only: HeldFilter) -> Select[Pledge]:
    """A query for held pledges, in no order."""
    return select(Pledge).where(
        Pledge.status == Status.HELD, Pledge.within(scope), *only.criteria()
    )


def position(pledge: Pledge) -> Cursor:
    """Where a pledge stands in the queue."""
    return pledge.submitted_at, pledge.id


def count(scope: Scope, only: HeldFilter = NO_FILTER) -> int:
    """How many held pledges there are."""
    return db.session.scalar(matching(scope, only).with_only_columns(func.count())) or 0


@dataclass(frozen=True)
class Counts:
    """Held pledges in all, official ones, and by reason, country and language, the most first."""

    total: int
    official: int
    oldest: datetime | None
    reasons: Mapping[str, int]
    countries: Mapping[str, int]
    locales: Mapping[str, int]


def counts(scope: Scope) -> Counts:
    """Count what waits."""
    base = matching(scope, NO_FILTER)
    total, official, oldest = db.session.execute(
        base.with_only_columns(
            func.count(),
            func.count().filter(Pledge.kind == Kind.INSTITUTION),
            func.min(Pledge.submitted_at),
        )
    ).one()
    reason = func.unnest(Pledge.hold_reasons)
    by = [_tally(base, key) for key in (reason, Pledge.country, Pledge.locale)]
    return Counts(total, official, oldest, *by)


def _tally(base: Select[Pledge], key: SQLColumnExpression[Any]) -> dict[str, int]:
    named = base.with_only_columns(key.label("key")).subquery()
    number = func.count()
    rows = select(named.c.key, number).group_by(named.c.key).order_by(number.desc(), named.c.key)
    return dict(db.session.execute(rows).all())


def open_case(pledge: Pledge, actor: Actor, scope: Scope, now: datetime) -> list[str]:
    """Note that an account has a case open; return the other accounts that have, the latest first.

    Raises OutOfScope.
    """
    scope.check(pledge.country, pledge.institution_id)
    mine = insert(OpenCase).values(pledge_id=pledge.id, account=actor.id, seen_at=now)
    keys = [OpenCase.pledge_id, OpenCase.account]
    db.session.execute(mine.on_conflict_do_update(index_elements=keys, set_={"seen_at": now}))
    return who_else(pledge.id, actor, now)


def who_else(pledge_id: UUID, actor: Actor, now: datetime) -> list[str]:
    """The other accounts that have a case open, the latest first."""
    others = select(OpenCase.account).where(
        OpenCase.pledge_id == pledge_id,
        OpenCase.account != actor.id,
        OpenCase.seen_at > now - OPEN_FOR,
    )
    return list(db.session.scalars(others.order_by(OpenCase.seen_at.desc())))


def close_cases(actor: Actor, now: datetime) -> None:
    """Forget which cases an account has open, and those of everyone not heard of."""
    ended = (OpenCase.account == actor.id) | (OpenCase.seen_at <= now - OPEN_FOR)
    db.session.execute(delete(OpenCase).where(ended))


def settled(
    scope: Scope, before: int | None = None, limit: int = PAGE_SIZE
) -> Sequence[tuple[PledgeEvent, Pledge]]:
    """Verdicts of staff and their pledges, the newest first; ``before`` is the id of the last event before."""
    verdicts = (
        select(PledgeEvent, Pledge)
        .join(Pledge, Pledge.id == PledgeEvent.pledge_id)
        .where(text(IS_VERDICT), Pledge.within(scope))
        .options(selectinload(Pledge.institution))
    )
    if before:
        verdicts = verdicts.where(PledgeEvent.id < before)
    rows = db.session.execute(verdicts.order_by(PledgeEvent.id.desc()).limit(limit))
    return [(event, pledge) for event, pledge in rows]
