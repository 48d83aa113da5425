"""Changing people and their consents."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from campaign.db import db
from campaign.mail import outbox
from campaign.people.models import Consent, Person
from campaign.people.queries import fingerprint, letters_key
from campaign.people.rules import Address
from campaign.tokens import Signer

# Raise it whenever a consent question in templates/pledge/form.html is worded anew, in any language.
WORDING_VERSION = 1


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


def erase(person: Person) -> None:
    """Remove the person with their consents and unsent e-mails. Their pledges must be gone first."""
    keys = {person.fingerprint, letters_key(person.fingerprint, person.mailbox)}
    outbox.forget(keys, person.address)
    db.session.delete(person)
    db.session.flush()
