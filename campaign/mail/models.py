"""The outbox."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from campaign.db import Model, uuid_key


class Letter(Model):
    """One letter to one person. The row is the truth; a message to the worker only wakes it.

    Once sent, address and facts are cleared: the keyed hash is enough to limit how many an address gets.
    """

    __tablename__ = "letters"
    __table_args__ = (
        Index(
            "ix_letters_due",
            "due_at",
            postgresql_where=text("sent_at IS NULL AND failed_at IS NULL"),
        ),
        Index("ix_letters_recipient", "recipient_hash", "queued_at"),
    )

    id: Mapped[UUID] = uuid_key()
    template: Mapped[str]
    locale: Mapped[str]
    recipient: Mapped[str | None]
    recipient_hash: Mapped[bytes]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # When it may be tried (again); a claim moves it into the future, so a killed worker's letters come back.
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    error: Mapped[str | None]
