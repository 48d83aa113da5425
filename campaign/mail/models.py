"""The table of e-mails to send."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from campaign.db import Model
from campaign.deliveries import Delivery, queue_indexes


class OutgoingEmail(Delivery):
    """One e-mail to one person.

    Once it is sent, address and facts are cleared: the keyed hash is enough to limit how many an address gets.
    """

    __tablename__ = "outgoing_emails"
    __table_args__ = (
        *queue_indexes(__tablename__),
        Index("ix_outgoing_emails_recipient", "recipient_hash", "queued_at"),
    )

    # The folder in templates/mail/ that it is written from.
    template: Mapped[str]
    locale: Mapped[str]
    recipient: Mapped[str | None]
    recipient_hash: Mapped[bytes]
    # The network that caused it, until its turns are booked: see ``pacing``. None for what is not paced.
    network_hash: Mapped[bytes | None]
    # What the template may use.
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class Turn(Model):
    """When the next e-mail that a network causes may leave; the row with an empty key is for all together."""

    __tablename__ = "email_turns"

    network_hash: Mapped[bytes] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
