"""Read headline counts, which are live, at the same cost whether a thousand or millions have pledged.

What people chose and when is in ``details``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Select,
    Text,
    exists,
    func,
    literal,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from campaign import topics
from campaign.campaigns.models import CampaignText
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.pledges.models import Kind
from campaign.tallies.models import TALLIES, Tally, TallyDelta


@dataclass(frozen=True)
class Counts:
    """The headline numbers of a campaign or of a part of it.

    ``people`` and ``official_pledges`` count pledges; ``countries`` and ``institutions_reached`` count the places
    whose people have pledged.
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


class RankedKey(NamedTuple):
    """A key of a dimension, and the number of its pledges of one kind."""

    key: str
    pledges: int


class RankedInstitution(NamedTuple):
    """An institution, and how many of its people have pledged."""

    institution: Institution
    people: int


def version(campaign_id: int) -> int:
    """Return the version of a campaign's tallies, which rises with every fold."""
    return topics.version(TALLIES, campaign_id)


def counts(campaign_id: int) -> Counts:
    """Return the headline numbers of a whole campaign."""
    rows = select(Tally.dimension, Tally.key, Tally.kind, Tally.count).where(
        Tally.campaign_id == campaign_id, Tally.dimension.in_(("total", "spread"))
    )
    tallies = {
        (dimension, key, kind): number for dimension, key, kind, number in db.session.execute(rows)
    }
    return Counts(
        people=tallies.get(("total", "", Kind.PERSON), 0),
        official_pledges=tallies.get(("total", "", Kind.INSTITUTION), 0),
        countries=tallies.get(("spread", "country", Kind.PERSON), 0),
        institutions_reached=tallies.get(("spread", "institution", Kind.PERSON), 0),
    )


def counts_of(campaign_id: int, dimension: str, key: str) -> Counts:
    """Return the pledges of people and of institutions under one key; the other counts are zero."""
    rows = select(Tally.kind, Tally.count).where(
        Tally.campaign_id == campaign_id, Tally.dimension == dimension, Tally.key == key
    )
    by_kind = dict(db.session.execute(rows).all())
    return Counts(
        people=by_kind.get(Kind.PERSON, 0), official_pledges=by_kind.get(Kind.INSTITUTION, 0)
    )


def ranking(
    campaign_id: int, dimension: str, *, kind: Kind = Kind.PERSON, limit: int | None = None
) -> Sequence[RankedKey]:
    """Return the nonzero keys of a dimension, those with most pledges of the kind first."""
    rows = db.session.execute(_ranked(campaign_id, dimension, kind).limit(limit))
    return [RankedKey(*row) for row in rows]


def _ranked(campaign_id: int, dimension: str, kind: Kind) -> Select[str, int]:
    """Select what ``ranking`` returns, in the order of ``ix_tallies_ranking``."""
    return (
        select(Tally.key, Tally.count)
        .where(Tally.campaign_id == campaign_id, Tally.dimension == dimension)
        .where(Tally.kind == kind, Tally.count > 0)
        .order_by(Tally.count.desc(), Tally.key)
    )


def by_version(campaign_id: int) -> dict[int, int]:
    """Return the pledges, of people and of institutions, that were made with each version of the texts."""
    number = func.sum(Tally.count).cast(BigInteger)
    versions = (
        select(CampaignText.version, number)
        .join(Tally, Tally.key == CampaignText.id.cast(Text))
        .where(CampaignText.campaign_id == campaign_id)
        .where(Tally.campaign_id == campaign_id, Tally.dimension == "text", Tally.count > 0)
        .group_by(CampaignText.version)
    )
    return dict(db.session.execute(versions).all())


def top_institutions(campaign_id: int, *, limit: int) -> Sequence[RankedInstitution]:
    """Return the institutions with most people who pledged, largest number first."""
    ranked = (
        select(Institution, Tally.count)
        .join(Tally, (Tally.key == Institution.id) & (Tally.dimension == "institution"))
        .where(Tally.campaign_id == campaign_id, Tally.kind == Kind.PERSON, Tally.count > 0)
        .order_by(Tally.count.desc(), Tally.key)
    )
    return [RankedInstitution(*row) for row in db.session.execute(ranked.limit(limit))]


def by_key(
    campaign_id: int,
    dimension: str,
    *,
    after: KeyCounts | None = None,
    limit: int | None = None,
) -> Sequence[KeyCounts]:
    """Return the keys of a dimension that have a pledge, from the one following ``after``.

    Most people first, then most official pledges, then in the order of the keys. Every page costs the same: its
    own rows, and all keys with an official pledge, whose order is in no index: their people are in another row.
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
    """Select every key with an official pledge, with the columns of ``KeyCounts``."""
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
    """Select the first keys without an official pledge that follow ``after``.

    Two statements, for as many people and for fewer: each reads one range of ``ix_tallies_ranking``.
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
    # At the same number of people, keys with an official pledge come first: after one of them, all others follow.
    first_key = "" if after.official_pledges else after.key
    as_many = ranked.where(Tally.count == after.people, Tally.key > first_key)
    return [as_many, ranked.where(Tally.count < after.people)]


def official_months(
    campaign_id: int, dimension: str, key: str, months: Sequence[str]
) -> Mapping[str, int]:
    """Return the official pledges of a country or institution in those of these months that have any."""
    rows = select(func.right(Tally.key, 7), Tally.count).where(
        Tally.campaign_id == campaign_id,
        Tally.dimension == f"{dimension}-month",
        Tally.key.in_([f"{key} {month}" for month in months]),
        Tally.kind == Kind.INSTITUTION,
    )
    return dict(db.session.execute(rows).all())


@dataclass(frozen=True, slots=True)
class Cluster:
    """Neighbouring institutions of one country whose people have pledged.

    ``latitude`` and ``longitude``, in degrees, are their mean, weighted by people; ``id`` is the ROR id of the
    largest.
    """

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
    """Return the institutions whose people have pledged, grouped in squares of so many degrees.

    However many institutions there are, there are no more clusters than squares with land.
    """
    rows = db.session.execute(_CLUSTERS, {"campaign_id": campaign_id, "degrees": degrees})
    return [Cluster(*row) for row in rows]


def waiting_deltas(limit: int) -> int:
    """Return how many changes are not yet counted, or ``limit`` if there are more."""
    some = select(TallyDelta.id).limit(limit).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0
