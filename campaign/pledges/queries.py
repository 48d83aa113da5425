"""Reading pledges: the public ones for pages, all of them for their own person and for staff."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, contains_eager, joinedload

from campaign.db import db
from campaign.institutions.folding import fold, is_unspaced
from campaign.institutions.models import Institution
from campaign.people.models import Person
from campaign.pledges.models import Kind, Pledge, PledgeEvent, PledgeNote, Status
from campaign.staff.scopes import EVERYTHING, Scope

PAGE_SIZE = 50
# People who stand first in the public lists of a campaign; fewer than a page.
MAX_PINS = 6
CURSOR_LIFETIME = timedelta(days=7)


@dataclass(frozen=True)
class Signatory:
    """What the public sees of a person who chose to be listed, and nothing else."""

    id: UUID
    name: str
    role: str | None
    institution: Institution | None
    institution_text: str | None
    country: str
    words: str | None
    locale: str
    confirmed_at: datetime


def signatories(
    campaign_id: int,
    *,
    country: str | None = None,
    countries: Collection[str] = (),
    institution_id: str | None = None,
    name: str = "",
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE_SIZE,
) -> list[Signatory]:
    """Listed people, newest first, up to ``limit``.

    ``before`` is (confirmed_at, id) of the last one on the page before (keyset paging). ``countries`` are those of
    a region. ``name`` matches any part of a name.
    """
    newest = (Pledge.confirmed_at.desc(), Pledge.id.desc())
    listed = _listed(campaign_id).order_by(*newest).limit(limit)
    if country:
        listed = listed.where(Pledge.country == country)
    if institution_id:
        listed = listed.where(Pledge.institution_id == institution_id)
    if name and not (folded := fold(name)):
        return []  # nobody is called "%"
    if name:
        listed = listed.where(is_called(Pledge.name_folded, folded))
    if before:
        listed = listed.where(_before(before))
    if countries and name:
        listed = listed.where(Pledge.country.in_(countries))
    elif countries:
        listed = listed.where(Pledge.id.in_(_newest_of(campaign_id, countries, before, limit)))
    return [_signatory(pledge) for pledge in db.session.scalars(listed)]


def pinned_first(
    campaign_id: int,
    *,
    country: str | None = None,
    countries: Collection[str] = (),
    institution_id: str | None = None,
    name: str = "",
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE_SIZE,
) -> list[Signatory]:
    """``signatories`` of a place, those whom staff pinned before the others unless a name is asked for.

    Pages follow each other where the limit is more than MAX_PINS.
    """
    place = (country, countries, institution_id)
    pins = [] if name else pinned(campaign_id, *place)
    newest = signatories(
        campaign_id,
        country=country,
        countries=countries,
        institution_id=institution_id,
        name=name,
        before=before,
        limit=limit + len(pins),
    )
    ids = {pledge.id for pledge in pins}
    first = [] if before else [_signatory(pledge) for pledge in pins]
    return [*first, *(person for person in newest if person.id not in ids)][:limit]


def pinned(
    campaign_id: int,
    country: str | None = None,
    countries: Collection[str] = (),
    institution_id: str | None = None,
) -> Sequence[Pledge]:
    """Listed people of a place whom staff pinned, in their order."""
    pins = _listed(campaign_id).where(Pledge.pin.is_not(None)).order_by(Pledge.pin, Pledge.id)
    if country or countries:
        pins = pins.where(Pledge.country.in_([country] if country else countries))
    if institution_id:
        pins = pins.where(Pledge.institution_id == institution_id)
    return db.session.scalars(pins).all()


def is_called(column: InstrumentedAttribute[Any], folded: str) -> ColumnElement[bool]:
    """The condition that a folded name contains a folded text.

    One or two letters match where a word begins: only there does the index of trigrams have them. Scripts without
    spaces have no such beginnings, and two characters may be all of a given name.
    """
    if len(folded) > 2 or is_unspaced(folded):
        return column.contains(folded, autoescape=True)
    begins = column.startswith(folded, autoescape=True)
    return begins | column.contains(f" {folded}", autoescape=True)


def _before(cursor: tuple[datetime, UUID]) -> ColumnElement[bool]:
    return tuple_(Pledge.confirmed_at, Pledge.id) < cursor


def _newest_of(
    campaign_id: int,
    countries: Collection[str],
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[UUID]:
    """Ids of the newest of some countries, from a page of each: fast where few have pledged and where many have.

    Each country is named in a query of its own, so that the planner knows for each which index finds its page.
    """
    newest = (
        _listed(campaign_id)
        .with_only_columns(Pledge.id, Pledge.confirmed_at)
        .order_by(Pledge.confirmed_at.desc(), Pledge.id.desc())
        .limit(limit)
    )
    if before:
        newest = newest.where(_before(before))
    pages = (newest.where(Pledge.country == country).subquery() for country in countries)
    page = union_all(*(select(page) for page in pages)).subquery()
    ids = select(page.c.id).order_by(page.c.confirmed_at.desc(), page.c.id.desc()).limit(limit)
    return db.session.scalars(ids).all()


def _listed(campaign_id: int) -> Select[Pledge]:
    return (
        select(Pledge)
        .options(joinedload(Pledge.institution))
        .where(Pledge.campaign_id == campaign_id, Pledge.kind == Kind.PERSON)
        .where(Pledge.status == Status.CONFIRMED, Pledge.listed)
    )


def _signatory(pledge: Pledge) -> Signatory:
    assert pledge.confirmed_at is not None, "only confirmed pledges are listed"
    return Signatory(
        id=pledge.id,
        name=pledge.name,
        role=pledge.role,
        institution=pledge.institution,
        institution_text=pledge.institution_text,
        country=pledge.country,
        words=pledge.public_words,
        locale=pledge.locale,
        confirmed_at=pledge.confirmed_at,
    )


def official_pledge(campaign_id: int, institution_id: str) -> Pledge | None:
    """The confirmed pledge that an institution's representative made for it."""
    return db.session.scalar(
        select(Pledge).where(
            Pledge.campaign_id == campaign_id,
            Pledge.institution_id == institution_id,
            Pledge.kind == Kind.INSTITUTION,
            Pledge.status == Status.CONFIRMED,
        )
    )


