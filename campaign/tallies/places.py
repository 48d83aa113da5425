"""Reading what counts in one place: a country, a region or an institution. Costs the same at any number of pledges.

A region has no months and commitments of its own: they are the sums of its countries, at most sixty.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from campaign.db import db
from campaign.institutions.models import Institution
from campaign.pledges.models import Kind
from campaign.tallies.models import Tally

Keys = Collection[str]


@dataclass(frozen=True)
class Standing:
    """The rank of a place by the number of its people who pledged, among all that have any.

    Equal numbers share a rank (1, 2, 2, 4); ``is_shared`` where another has the same.
    """

    rank: int
    among: int
    is_shared: bool

    @property
    def is_in_upper_half(self) -> bool:
        return 2 * self.rank <= self.among + 1


class InstitutionPledges(NamedTuple):
    """How many people of an institution pledged, and whether the institution itself has."""

    people: int
    has_pledged: bool


class InstitutionCounts(NamedTuple):
    """An institution in a list, with its pledges."""

    institution: Institution
    people: int
    has_pledged: bool


def standing(key: str, counts: Mapping[str, int]) -> Standing | None:
    """Where a key stands among others with their counts; None where it has none."""
    if not (own := counts.get(key)):
        return None
    return Standing(
        rank=1 + sum(count > own for count in counts.values()),
        among=sum(count > 0 for count in counts.values()),
        is_shared=sum(count == own for count in counts.values()) > 1,
    )


def standing_at_home(campaign_id: int, institution: Institution, people: int) -> Standing | None:
    """Where an institution with so many people who pledged stands among those of its country."""
    if not people:
        return None
    number = func.count()
    better, equal, among = db.session.execute(
        _institutions(campaign_id, Kind.PERSON, [institution.country]).with_only_columns(
            number.filter(Tally.count > people), number.filter(Tally.count == people), number
        )
    ).one()
    return Standing(1 + better, among, is_shared=equal > 1)


def institutions_reached(campaign_id: int, countries: Keys) -> int:
    """How many institutions of these countries have people who pledged."""
    lit = _institutions(campaign_id, Kind.PERSON, countries).with_only_columns(func.count())
    return db.session.scalar(lit) or 0


def months(
    campaign_id: int, dimension: str, keys: Keys, asked: Sequence[str]
) -> Sequence[tuple[str, int]]:
    """Each month asked for ("2026-11", UTC) with the people who pledged in it and whose pledge stands today."""
    found = _sums(campaign_id, f"{dimension}-month", keys, asked)
    return [(month, found.get(month, 0)) for month in asked]


def commitments(
    campaign_id: int, dimension: str, keys: Keys, codes: Collection[str]
) -> Mapping[str, int]:
    """How many people under these keys made each of these commitments."""
    return _sums(campaign_id, f"{dimension}-commitment", keys, codes)


def institutions(
    campaign_id: int, countries: Keys | None, *, limit: int, offset: int = 0
) -> Sequence[InstitutionCounts]:
    """Institutions of these countries, or of all (None), that have a pledge.

    Most people first; a page is read by its offset, since a country has at most some ten thousand institutions.
    """
    people = func.coalesce(func.sum(Tally.count).filter(Tally.kind == Kind.PERSON), 0)
    has_pledged = func.bool_or(Tally.kind == Kind.INSTITUTION)
    rows = (
        _institutions(campaign_id, None, countries)
        .with_only_columns(Tally.key, people.label("people"), has_pledged.label("has_pledged"))
        .group_by(Tally.key)
        .order_by(people.desc(), Tally.key)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    with_names = (
        select(Institution, rows.c.people, rows.c.has_pledged)
        .join(rows, rows.c.key == Institution.id)
        .order_by(rows.c.people.desc(), rows.c.key)
    )
    return [
        InstitutionCounts(institution, int(number), pledged)
        for institution, number, pledged in db.session.execute(with_names)
    ]


def pledges_of(campaign_id: int, ids: Keys) -> Mapping[str, InstitutionPledges]:
    """The pledges of each of these institutions that has any, by its id."""
    rows = select(Tally.key, Tally.kind, Tally.count).where(
        Tally.campaign_id == campaign_id, Tally.dimension == "institution", Tally.count > 0
    )
    counts: dict[str, dict[str, int]] = {}
    for key, kind, number in db.session.execute(rows.where(Tally.key.in_(ids))):
        counts.setdefault(key, {})[kind] = number
    return {
        key: InstitutionPledges(by_kind.get(Kind.PERSON, 0), Kind.INSTITUTION in by_kind)
        for key, by_kind in counts.items()
    }


def _institutions(campaign_id: int, kind: Kind | None, countries: Keys | None) -> Select[Any]:
    """Tallies of institutions of these countries, or of all; for other columns than these."""
    rows = select(Tally.key).where(
        Tally.campaign_id == campaign_id, Tally.dimension == "institution", Tally.count > 0
    )
    if countries is not None:
        at_home = Institution.country.in_(countries)
        rows = rows.join(Institution, Tally.key == Institution.id).where(at_home)
    return rows.where(Tally.kind == kind) if kind else rows


def _sums(
    campaign_id: int, dimension: str, keys: Keys, details: Collection[str]
) -> Mapping[str, int]:
    """Counts of people by the second part of keys such as "KE 2026-11", read one by one in the primary key."""
    asked = [f"{key} {detail}" for key in keys for detail in details]
    detail = func.split_part(Tally.key, " ", 2)
    rows = (
        select(detail, func.sum(Tally.count))
        .where(Tally.campaign_id == campaign_id, Tally.dimension == dimension)
        .where(Tally.kind == Kind.PERSON, Tally.key.in_(asked))
        .group_by(detail)
    )
    return {found: int(number) for found, number in db.session.execute(rows)}
