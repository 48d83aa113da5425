"""Changing people and their consents."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from campaign.db import db
from campaign.mail import outbox
from campaign.people.models import Consent, Person
from campaign.people.rules import Address
from campaign.tokens import Signer

# Raised whenever a consent question is worded anew in templates/pledge/form.html, in any language.
WORDING_VERSION = 1


def fingerprint(signer: Signer, address: Address) -> bytes:
    return signer.fingerprint("person", address.canonical)


def find(signer: Signer, address: Address) -> Person | None:
    """The person of this address, its row locked: letters asked for at once are counted one after the other."""
    known = select(Person).where(Person.fingerprint == fingerprint(signer, address))
    return db.session.scalar(known.with_for_update())


def find_or_add(signer: Signer, address: Address, locale: str) -> Person:
    """The person of this address, its row locked: what two tabs send at once is taken one after the other."""
    upsert = (
        insert(Person)
        .values(fingerprint=fingerprint(signer, address), address=address.original, locale=locale)
        .on_conflict_do_update(
            index_elements=[Person.fingerprint], set_={"fingerprint": Person.fingerprint}
        )
        .returning(Person)
    )
    return db.session.scalars(upsert, execution_options={"populate_existing": True}).one()


def record_consent(
    person_id: UUID, purpose: str, granted: bool, locale: str, given_at: datetime
) -> None:
    db.session.add(
        Consent(
            person_id=person_id,
            purpose=purpose,
            granted=granted,
            wording_version=WORDING_VERSION,
            locale=locale,
            given_at=given_at,
        )
    )


def has_consented(person_id: UUID, purpose: str) -> bool:
    """Whether the newest answer for this purpose was yes."""
    newest = select(Consent.granted).where(
        Consent.person_id == person_id, Consent.purpose == purpose
    )
    return bool(db.session.scalar(newest.order_by(Consent.id.desc()).limit(1)))


def consents(person_id: UUID) -> Sequence[Consent]:
    """All answers a person ever gave, oldest first."""
    return db.session.scalars(
        select(Consent).where(Consent.person_id == person_id).order_by(Consent.id)
    ).all()


def erase(person: Person) -> None:
    """Remove the person; consents and unsent letters go with them. Their pledges must be gone first."""
    outbox.forget(person.fingerprint)
    db.session.delete(person)
    db.session.flush()
