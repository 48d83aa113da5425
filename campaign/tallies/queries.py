"""Reading public counts. Costs the same whether a thousand or millions have pledged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Select,
    bindparam,
    exists,
    func,
    literal,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased
from sqlalchemy.types import Text

from campaign import topics
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.pledges.models import Kind
from campaign.tallies.models import TALLIES, Tally


@dataclass(frozen=True)
class Counts:
    """The headline numbers of a campaign or of a part of it.

    ``people`` and ``official_pledges`` count pledges; ``countries`` and ``institutions_reached`` count where people
    pledged.
    """

    people: int = 0
    official_pledges: int = 0
    countries: int = 0
    institutions_reached: int = 0


class KeyCounts(NamedTuple):
    """The pledges under one key of a dimension."""

    key: str
    people: int
    official_pledges: int


class DayCounts(NamedTuple):
    """The pledges confirmed on one day (UTC) that stand today."""

    day: date
    people: int
    official_pledges: int


class MonthCounts(NamedTuple):
    """The pledges confirmed in one month ("2026-11", UTC) that stand today."""

    month: str
    people: int
    official_pledges: int


def version(campaign_id: int) -> int:
    """Rises with every fold of the campaign."""
    return topics.version(TALLIES, campaign_id)


def counts(campaign_id: int) -> Counts:
    """Headline numbers of a whole campaign."""
    rows = select(Tally.dimension, Tally.key, Tally.kind, Tally.count).where(
        Tally.campaign_id == campaign_id, Tally.dimension.in_(("total", "spread"))
    )
    found = {
        (dimension, key, kind): number for dimension, key, kind, number in db.session.execute(rows)
    }
    return Counts(
        people=found.get(("total", "", Kind.PERSON), 0),
        official_pledges=found.get(("total", "", Kind.INSTITUTION), 0),
        countries=found.get(("spread", "country", Kind.PERSON), 0),
        institutions_reached=found.get(("spread", "institution", Kind.PERSON), 0),
    )


def counts_of(campaign_id: int, dimension: str, key: str) -> Counts:
    """Pledges of people and of institutions under one key of one dimension."""
    rows = select(Tally.kind, Tally.count).where(
        Tally.campaign_id == campaign_id, Tally.dimension == dimension, Tally.key == key
    )
    by_kind = dict(db.session.execute(rows).all())
    return Counts(
        people=by_kind.get(Kind.PERSON, 0), official_pledges=by_kind.get(Kind.INSTITUTION, 0)
    )


def ranking(
    campaign_id: int, dimension: str, *, kind: Kind = Kind.PERSON, limit: int | None = None
) -> Sequence[tuple[str, int]]:
    """Keys of one dimension with their counts, largest first; none that is zero."""
    return [
        (key, number)
        for key, number in db.session.execute(_ranked(campaign_id, dimension, kind).limit(limit))
    ]


def _ranked(campaign_id: int, dimension: str, kind: Kind) -> Select[str, int]:
    return (
        select(Tally.key, Tally.count)
        .where(Tally.campaign_id == campaign_id, Tally.dimension == dimension)
        .where(Tally.kind == kind, Tally.count > 0)
        .order_by(Tally.count.desc(), Tally.key)
    )


def top_institutions(campaign_id: int, *, limit: int) -> Sequence[tuple[Institution, int]]:
    """Institutions by the number of their people who pledged."""
    ranked = (
        select(Institution, Tally.count)
        .join(Tally, (Tally.key == Institution.id) & (Tally.dimension == "institution"))
        .where(Tally.campaign_id == campaign_id, Tally.kind == Kind.PERSON, Tally.count > 0)
        .order_by(Tally.count.desc(), Tally.key)
    )
    return [
        (institution, number) for institution, number in db.session.execute(ranked.limit(limit))
    ]


def by_key(
    campaign_id: int,
    dimension: str,
    *,
    after: KeyCounts | None = None,
    limit: int | None = None,
) -> Sequence[KeyCounts]:
    """The keys of a dimension that have a pledge, from the row after ``after``.

    Most people first, then most official pledges, then in the order of the keys. A page costs the same wherever it
    stands: its own rows and the keys with an official pledge, since their number of people is in another row and so
    their order in no index.
    """
    rows = union_all(
        _official_keys(campaign_id, dimension),
        *_other_keys(campaign_id, dimension, after, limit),
    ).subquery(name="counted")
    key, people, official = rows.c
    page = select(key, people, official).order_by(people.desc(), official.desc(), key).limit(limit)
    if after:
        last = tuple_(-after.people, -after.official_pledges, after.key)
        page = page.where(tuple_(-people, -official, key) > last)
    return [KeyCounts(*row) for row in db.session.execute(page)]


def _official_keys(campaign_id: int, dimension: str) -> Select[str, int, int]:
    """Every key with an official pledge, as ``KeyCounts``."""
    person = aliased(Tally)
    is_same_key = (
        (person.campaign_id == Tally.campaign_id)
        & (person.dimension == Tally.dimension)
        & (person.key == Tally.key)
        & (person.kind == Kind.PERSON)
    )
    return (
        select(
            Tally.key,
            func.coalesce(person.count, 0).label("people"),
            Tally.count.label("official_pledges"),
        )
        .outerjoin(person, is_same_key)
        .where(Tally.campaign_id == campaign_id, Tally.dimension == dimension)
        .where(Tally.kind == Kind.INSTITUTION, Tally.count > 0)
    )


def _other_keys(
    campaign_id: int, dimension: str, after: KeyCounts | None, limit: int | None
) -> Sequence[Select[str, int, int]]:
    """The first keys without an official pledge after a row: of as many people, then of fewer.

    Two statements, since each is one range of ``ix_tallies_ranking``, and both together are none.
    """
    official = aliased(Tally)
    has_official = exists().where(
        official.campaign_id == campaign_id,
        official.dimension == dimension,
        official.key == Tally.key,
        official.kind == Kind.INSTITUTION,
        official.count > 0,
    )
    ranked = (
        _ranked(campaign_id, dimension, Kind.PERSON)
        .add_columns(literal(0, BigInteger))
        .where(~has_official)
        .limit(limit)
    )
    if after is None:
        return [ranked]
    first_key = "" if after.official_pledges else after.key
    as_many = ranked.where(Tally.count == after.people, Tally.key > first_key)
    return [as_many, ranked.where(Tally.count < after.people)]


def days(campaign_id: int) -> Sequence[DayCounts]:
    """Every day from the first pledge to the last one that stands today, without gaps."""
    counted = {date.fromisoformat(row.key): row for row in by_key(campaign_id, "day")}
    if not counted:
        return []
    first, last = min(counted), max(counted)
    span = (first + timedelta(days=number) for number in range((last - first).days + 1))
    nothing = KeyCounts("", 0, 0)
    return [DayCounts(day, *counted.get(day, nothing)[1:]) for day in span]


def months(campaign_id: int, dimension: str = "", key: str = "") -> Sequence[MonthCounts]:
    """Every month of the campaign without gaps, with its pledges or those of one country or institution."""
    sums: dict[str, MonthCounts] = {}
    for day, people, official in days(campaign_id):
        month = f"{day:%Y-%m}"
        before = sums.get(month, MonthCounts(month, 0, 0))
        sums[month] = MonthCounts(month, before.people + people, before.official_pledges + official)
    return _months_of(campaign_id, dimension, key, [*sums]) if dimension else [*sums.values()]


def _months_of(
    campaign_id: int, dimension: str, key: str, months: Sequence[str]
) -> Sequence[MonthCounts]:
    rows = select(Tally.key, Tally.kind, Tally.count).where(
        Tally.campaign_id == campaign_id,
        Tally.dimension == f"{dimension}-month",
        Tally.key.in_([f"{key} {month}" for month in months]),
    )
    counts = {(name, kind): number for name, kind, number in db.session.execute(rows)}
    return [
        MonthCounts(
            month,
            counts.get((f"{key} {month}", Kind.PERSON), 0),
            counts.get((f"{key} {month}", Kind.INSTITUTION), 0),
        )
        for month in months
    ]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Institutions of one country near each other whose people have pledged; ``id`` is the largest's."""

    latitude: float
    longitude: float
    people: int
    institutions: int
    country: str
    id: str


