"""Reading people and their consents."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from campaign.db import db
from campaign.people.models import Consent, Person
from campaign.people.rules import Address
from campaign.tokens import Signer


def fingerprint(signer: Signer, address: Address) -> bytes:
    """The keyed hash by which the person of an address is known, 32 bytes."""
    return signer.fingerprint("person", address.canonical)


def find_locked(signer: Signer, address: Address) -> Person | None:
    """The person of this address, their row locked: e-mails asked for at once are counted one after the other."""
    known = select(Person).where(Person.fingerprint == fingerprint(signer, address))
    return db.session.scalar(known.with_for_update())


def has_consented(person_id: UUID, purpose: str) -> bool:
    """Whether the newest answer for this purpose was yes."""
    newest = select(Consent.granted).where(
        Consent.person_id == person_id, Consent.purpose == purpose
    )
    return bool(db.session.scalar(newest.order_by(Consent.id.desc()).limit(1)))


def consents(person_id: UUID) -> Sequence[Consent]:
    """All answers that a person ever gave, oldest first."""
    return db.session.scalars(
        select(Consent).where(Consent.person_id == person_id).order_by(Consent.id)
    ).all()
