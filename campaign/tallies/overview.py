"""Numbers for staff, within the scope of who reads them: live where they may know each pledge, else in groups.

All are read from tallies and groups, so they cost the same at a thousand and at millions of pledges. Each function
is one statement.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from campaign.db import db
from campaign.institutions.models import Institution
from campaign.pledges.models import Kind
from campaign.staff.scopes import OutOfScope, Scope
from campaign.tallies.details import DayCounts
from campaign.tallies.models import DetailCount, DetailGroup, Tally
from campaign.tallies.publishing import FEWEST
from campaign.tallies.queries import KeyCounts, RankedInstitution


def total(campaign_id: int, scope: Scope) -> KeyCounts:
    """Return all pledges that count, in the countries or at the institution of the scope; its key is empty."""
    keys = _keys_within(scope)
    rows = select(Tally.kind, func.sum(Tally.count)).where(Tally.campaign_id == campaign_id, keys)
    by_kind = {kind: int(n) for kind, n in db.session.execute(rows.group_by(Tally.kind))}
    return KeyCounts("", by_kind.get(Kind.PERSON, 0), by_kind.get(Kind.INSTITUTION, 0))


def _keys_within(scope: Scope) -> ColumnElement[bool]:
    """The condition that a tally is among those that add up to the scope's total."""
    if scope.institution_id:
        return and_(Tally.dimension == "institution", Tally.key == scope.institution_id)
    if scope.countries is not None:
        return and_(Tally.dimension == "country", Tally.key.in_(sorted(scope.countries)))
    return Tally.dimension == "total"


def days(campaign_id: int, since: date, until: date, scope: Scope) -> Sequence[DayCounts]:
    """Return every day (UTC) from ``since`` to ``until`` with the pledges confirmed on it that count now.

    Raises OutOfScope for one institution, where a day may be one person: ``details.months`` has its months.
    """
    if scope.institution_id:
        raise OutOfScope
    day = func.right(Tally.key, 10).label("day")
    rows = (
        select(day, Tally.kind, func.sum(Tally.count))
        .where(Tally.campaign_id == campaign_id, _is_on_days(since, until, scope))
        .group_by(day, Tally.kind)
    )
    counts = {(key, kind): int(n) for key, kind, n in db.session.execute(rows)}
    each = (since + timedelta(days=number) for number in range((until - since).days + 1))
    return [
        DayCounts(day, *(counts.get((day.isoformat(), kind), 0) for kind in Kind)) for day in each
    ]


def _is_on_days(since: date, until: date, scope: Scope) -> ColumnElement[bool]:
    if scope.countries is None:
        return and_(Tally.dimension == "day", Tally.key.between(str(since), str(until)))
    ranges = (
        Tally.key.between(f"{country} {since}", f"{country} {until}")
        for country in sorted(scope.countries)
    )
    return and_(Tally.dimension == "country-day", or_(*ranges))


def countries(campaign_id: int, scope: Scope, limit: int) -> Sequence[KeyCounts]:
    """Return the countries that have pledges, those with most people first."""
    return _by_key(campaign_id, "country", limit, scope.countries)


def languages(campaign_id: int, limit: int) -> Sequence[KeyCounts]:
    """Return the languages in which people pledged, all over the world."""
    return _by_key(campaign_id, "language", limit, None)


def _by_key(
    campaign_id: int, dimension: str, limit: int, keys: frozenset[str] | None
) -> Sequence[KeyCounts]:
    people, official = (
        func.coalesce(func.sum(Tally.count).filter(Tally.kind == kind), 0) for kind in Kind
    )
    rows = (
        select(Tally.key, people, official)
        .where(Tally.campaign_id == campaign_id, Tally.dimension == dimension, Tally.count > 0)
        .group_by(Tally.key)
        .order_by(people.desc(), official.desc(), Tally.key)
        .limit(limit)
    )
    if keys is not None:
        rows = rows.where(Tally.key.in_(sorted(keys)))
    return [KeyCounts(key, int(n), int(m)) for key, n, m in db.session.execute(rows)]


def institutions(campaign_id: int, scope: Scope, limit: int) -> Sequence[RankedInstitution]:
    """Return the institutions of the scope whose people have pledged, those with most people first."""
    ranked = (
        select(Institution, Tally.count)
        .join(Tally, (Tally.key == Institution.id) & (Tally.dimension == "institution"))
        .where(Tally.campaign_id == campaign_id, Tally.kind == Kind.PERSON, Tally.count > 0)
        .where(scope.criterion(Institution.country, Institution.id))
        .order_by(Tally.count.desc(), Tally.key)
    )
    return [RankedInstitution(*row) for row in db.session.execute(ranked.limit(limit))]


def at_institutions(campaign_id: int, scope: Scope) -> int:
    """Return how many people of the scope pledged at an institution of its countries, in all."""
    people = (
        select(func.coalesce(func.sum(Tally.count), 0))
        .where(Tally.campaign_id == campaign_id, Tally.dimension == "institution")
        .where(Tally.kind == Kind.PERSON)
    )
    if not scope.is_everything:
        people = people.join(Institution, Institution.id == Tally.key).where(
            scope.criterion(Institution.country, Institution.id)
        )
    return int(db.session.scalar(people) or 0)


def commitments(campaign_id: int, scope: Scope) -> Mapping[str, int]:
    """Return how many people made each commitment, most first.

    Of a part of the world, the people in groups only, rounded down: see ``publishing``.
    """
    rows = _live_commitments(campaign_id) if scope.is_everything else _grouped(campaign_id, scope)
    counts = ((code, int(n)) for code, n in db.session.execute(rows))
    return dict(sorted(counts, key=lambda one: (-one[1], one[0])))


def _live_commitments(campaign_id: int) -> Select[str, int]:
    return select(Tally.key, Tally.count).where(
        Tally.campaign_id == campaign_id,
        Tally.dimension == "commitment",
        Tally.kind == Kind.PERSON,
        Tally.count > 0,
    )


def _grouped(campaign_id: int, scope: Scope) -> Select[str, int]:
    people = func.sum(DetailCount.people)
    rounded = func.floor(people / FEWEST) * FEWEST
    return (
        select(DetailCount.code, rounded)
        .join(DetailGroup, DetailGroup.id == DetailCount.group_id)
        .where(DetailGroup.campaign_id == campaign_id, DetailCount.dimension == "commitment")
        .where(scope.criterion(DetailGroup.country, DetailGroup.institution_id))
        .group_by(DetailCount.code)
        .having(people >= FEWEST)
    )


def confirmed_by_language(
    campaign_id: int, since: date, until: date, *, kind: Kind = Kind.PERSON
) -> Mapping[str, int]:
    """Return the pledges confirmed on these days that count now, by language, all over the world."""
    language = func.split_part(Tally.key, " ", 1)
    rows = (
        select(language, func.sum(Tally.count))
        .where(Tally.campaign_id == campaign_id, Tally.dimension == "language-day")
        .where(Tally.kind == kind, func.right(Tally.key, 10).between(str(since), str(until)))
        .group_by(language)
    )
    return {key: int(n) for key, n in db.session.execute(rows) if n}
