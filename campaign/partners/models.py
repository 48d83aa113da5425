"""Tables of what staff agreed with partners, and of what partners send and are sent."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from campaign.audit import Actor, AuditEvent, actor_columns, actor_constraint
from campaign.campaigns.models import Campaign
from campaign.db import Model, uuid_key
from campaign.institutions.models import Institution


class PartnerHost(Model):
    """An origin (RFC 6454) whose pages may show an institution's form in a frame."""

    __tablename__ = "partner_hosts"

    institution_id: Mapped[str] = mapped_column(ForeignKey(Institution.id), primary_key=True)
    origin: Mapped[str] = mapped_column(primary_key=True)
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ApiKey(Model):
    """A partner's key to the write API. Only its keyed hash is kept; ``prefix`` tells people which one it is."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("quota > 0", name="quota_positive"),
        # Pledges are counted by the name of the key, so a new key may take up the name of a revoked one.
        Index(
            "uq_api_keys_name_in_force",
            "name",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    # Whom it may pledge for: this institution only, or anybody.
    institution_id: Mapped[str | None] = mapped_column(ForeignKey(Institution.id))
    # Pledges a day (UTC).
    quota: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]
    last_used_on: Mapped[date | None]


class ApiKeyUse(Model):
    """How much of its quota a key has used on one day."""

    __tablename__ = "api_key_uses"

    key_id: Mapped[int] = mapped_column(ForeignKey(ApiKey.id), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    requests: Mapped[int]


class ApiRequest(Model):
    """What was answered to a request with an Idempotency-Key, so that it can be answered again."""

    __tablename__ = "api_requests"
    __table_args__ = (Index(None, "answered_at"),)

    key_id: Mapped[int] = mapped_column(ForeignKey(ApiKey.id), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    # Keyed: the body holds somebody's name and address.
    body_digest: Mapped[bytes]
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    answered_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ApiStop(Model):
    """A time in which the write API takes nothing; it lasts while ``ended_at`` is open."""

    __tablename__ = "api_stops"
    __table_args__ = (
        Index(
            "uq_api_stops_one_at_a_time",
            text("(ended_at IS NULL)"),
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    reason: Mapped[str]
    began_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]


class Webhook(Model):
    """An address that wants to be told. Its secret is derived from the id, so none is stored."""

    __tablename__ = "webhooks"

    id: Mapped[UUID] = uuid_key()
    url: Mapped[str]
    # Whose counts it is told: this institution's, or those of whole campaigns.
    institution_id: Mapped[str | None] = mapped_column(ForeignKey(Institution.id))
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_taken_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class WebhookMilestone(Model):
    """A milestone that a webhook was told of, or that was passed before it was added. Kept for good:
    a count that falls and rises again announces nothing twice.
    """

    __tablename__ = "webhook_milestones"

    webhook_id: Mapped[UUID] = mapped_column(
        ForeignKey(Webhook.id, ondelete="CASCADE"), primary_key=True
    )
    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    milestone: Mapped[int] = mapped_column(primary_key=True)
    reached_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WebhookDelivery(Model):
    """One message to one webhook. The row is the truth; a message to the worker only wakes it."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        # What it is about: queued twice, it is one message.
        UniqueConstraint("webhook_id", "subject"),
        Index(
            "ix_webhook_deliveries_due",
            "due_at",
            postgresql_where=text("sent_at IS NULL AND failed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = uuid_key()
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey(Webhook.id, ondelete="CASCADE"))
    subject: Mapped[str]
    message: Mapped[dict[str, Any]] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # When it may be tried (again); a claim moves it into the future, so a killed worker's messages come back.
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    error: Mapped[str | None]

    webhook: Mapped[Webhook] = relationship()


class PartnerEvent(Model):
    """The trail of what staff, or the system, did to hosts, keys, webhooks and the write API as a whole."""

    __tablename__ = "partner_events"
    __table_args__ = (actor_constraint(),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    actor: Mapped[Actor] = actor_columns()
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    happened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # The line of the audit log, for acts of staff.
    audit_id: Mapped[int | None] = mapped_column(ForeignKey(AuditEvent.id))

    audit: Mapped[AuditEvent | None] = relationship()
