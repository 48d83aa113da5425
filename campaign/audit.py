"""Who did what: actors for every trail, and the audit log, which is only ever added to.

The trails of the domains (such as ``pledge_events``) point to the log for what staff did. A trail belongs to its
subject and may be removed with it; the log stays, and triggers refuse every change of it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Identity, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Composite, Mapped, composite, mapped_column
from sqlalchemy.types import BigInteger, Text

from campaign.db import Model, db


class ActorKind(StrEnum):
    """In what capacity someone, or something, acts."""

    PERSON = "person"
    STAFF = "staff"
    PARTNER = "partner"
    SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    """Who acts. ``id`` is None for people, who stay unnamed.

    For staff it is the id of their account at the desk or, at a terminal, the login; for partners the name of the
    key. ``session_id`` is that of the desk's session.
    """

    kind: ActorKind
    id: str | None = None
    session_id: UUID | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """As trails show it: "person", "staff:kim"."""
        return f"{self.kind}:{self.id}" if self.id else self.kind

    def __composite_values__(self) -> tuple[str, str | None]:
        return self.kind, self.id


PERSON, SYSTEM = Actor(ActorKind.PERSON), Actor(ActorKind.SYSTEM)


def actor_columns() -> Composite[Actor]:
    """The columns ``actor_kind`` and ``actor_id`` of a trail, as one attribute."""
    return composite(
        lambda kind, id_: Actor(ActorKind(kind), id_),
        mapped_column("actor_kind", Text, nullable=False),
        mapped_column("actor_id", Text, nullable=True),
    )


def actor_constraint() -> CheckConstraint:
    """Keeps ``actor_kind`` to the kinds there are."""
    return CheckConstraint(
        "actor_kind IN ('person', 'staff', 'partner', 'system')", name="actor_kind"
    )


class AuditEvent(Model):
    """One line of the audit log."""

    __tablename__ = "audit_events"
    __table_args__ = (actor_constraint(), Index(None, "subject", "id"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    actor: Mapped[Actor] = actor_columns()
    action: Mapped[str]
    # What was acted on, by kind and key: "pledge:0198…", "institution:05jxf0p38".
    subject: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    session_id: Mapped[UUID | None]
    happened_at: Mapped[datetime] = mapped_column(server_default=func.now())


def record(actor: Actor, action: str, subject: str, details: dict[str, Any]) -> AuditEvent:
    """Add a line to the audit log in the current transaction, and return it for a trail to point to."""
    event = AuditEvent(
        actor=actor,
        action=action,
        subject=subject,
        details=details,
        session_id=actor.session_id,
    )
    db.session.add(event)
    return event


def record_if_staff(
    actor: Actor, action: str, subject: str, details: dict[str, Any]
) -> AuditEvent | None:
    """``record`` what staff do; what people and the program itself do stands in the trails alone."""
    return record(actor, action, subject, details) if actor.kind is ActorKind.STAFF else None
