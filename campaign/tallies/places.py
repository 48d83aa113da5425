"""Read the counts of one place (country, region, institution), at a cost that does not grow with pledges."""

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
    """The rank of a place by the number of its people who pledged, among the places that have any.

    Equal numbers share a rank (1, 2, 2, 4); ``is_shared`` says that another place has the same.
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
    """Return the rank of a key among all, by their counts; None if its count is zero."""
    if not (own := counts.get(key)):
        return None
    return Standing(
        rank=1 + sum(count > own for count in counts.values()),
        among=sum(count > 0 for count in counts.values()),
        is_shared=sum(count == own for count in counts.values()) > 1,
    )


def standing_at_home(campaign_id: int, institution: Institution, people: int) -> Standing | None:
    """Return the rank that so many people give an institution in its country; None if there are none."""
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
    """Count the institutions of these countries whose people have pledged."""
    number = _institutions(campaign_id, Kind.PERSON, countries).with_only_columns(func.count())
    return db.session.scalar(number) or 0


def institutions(
    campaign_id: int, countries: Keys | None, *, limit: int, offset: int = 0
) -> Sequence[InstitutionCounts]:
    """Return institutions of these countries (of all if None) that have a pledge, most people first.

    Pages are read by offset, since a country has ten thousand institutions at most.
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
    """Return the pledges of those of these institutions that have any, by ROR id."""
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
    """Select the nonzero tallies of institutions of these countries (of all if None).

    Callers choose their own columns.
    """
    rows = select(Tally.key).where(
        Tally.campaign_id == campaign_id, Tally.dimension == "institution", Tally.count > 0
    )
    if countries is not None:
        at_home = Institution.country.in_(countries)
        rows = rows.join(Institution, Tally.key == Institution.id).where(at_home)
    return rows.where(Tally.kind == kind) if kind else rows