def official_pledges(
    campaign_id: int,
    *,
    country: str | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE_SIZE,
) -> Sequence[Pledge]:
    """Confirmed pledges of institutions, newest first, paged as ``signatories``."""
    official = (
        select(Pledge)
        .join(Pledge.institution)
        .options(contains_eager(Pledge.institution))
        .where(Pledge.campaign_id == campaign_id, Pledge.kind == Kind.INSTITUTION)
        .where(Pledge.status == Status.CONFIRMED)
        .order_by(Pledge.confirmed_at.desc(), Pledge.id.desc())
        .limit(limit)
    )
    if country:
        official = official.where(Institution.country == country)
    if before:
        official = official.where(tuple_(Pledge.confirmed_at, Pledge.id) < before)
    return db.session.scalars(official).all()


def get(pledge_id: UUID) -> Pledge | None:
    """The pledge with this id, whatever its status."""
    return db.session.get(Pledge, pledge_id)


def locked(*, skip: bool = False) -> Select[Pledge]:
    """A query for pledges to change: locks them and their people until the transaction ends.

    A second click waits for the first; with ``skip`` it passes by. The person's row is locked before the pledge's,
    as by a form that comes in: in another order, two transactions could wait for each other.
    """
    return (
        select(Pledge)
        .join(Pledge.person)
        .options(contains_eager(Pledge.person))
        .with_for_update(of=[Person, Pledge], skip_locked=skip)
        .execution_options(populate_existing=True)
    )


def get_locked(pledge_id: UUID) -> Pledge | None:
    """The same, its row locked and read anew."""
    return db.session.scalar(locked().where(Pledge.id == pledge_id))


def owner_of(spellings: Sequence[Person]) -> Person | None:
    """The one of these people who has confirmed a pledge, whatever became of it."""
    theirs = Pledge.person_id.in_([person.id for person in spellings])
    confirmed = select(Pledge.person_id).where(theirs, Pledge.confirmed_at.is_not(None)).limit(1)
    owner_id = db.session.scalar(confirmed) if spellings else None
    return next((person for person in spellings if person.id == owner_id), None)


