"""Read what is published of people's details (``publishing``), and the official pledges beside it, which are live.

Numbers of people are multiples of five, except those of days.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from campaign.db import db
from campaign.pledges.models import Kind
from campaign.tallies import queries
from campaign.tallies.models import PublishedTally
from campaign.tallies.queries import KeyCounts


class DayPeople(NamedTuple):
    """How many people pledged on one day (UTC) and stood by it when days were last published."""

    day: date
    people: int


class DayCounts(NamedTuple):
    """The pledges confirmed on one day (UTC)."""

    day: date
    people: int
    official_pledges: int


class MonthCounts(NamedTuple):
    """The pledges confirmed in one month ("2026-11", UTC)."""

    month: str
    people: int
    official_pledges: int


def people(campaign_id: int, dimension: str, place: str = "") -> Mapping[str, int]:
    """Return the people of a place, or of the whole campaign, by code of a dimension; see ``PublishedTally``."""
    rows = select(PublishedTally.code, PublishedTally.people).where(
        PublishedTally.campaign_id == campaign_id,
        PublishedTally.dimension == dimension,
        PublishedTally.place == place,
    )
    return dict(db.session.execute(rows).all())


def by_key(
    campaign_id: int,
    dimension: str,
    *,
    after: KeyCounts | None = None,
    limit: int | None = None,
) -> Sequence[KeyCounts]:
    """Return the keys of a dimension of the whole campaign; see ``queries.by_key``."""
    persons = people(campaign_id, dimension)
    official = dict(queries.ranking(campaign_id, dimension, kind=Kind.INSTITUTION))
    keys = persons.keys() | official.keys()
    rows = sorted(
        (KeyCounts(key, persons.get(key, 0), official.get(key, 0)) for key in keys), key=_order
    )
    return [row for row in rows if after is None or _order(row) > _order(after)][:limit]


def _order(row: KeyCounts) -> tuple[int, int, str]:
    return -row.people, -row.official_pledges, row.key


def by_day(campaign_id: int) -> Sequence[DayPeople]:
    """Return the days (UTC) on which people pledged, in order of time."""
    rows = people(campaign_id, "day").items()
    return sorted(DayPeople(date.fromisoformat(day), number) for day, number in rows)


def days(campaign_id: int) -> Sequence[DayCounts]:
    """Return every day from that of the first pledge to that of the last one, without gaps."""
    counts = {date.fromisoformat(row.key): row for row in by_key(campaign_id, "day")}
    if not counts:
        return []
    first, last = min(counts), max(counts)
    span = (first + timedelta(days=number) for number in range((last - first).days + 1))
    nothing = KeyCounts("", 0, 0)
    return [DayCounts(day, *counts.get(day, nothing)[1:]) for day in span]


def months(campaign_id: int, dimension: str = "", key: str = "") -> Sequence[MonthCounts]:
    """Return every month of the campaign, without gaps.

    With a dimension (country or institution) and a key, the pledges are those under the key only.
    """
    sums: dict[str, MonthCounts] = {}
    for day, persons, official in days(campaign_id):
        month = f"{day:%Y-%m}"
        before = sums.get(month, MonthCounts(month, 0, 0))
        sums[month] = MonthCounts(
            month, before.people + persons, before.official_pledges + official
        )
    if not dimension:
        return [*sums.values()]
    at_place = people(campaign_id, "month", key)
    official_pledges = queries.official_months(campaign_id, dimension, key, [*sums])
    return [
        MonthCounts(month, at_place.get(month, 0), official_pledges.get(month, 0)) for month in sums
    ]


# One probe of the primary key for each place, instead of a scan of all its months.
_FIRST_MONTHS = text(
    """
    SELECT name, first.code FROM unnest(:places) AS name CROSS JOIN LATERAL (
        SELECT code FROM published_tallies
        WHERE campaign_id = :campaign_id AND dimension = 'month' AND place = name
        ORDER BY code LIMIT 1
    ) AS first"""
).bindparams(bindparam("places", type_=ARRAY(Text)))


def first_months(campaign_id: int, places: Sequence[str]) -> Mapping[str, str]:
    """Return the first month ("2026-11", UTC) with people of each place; without those that have none."""
    rows = db.session.execute(_FIRST_MONTHS, {"campaign_id": campaign_id, "places": [*places]})
    return {place: month for place, month in rows}  # noqa: C416
