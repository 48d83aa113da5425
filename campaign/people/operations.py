"""Changing people and their consents."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from campaign import audit
from campaign.audit import Actor
from campaign.db import db
from campaign.mail import outbox
from campaign.people.import_rules import Problem
from campaign.people.models import Consent, ImportRow, Outcome, Person, Suppression
from campaign.people.queries import fingerprint, letters_key
from campaign.people.rules import Address
from campaign.tokens import Signer

# Raise it whenever a consent question in templates/pledge/form.html is worded anew, in any language.
WORDING_VERSION = 1
# Of an answer that staff brought in: its source says where the question stood.
NOT_OUR_WORDING = 0


def find_or_add(signer: Signer, address: Address, locale: str) -> Person:
    """The person of this address, added where unknown, their row locked: two tabs are taken one after the other."""
    upsert = (
        insert(Person)
        .values(
            fingerprint=fingerprint(signer, address),
            mailbox=address.mailbox,
            address=address.original,
            locale=locale,
        )
        .on_conflict_do_update(
            index_elements=[Person.fingerprint, Person.mailbox], set_={"mailbox": Person.mailbox}
        )
        .returning(Person)
    )
    return db.session.scalars(upsert, execution_options={"populate_existing": True}).one()


def record_consent(
    person_id: UUID, purpose: str, granted: bool, locale: str, given_at: datetime
) -> None:
    """Add an answer: yes or no to one purpose, in the wording of today and the language it was asked in."""
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


def note_no(person: Person, source: str, locale: str, now: datetime, actor: Actor) -> None:
    """Record that a person told staff, by whatever way ``source`` says, that they want no newsletter."""
    db.session.add(
        Consent(
            person_id=person.id,
            purpose="newsletter",
            granted=False,
            wording_version=NOT_OUR_WORDING,
            locale=locale,
            given_at=now,
            source=source,
        )
    )
    details = {"after": {"newsletter": False}}
    audit.record(actor, "newsletter ended", f"person:{person.id}", details)
    db.session.flush()


def erase(person: Person) -> None:
    """Remove the person, also as a supporter, with consents and unsent e-mails. Their pledges must be gone first.

    That their address is suppressed stays: it has no name, and keeps them from being written to again.
    """
    keys = {person.fingerprint, letters_key(person.fingerprint, person.mailbox)}
    outbox.forget(keys, person.address)
    _forget_rows(person.fingerprint)
    db.session.delete(person)
    db.session.flush()


def _forget_rows(fingerprint: bytes) -> None:
    """Clear the rows of uploaded files that are about a person; they still count as rows."""
    rows = update(ImportRow).where(ImportRow.fingerprint == fingerprint)
    why = {"outcome": Outcome.REFUSED, "problem": Problem.ERASED}
    db.session.execute(rows.values(cells=[], detail=None, **why))


def suppress(fingerprint: bytes, reason: str, actor: Actor) -> None:
    """Never write to an address of our own accord any more. Mail that its owner's own acts cause still goes out."""
    values = {"actor_kind": actor.kind, "actor_id": actor.id, "reason": reason}
    row = insert(Suppression).values(fingerprint=fingerprint, **values)
    db.session.execute(row.on_conflict_do_nothing(index_elements=["fingerprint"]))
    audit.record(actor, "address suppressed", _subject(fingerprint), {})


def release(fingerprint: bytes, actor: Actor) -> None:
    """Allow to write to an address again."""
    theirs = delete(Suppression).where(Suppression.fingerprint == fingerprint)
    if db.session.scalar(theirs.returning(Suppression.fingerprint)) is not None:
        audit.record(actor, "address released", _subject(fingerprint), {})


def _subject(fingerprint: bytes) -> str:
    return f"address:{fingerprint.hex()[:16]}"