def of_person(person_id: UUID) -> Sequence[Pledge]:
    """All pledges of a person, whatever their status, the latest submitted first."""
    pledges = (
        select(Pledge).where(Pledge.person_id == person_id).order_by(Pledge.submitted_at.desc())
    )
    return db.session.scalars(pledges).all()


def some_locked(ids: Collection[UUID], scope: Scope) -> Sequence[Pledge]:
    """Those of some pledges that are inside a scope, locked, in an order that is the same for everyone."""
    some = locked().where(Pledge.id.in_(ids), Pledge.within(scope))
    return db.session.scalars(some.order_by(Person.id, Pledge.id)).all()


def version_of(pledge_id: UUID) -> int:
    """The number of the newest event of a pledge: another one whenever it is another pledge than was read."""
    return versions_of([pledge_id])[pledge_id]


def versions_of(ids: Collection[UUID]) -> dict[UUID, int]:
    """The versions of some pledges by id, 0 where nothing ever happened; see ``version_of``."""
    newest = select(PledgeEvent.pledge_id, func.max(PledgeEvent.id))
    of_these = newest.where(PledgeEvent.pledge_id.in_(ids)).group_by(PledgeEvent.pledge_id)
    return dict.fromkeys(ids, 0) | dict(db.session.execute(of_these).all())


def newest_event(pledge_id: UUID) -> PledgeEvent | None:
    """The last thing that happened to a pledge."""
    events = select(PledgeEvent).where(PledgeEvent.pledge_id == pledge_id)
    return db.session.scalar(events.order_by(PledgeEvent.id.desc()).limit(1))


def trail(pledge_id: UUID) -> Sequence[PledgeEvent]:
    """What happened to a pledge, oldest first."""
    events = select(PledgeEvent).where(PledgeEvent.pledge_id == pledge_id).order_by(PledgeEvent.id)
    return db.session.scalars(events).all()


def notes(pledge_id: UUID) -> Sequence[PledgeNote]:
    """What staff wrote about a pledge, oldest first."""
    written = select(PledgeNote).where(PledgeNote.pledge_id == pledge_id)
    return db.session.scalars(written.order_by(PledgeNote.id)).all()


class UnlistedInstitution(NamedTuple):
    """An institution that is not in the registry, in the words of people from one country."""

    text: str
    country: str
    pledges: int


def not_listed(
    scope: Scope = EVERYTHING, after: UnlistedInstitution | None = None, limit: int = 100
) -> list[UnlistedInstitution]:
    """Institutions that are not in the registry, those with the most confirmed pledges first.

    ``after`` is the last one on the page before (keyset paging).
    """
    number = func.count()
    texts = (
        select(Pledge.institution_text, Pledge.country, number)
        .where(Pledge.institution_text.is_not(None), Pledge.institution_id.is_(None))
        .where(Pledge.status == Status.CONFIRMED, Pledge.within(scope))
        .group_by(Pledge.institution_text, Pledge.country)
        .order_by(number.desc(), Pledge.institution_text, Pledge.country)
        .limit(limit)
    )
    if after:
        key = (-after.pledges, after.text, after.country)
        texts = texts.having(tuple_(-number, Pledge.institution_text, Pledge.country) > key)
    return [
        UnlistedInstitution(str(text), country, count)
        for text, country, count in db.session.execute(texts)
    ]


def with_institution_text(text: str, country: str) -> Sequence[Pledge]:
    """Pledges of one country that wrote the same free text for their institution, locked."""
    return db.session.scalars(locked().where(_wrote(text, country))).all()


def number_with_institution_text(text: str, country: str) -> int:
    """How many pledges that is."""
    same = select(func.count()).select_from(Pledge).where(_wrote(text, country))
    return db.session.scalar(same) or 0


def _wrote(text: str, country: str) -> ColumnElement[bool]:
    return (
        (Pledge.institution_text == text)
        & (Pledge.country == country)
        & Pledge.institution_id.is_(None)
    )


def has_demo() -> bool:
    """Whether there are invented pledges, of which the site must warn."""
    return db.session.scalar(select(Pledge.id).where(Pledge.is_demo).limit(1)) is not None
