"""What is held about a person, for the person and for staff: found by whole address or by name, shown, exported.

Staff see people who have a pledge or a supporter's row within their scope, and of these only the rows within.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.orm import joinedload

from campaign import audit
from campaign.audit import Actor
from campaign.db import Model, db
from campaign.institutions.folding import fold
from campaign.mail.models import OutgoingEmail
from campaign.people import operations as people
from campaign.people import queries as people_queries
from campaign.people.models import Consent, Person, Supporter, Suppression
from campaign.people.queries import fingerprint, letters_key
from campaign.people.rules import Address
from campaign.pledges import operations, queries
from campaign.pledges.models import Pledge
from campaign.staff.scopes import OutOfScope, Scope
from campaign.tokens import Signer

MOST_FOUND = 50
_EMAILS_SHOWN = 50


class Found(NamedTuple):
    """A person under one of the names we have for them."""

    person_id: UUID
    name: str
    country: str | None
    institution: str | None
    # The status of a pledge; None for a supporter.
    status: str | None
    since: datetime


@dataclass(frozen=True)
class Held:
    """All that is held about a person."""

    person: Person
    pledges: Sequence[Pledge]
    supporter: Supporter | None
    consents: Sequence[Consent]
    emails: Sequence[OutgoingEmail]
    suppression: Suppression | None


def by_address(signer: Signer, scope: Scope, address: Address) -> Sequence[Person]:
    """The people of an address, one for each spelling. Addresses are compared whole."""
    theirs = select(Person).where(Person.fingerprint == fingerprint(signer, address))
    return db.session.scalars(theirs.where(_is_within(scope)).order_by(Person.id)).all()


def by_name(scope: Scope, name: str, limit: int = MOST_FOUND) -> list[Found]:
    """People with a pledge or a supporter's row under a name that contains this, the newest first."""
    folded = fold(name)
    if not folded:
        return []
    found = [*_pledging(scope, folded, limit), *_supporting(scope, folded, limit)]
    return sorted(found, key=lambda it: it.since, reverse=True)[:limit]


def _pledging(scope: Scope, folded: str, limit: int) -> list[Found]:
    pledges = (
        select(Pledge)
        .options(joinedload(Pledge.institution))
        .where(queries.is_called(Pledge.name_folded, folded), Pledge.within(scope))
        .order_by(Pledge.id.desc())
        .limit(limit)
    )
    return [
        Found(it.person_id, it.name, it.country, _institution(it), it.status, it.submitted_at)
        for it in db.session.scalars(pledges)
    ]


def _institution(pledge: Pledge) -> str | None:
    return pledge.institution.name if pledge.institution else pledge.institution_text


def _supporting(scope: Scope, folded: str, limit: int) -> list[Found]:
    supporters = (
        select(Supporter)
        .where(queries.is_called(Supporter.name_folded, folded), Supporter.within(scope))
        .order_by(Supporter.id.desc())
        .limit(limit)
    )
    return [
        Found(it.person_id, it.name or "", it.country, it.institution_text, None, it.imported_at)
        for it in db.session.scalars(supporters)
    ]


def _is_within(scope: Scope) -> ColumnElement[bool]:
    """The condition that a person has a row within the scope."""
    if scope.is_everything:
        return true()
    return or_(
        exists().where(Pledge.person_id == Person.id, Pledge.within(scope)),
        exists().where(Supporter.person_id == Person.id, Supporter.within(scope)),
    )


def person_within(scope: Scope, person_id: UUID) -> Person:
    """The person with this id. Raises OutOfScope, also where there is none."""
    person = db.session.scalar(select(Person).where(Person.id == person_id, _is_within(scope)))
    if person is None:
        raise OutOfScope
    return person


def held(scope: Scope, person_id: UUID) -> Held:
    """All that is held about a person, as far as the scope covers it. Raises OutOfScope."""
    person = person_within(scope, person_id)
    keys = {person.fingerprint, letters_key(person.fingerprint, person.mailbox)}
    emails = select(OutgoingEmail).where(OutgoingEmail.recipient_hash.in_(keys))
    pledges = select(Pledge).where(Pledge.person_id == person.id, Pledge.within(scope))
    supporter = select(Supporter).where(Supporter.person_id == person.id, Supporter.within(scope))
    return Held(
        person=person,
        pledges=db.session.scalars(pledges.order_by(Pledge.submitted_at.desc())).all(),
        supporter=db.session.scalar(supporter),
        consents=people_queries.consents(person.id),
        emails=db.session.scalars(
            emails.order_by(OutgoingEmail.queued_at.desc()).limit(_EMAILS_SHOWN)
        ).all(),
        suppression=db.session.get(Suppression, person.fingerprint),
    )


