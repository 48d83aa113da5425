"""From where most pledges come lately: networks and e-mail domains. Nothing here names a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from campaign.db import db
from campaign.people.models import Person
from campaign.people.queries import domain_of_mailbox, first_seen
from campaign.pledges.models import Pledge, Status
from campaign.staff.scopes import Scope

TOP = 20


@dataclass(frozen=True)
class Trend:
    """A network or a domain: how many of the pledges of a time come from it, and since when it is known.

    ``sample`` is one pledge of it, by which a rule can name a network; ``held`` and ``refused`` are among them.
    """

    domain: str | None
    sample: UUID
    pledges: int
    share: float
    held: int
    refused: int
    first_seen: datetime | None


def total(scope: Scope, since: datetime) -> int:
    """How many pledges were sent since a moment."""
    sent = select(func.count()).select_from(Pledge)
    return db.session.scalar(sent.where(Pledge.submitted_at >= since, Pledge.within(scope))) or 0


def domains(scope: Scope, since: datetime, limit: int = TOP) -> Sequence[Trend]:
    """The e-mail domains with the most pledges sent since a moment."""
    number, domain = func.count(), domain_of_mailbox()
    busiest = (
        select(domain, *_numbers())
        .select_from(Pledge)
        .join(Person, Person.id == Pledge.person_id)
        .where(Pledge.submitted_at >= since, Pledge.within(scope))
        .group_by(domain)
        .order_by(number.desc(), domain)
        .limit(limit)
    )
    rows = db.session.execute(busiest).all()
    seen, whole = first_seen([row[0] for row in rows]), total(scope, since)
    return [
        Trend(name, sample, n, n / whole, held, refused, seen.get(name))
        for name, sample, n, held, refused in rows
    ]


def networks(scope: Scope, since: datetime, limit: int = TOP) -> Sequence[Trend]:
    """The networks with the most pledges sent since a moment, as far as their hashes are kept."""
    number = func.count()
    busiest = (
        select(Pledge.network_hash, *_numbers())
        .where(Pledge.network_hash.is_not(None), Pledge.submitted_at >= since)
        .where(Pledge.within(scope))
        .group_by(Pledge.network_hash)
        .having(number > 1)
        .order_by(number.desc(), Pledge.network_hash)
        .limit(limit)
    )
    rows = db.session.execute(busiest).all()
    hashes, whole = [row[0] for row in rows], total(scope, since)
    first = select(Pledge.network_hash, func.min(Pledge.submitted_at))
    known = first.where(Pledge.network_hash.in_(hashes)).group_by(Pledge.network_hash)
    seen = dict(db.session.execute(known).all())
    return [
        Trend(None, sample, n, n / whole, held, refused, seen.get(network))
        for network, sample, n, held, refused in rows
    ]


def _numbers() -> tuple[ColumnElement[Any], ...]:
    return (
        func.any_value(Pledge.id),
        func.count(),
        func.count().filter(Pledge.status == Status.HELD),
        func.count().filter(Pledge.status == Status.REFUSED),
    )
