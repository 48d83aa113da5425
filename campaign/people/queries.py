"""Reading people and their consents."""

from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, cast, func, literal, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from campaign.db import db
from campaign.people.models import REVERSED_DOMAIN, Consent, Person, Supporter, Suppression
from campaign.people.rules import Address, canonical
from campaign.tokens import Signer


def fingerprint(signer: Signer, address: Address) -> bytes:
    """The keyed hash by which the person of an address is known, 32 bytes."""
    return signer.fingerprint("person", address.canonical)


def letters_key(fingerprint: bytes, mailbox: str) -> bytes:
    """The key under which e-mails to a mailbox are counted and found again, 32 bytes.

    The plain spelling of an address has one of its own. All spellings with a detail after "+" share another: there
    is no end of them.
    """
    return fingerprint if canonical(mailbox) == mailbox else sha256(b"+" + fingerprint).digest()


def lock_number_of(fingerprint: ColumnElement[bytes]) -> ColumnElement[int]:
    """The number of the lock of an address, from the hash of its person (PostgreSQL 18)."""
    return cast(func.substring(fingerprint, 1, 8), BigInteger)


def spellings_locked(fingerprint: bytes) -> Sequence[Person]:
    """Everyone whose address is a spelling of the same one, their rows locked.

    Until the transaction ends, no other one that calls this for the address goes on, even where no row exists yet.
    Whoever calls it does so before any row is locked: then two never wait for each other.
    """
    number = lock_number_of(literal(fingerprint))
    db.session.execute(select(func.pg_advisory_xact_lock(number)))
    spellings = select(Person).where(Person.fingerprint == fingerprint).order_by(Person.id)
    return db.session.scalars(
        spellings.with_for_update(), execution_options={"populate_existing": True}
    ).all()


_mirrored_domain: ColumnElement[str] = literal_column(REVERSED_DOMAIN)


def domain_of_mailbox() -> ColumnElement[str]:
    """The domain of a person's mailbox, as an expression."""
    return func.reverse(_mirrored_domain)


def is_at_domain(domain: str) -> ColumnElement[bool]:
    """The condition that a person's mailbox is at a domain, or at one below it."""
    mirrored = domain[::-1]
    return (_mirrored_domain == mirrored) | _mirrored_domain.startswith(
        f"{mirrored}.", autoescape=True
    )


def first_seen(domains: Collection[str]) -> dict[str, datetime]:
    """When somebody first came with a mailbox at each of these domains exactly, by domain."""
    asked = select(func.unnest(literal(list(domains), ARRAY(Text))).label("domain")).subquery()
    first = select(func.min(Person.created_at)).where(
        func.reverse(asked.c.domain) == _mirrored_domain
    )
    rows = db.session.execute(select(asked.c.domain, first.scalar_subquery()))
    return {domain: seen for domain, seen in rows if seen}


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


def suppressed(fingerprints: Collection[bytes]) -> set[bytes]:
    """Which of these addresses must not be written to; every letter that staff send asks first."""
    theirs = select(Suppression.fingerprint).where(Suppression.fingerprint.in_(fingerprints))
    return set(db.session.scalars(theirs))


def is_supporter(person_id: UUID) -> bool:
    """Whether staff brought a person in, so that they stay without a pledge."""
    theirs = select(Supporter.id).where(Supporter.person_id == person_id)
    return db.session.scalar(theirs) is not None
