"""Tables of people and their consents."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.db import Model, uuid_key

# The domain of a mailbox from its last letter to its first, so that an index finds those below it, too.
REVERSED_DOMAIN = "reverse(split_part(mailbox, '@', 2))"


class Person(Model):
    """The person behind an address; the only lasting place of the address itself.

    Until one of them confirms a pledge, each spelling of an address ("ada@", "ada+x@") is a person of its own,
    since a stranger may have typed any of them. The first to confirm stays, and the others are removed.
    """

    __tablename__ = "people"
    __table_args__ = (
        Index("uq_people_mailbox", "fingerprint", "mailbox", unique=True),
        # See ``queries.is_at_domain``.
        Index(
            "ix_people_domain",
            text(REVERSED_DOMAIN),
            "created_at",
            postgresql_ops={REVERSED_DOMAIN: "text_pattern_ops"},
        ),
    )

    id: Mapped[UUID] = uuid_key()
    # Keyed hash of the canonical address: what makes one person one person.
    fingerprint: Mapped[bytes]
    # As it was typed first.
    address: Mapped[str]
    # The same for all spellings that certainly reach the same reader; see ``rules.Address``.
    mailbox: Mapped[str]
    locale: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Consent(Model):
    """One answer to one question, with its wording of then; the newest for a purpose counts."""

    __tablename__ = "consents"
    __table_args__ = (Index(None, "person_id", "purpose", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id, ondelete="CASCADE"))
    purpose: Mapped[str]
    granted: Mapped[bool]
    wording_version: Mapped[int]
    locale: Mapped[str]
    given_at: Mapped[datetime] = mapped_column(server_default=func.now())
