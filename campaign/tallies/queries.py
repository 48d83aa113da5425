"""Reading public counts. Costs the same whether a thousand or millions have pledged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Select, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from campaign import topics
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.pledges.models import Kind
from campaign.tallies.models import TALLIES, Tally


@dataclass(frozen=True)
class Counts:
    """The headline numbers of a campaign or of a part of it.

    ``persons`` and ``institutions`` count pledges; ``organizations`` counts institutions whose people pledged.
    """

    persons: int = 0
    institutions: int = 0
    countries: int = 0
    organizations: int = 0


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
        persons=found.get(("total", "", Kind.PERSON), 0),
        institutions=found.get(("total", "", Kind.INSTITUTION), 0),
        countries=found.get(("spread", "country", Kind.PERSON), 0),
        organizations=found.get(("spread", "institution", Kind.PERSON), 0),
    )


def counts_of(campaign_id: int, dimension: str, key: str) -> Counts:
    """Pledges of people and of institutions under one key of one dimension."""
    rows = select(Tally.kind, Tally.count).where(
        Tally.campaign_id == campaign_id, Tally.dimension == dimension, Tally.key == key
    )
    by_kind = dict(db.session.execute(rows).all())
    return Counts(
        persons=by_kind.get(Kind.PERSON, 0), institutions=by_kind.get(Kind.INSTITUTION, 0)
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


def by_key(campaign_id: int, dimension: str) -> Sequence[tuple[str, int, int]]:
    """Every key of a dimension with a pledge: (key, people, institutions), most people first."""
    persons = dict(ranking(campaign_id, dimension))
    institutions = dict(ranking(campaign_id, dimension, kind=Kind.INSTITUTION))
    rows = [(key, persons.get(key, 0), institutions.get(key, 0)) for key in persons | institutions]
    return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))


def days(campaign_id: int) -> Sequence[tuple[date, int, int]]:
    """Each day from the first pledge to the last one that stands today: (day, people, institutions)."""
    found = {date.fromisoformat(key): rest for key, *rest in by_key(campaign_id, "day")}
    if not found:
        return []
    first, last = min(found), max(found)
    span = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [(day, *found.get(day, (0, 0))) for day in span]


def months(campaign_id: int, dimension: str = "", key: str = "") -> Sequence[tuple[str, int, int]]:
    """Each month of the campaign ("2026-11", people, institutions), or of one country or institution in it."""
    sums: dict[str, tuple[int, int]] = {}
    for day, persons, institutions in days(campaign_id):
        before = sums.get(f"{day:%Y-%m}", (0, 0))
        sums[f"{day:%Y-%m}"] = (before[0] + persons, before[1] + institutions)
    if dimension:
        sums = _months_of(campaign_id, dimension, key, list(sums))
    return [(month, *numbers) for month, numbers in sums.items()]


def _months_of(
    campaign_id: int, dimension: str, key: str, months: list[str]
) -> dict[str, tuple[int, int]]:
    rows = select(Tally.key, Tally.kind, Tally.count).where(
        Tally.campaign_id == campaign_id,
        Tally.dimension == f"{dimension}-month",
        Tally.key.in_([f"{key} {month}" for month in months]),
    )
    found = {(name, kind): number for name, kind, number in db.session.execute(rows)}
    return {
        month: (
            found.get((f"{key} {month}", Kind.PERSON), 0),
            found.get((f"{key} {month}", Kind.INSTITUTION), 0),
        )
        for month in months
    }


@dataclass(frozen=True, slots=True)
class Cluster:
    """Institutions of one country near each other whose people have pledged; ``id`` is the largest's."""

    latitude: float
    longitude: float
    persons: int
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