def pledge_within(scope: Scope, pledge_id: UUID) -> Pledge:
    """The pledge with this id. Raises OutOfScope, also where there is none."""
    return _within(scope, queries.get(pledge_id))


def locked_within(scope: Scope, pledge_id: UUID) -> Pledge:
    """The same, its row locked and read anew. Raises OutOfScope."""
    return _within(scope, queries.get_locked(pledge_id))


def _within(scope: Scope, pledge: Pledge | None) -> Pledge:
    if pledge is None or not pledge.is_within(scope):
        raise OutOfScope
    return pledge


def erase(scope: Scope, person_id: UUID, actor: Actor) -> None:
    """Remove all that is known of a person. Raises OutOfScope for those who see only a part of it."""
    if not scope.is_everything:
        raise OutOfScope
    operations.erase_person(person_within(scope, person_id), actor)


def note_no(
    scope: Scope, person_id: UUID, source: str, locale: str, now: datetime, actor: Actor
) -> None:
    """Record that a person wants no newsletter, and how they said so. Raises OutOfScope."""
    people.note_no(person_within(scope, person_id), source, locale, now, actor)


def suppress(scope: Scope, person_id: UUID, reason: str, actor: Actor) -> None:
    """Never write to a person of our own accord any more. Raises OutOfScope."""
    people.suppress(person_within(scope, person_id).fingerprint, reason, actor)


def correct_supporter(
    scope: Scope,
    person_id: UUID,
    name: str | None,
    country: str | None,
    institution: str | None,
    actor: Actor,
) -> None:
    """Replace what a supporter's row says. Raises OutOfScope, also for a country outside."""
    supporter = db.session.scalar(
        select(Supporter).where(Supporter.person_id == person_id, Supporter.within(scope))
    )
    if supporter is None or not scope.covers(country, supporter.institution_id):
        raise OutOfScope
    details = {"before": {"country": supporter.country}, "after": {"country": country}}
    supporter.name, supporter.country, supporter.institution_text = name, country, institution
    supporter.name_folded = fold(name) if name else None
    audit.record(actor, "supporter corrected", f"person:{person_id}", details)
    db.session.flush()


def everything_about(scope: Scope, person: Person) -> dict[str, Any]:
    """All that is held about a person, to hand out as JSON (GDPR, articles 15 and 20)."""
    of_person = held(scope, person.id)
    return {
        "address": person.address,
        "language": person.locale,
        "since": person.created_at.isoformat(),
        "consents": [_columns_of(consent) for consent in of_person.consents],
        "pledges": [_with_trail(pledge) for pledge in of_person.pledges],
        "supporter": _columns_of(of_person.supporter) if of_person.supporter else None,
    }


def note_export(person_id: UUID, actor: Actor) -> None:
    """Record that staff took away all that is held about a person."""
    audit.record(actor, "person exported", f"person:{person_id}", {})


def _with_trail(pledge: Pledge) -> dict[str, Any]:
    trail = [_columns_of(event) | {"actor": str(event.actor)} for event in queries.trail(pledge.id)]
    return {**_columns_of(pledge), "text": pledge.text.pledge_for(pledge.kind), "trail": trail}


# Columns that an export leaves out, since they mean something to this program only.
_INTERNAL = {
    "fingerprint",
    "network_hash",
    "name_folded",
    "code_attempts",
    "submission",
    "is_demo",
    "actor_kind",
    "actor_id",
    "audit_id",
    "import_id",
    "added_person",
}


def _columns_of(row: Model) -> dict[str, object]:
    """The columns of a row by their names, moments in ISO 8601."""
    columns = [column.key for column in row.__table__.columns if column.key not in _INTERNAL]
    return {
        name: value.isoformat() if hasattr(value := getattr(row, name), "isoformat") else value
        for name in columns
    }