_CLUSTERS = text(
    """
    SELECT sum(latitude * count)::float / sum(count), sum(longitude * count)::float / sum(count),
           sum(count)::bigint, count(*)::int, country, (array_agg(key ORDER BY count DESC, key))[1]
    FROM tallies JOIN institutions ON id = key
    WHERE campaign_id = :campaign_id AND dimension = 'institution' AND kind = 'person' AND count > 0
          AND latitude IS NOT NULL AND longitude IS NOT NULL
    GROUP BY country, floor(latitude / :degrees), floor(longitude / :degrees)"""
)


def clusters(campaign_id: int, *, degrees: float = 1.0) -> Sequence[Cluster]:
    """Where people have pledged, gathered in squares of so many degrees: no more rows than the land has squares."""
    rows = db.session.execute(_CLUSTERS, {"campaign_id": campaign_id, "degrees": degrees})
    return [Cluster(*row) for row in rows]


# From the first to the last month whatever the collation: the keys between differ in digits only.
_FIRST_MONTHS = text(
    """
    SELECT id, right(first.key, 7) FROM unnest(:keys) AS id CROSS JOIN LATERAL (
        SELECT key FROM tallies
        WHERE campaign_id = :campaign_id AND dimension = :dimension AND kind = 'person'
              AND key BETWEEN id || ' 2000-01' AND id || ' 2999-12' AND count > 0
        ORDER BY key LIMIT 1
    ) AS first"""
).bindparams(bindparam("keys", type_=ARRAY(Text)))


def first_months(campaign_id: int, dimension: str, keys: Sequence[str]) -> Mapping[str, str]:
    """The month ("2026-11", UTC) of the earliest pledge of a person that still stands, by key.

    ``dimension`` is country or institution.
    """
    asked = {"campaign_id": campaign_id, "dimension": f"{dimension}-month", "keys": [*keys]}
    return {place: month for place, month in db.session.execute(_FIRST_MONTHS, asked)}  # noqa: C416


def by_day(campaign_id: int, *, kind: Kind = Kind.PERSON) -> Sequence[tuple[date, int]]:
    """How many of today's pledges were confirmed on each day (UTC), in order of time; no day without any."""
    days = (
        (date.fromisoformat(day), count) for day, count in ranking(campaign_id, "day", kind=kind)
    )
    return sorted(days)
