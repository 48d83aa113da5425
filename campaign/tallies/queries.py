"""Reading public counts. Costs the same whether a thousand or millions have pledged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Select, func, select

from campaign.db import db
from campaign.institutions.models import Institution
from campaign.pledges.models import Kind
from campaign.tallies.models import Tally, TallyVersion


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
    found = select(TallyVersion.version).where(TallyVersion.campaign_id == campaign_id)
    return db.session.scalar(found) or 0


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


def counts_of_country(campaign_id: int, code: str) -> Counts:
    """Like ``counts_of``, and how many institutions of the country have people who pledged."""
    lit = (
        select(func.count())
        .join_from(Tally, Institution, Tally.key == Institution.id)
        .where(Tally.campaign_id == campaign_id, Tally.dimension == "institution")
        .where(Tally.kind == Kind.PERSON, Tally.count > 0, Institution.country == code)
    )
    found = counts_of(campaign_id, "country", code)
    return replace(found, organizations=db.session.scalar(lit) or 0)


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


def top_institutions(
    campaign_id: int, *, country: str | None = None, limit: int = 12, offset: int = 0
) -> Sequence[tuple[Institution, int]]:
    """Institutions by the number of their people who pledged."""
    ranked = (
        select(Institution, Tally.count)
        .join(Tally, (Tally.key == Institution.id) & (Tally.dimension == "institution"))
        .where(Tally.campaign_id == campaign_id, Tally.kind == Kind.PERSON, Tally.count > 0)
        .order_by(Tally.count.desc(), Tally.key)
    )
    if country:
        ranked = ranked.where(Institution.country == country)
    return [
        (institution, number)
        for institution, number in db.session.execute(ranked.limit(limit).offset(offset))
    ]


def institutions(
    campaign_id: int, *, limit: int, offset: int = 0
) -> Sequence[tuple[Institution, int, bool]]:
    """Every institution with a pledge, most people first: (institution, people, whether it pledged itself)."""
    persons = func.coalesce(func.sum(Tally.count).filter(Tally.kind == Kind.PERSON), 0)
    itself = func.bool_or(Tally.kind == Kind.INSTITUTION)
    rows = (
        select(Tally.key, persons.label("persons"), itself.label("itself"))
        .where(Tally.campaign_id == campaign_id, Tally.dimension == "institution", Tally.count > 0)
        .group_by(Tally.key)
        .order_by(persons.desc(), Tally.key)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    found = (
        select(Institution, rows.c.persons, rows.c.itself)
        .join(rows, rows.c.key == Institution.id)
        .order_by(rows.c.persons.desc(), rows.c.key)
    )
    return [
        (institution, int(number), itself)
        for institution, number, itself in db.session.execute(found)
    ]


def by_country(campaign_id: int) -> Sequence[tuple[str, int, int]]:
    """Every country with a pledge: (code, people, institutions), most people first."""
    persons = dict(ranking(campaign_id, "country"))
    institutions = dict(ranking(campaign_id, "country", kind=Kind.INSTITUTION))
    rows = [
        (code, persons.get(code, 0), institutions.get(code, 0)) for code in persons | institutions
    ]
    return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))
