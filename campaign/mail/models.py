"""The table of e-mails to send."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

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
    # What the template may use.
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
