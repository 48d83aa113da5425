"""Tables of what partners may do, what they sent, and what is sent to them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from campaign.audit import Actor, AuditEvent, actor_columns, actor_constraint
from campaign.campaigns.models import Campaign
from campaign.db import Model, uuid_key
from campaign.deliveries import Delivery, queue_indexes
from campaign.institutions.models import Institution


class EmbedOrigin(Model):
    """An origin (RFC 6454) whose pages may show an institution's form in a frame."""

    __tablename__ = "embed_origins"

    institution_id: Mapped[str] = mapped_column(ForeignKey(Institution.id), primary_key=True)
    origin: Mapped[str] = mapped_column(primary_key=True)
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ApiKey(Model):
    """A partner's key to the write API. Only its keyed hash is kept; people recognise it by its ``prefix``."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("quota > 0", name="quota_positive"),
        # Pledges are counted by the name of the key, so a new key may reuse the name of a revoked one.
        Index(
            "uq_api_keys_active_name",
            "name",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    # It may hand in pledges for this institution only; without one, for any.
    institution_id: Mapped[str | None] = mapped_column(ForeignKey(Institution.id))
    # Pledges a day (UTC).
    quota: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]
    last_used_on: Mapped[date | None]


class ApiKeyUse(Model):
    """The number of requests that a key has made on one day (UTC)."""

    __tablename__ = "api_key_uses"

    key_id: Mapped[int] = mapped_column(ForeignKey(ApiKey.id), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    requests: Mapped[int]


class ApiRequest(Model):
    """The answer to a request with an Idempotency-Key, kept so that a repeated request gets the same one."""

    __tablename__ = "api_requests"
    __table_args__ = (Index(None, "answered_at"),)

    key_id: Mapped[int] = mapped_column(ForeignKey(ApiKey.id), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    # A keyed hash, since the body contains a name and an address.
    body_digest: Mapped[bytes]
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    answered_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WriteApiPause(Model):
    """A period in which the write API accepts nothing. It lasts until ``ended_at`` is set."""

    __tablename__ = "write_api_pauses"
    __table_args__ = (
        Index(
            "uq_write_api_pauses_one_at_a_time",
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
    """An address that messages are posted to. Its secret is derived from the id, so none is stored."""

    __tablename__ = "webhooks"

    id: Mapped[UUID] = uuid_key()
    url: Mapped[str]
    # It gets the counts of this institution; without one, those of whole campaigns.
    institution_id: Mapped[str | None] = mapped_column(ForeignKey(Institution.id))
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # When it last accepted a message.
    last_taken_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class WebhookMilestone(Model):
    """A milestone that was announced to a webhook, or had been passed before the webhook was added.

    Never removed, so that a count that falls and rises again announces nothing twice.
    """

    __tablename__ = "webhook_milestones"

    webhook_id: Mapped[UUID] = mapped_column(
        ForeignKey(Webhook.id, ondelete="CASCADE"), primary_key=True
    )
    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    milestone: Mapped[int] = mapped_column(primary_key=True)
    reached_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WebhookDelivery(Delivery):
    """One message to one webhook."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        # The subject says what a message is about: queued twice, it is one message.
        UniqueConstraint("webhook_id", "subject"),
        *queue_indexes(__tablename__),
    )

    webhook_id: Mapped[UUID] = mapped_column(ForeignKey(Webhook.id, ondelete="CASCADE"))
    subject: Mapped[str]
    message: Mapped[dict[str, Any]] = mapped_column(JSONB)

    webhook: Mapped[Webhook] = relationship()


class PartnerEvent(Model):
    """The trail of what staff, or the system, did to origins, keys, webhooks and the write API as a whole."""

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
