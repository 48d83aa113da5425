"""Who did what: actors for every trail, and the audit log, which is only ever added to.

The trails of the domains (such as ``pledge_events``) point to the log for what staff did. A trail belongs to its
subject and may be removed with it; the log stays, and triggers refuse every change of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Identity,
    Index,
    Select,
    func,
    literal_column,
    select,
    text,
)
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


# What a subject's key begins with: "pledge" of "pledge:0198…".
_SUBJECT_KIND = "split_part(subject, ':', 1)"


class AuditEvent(Model):
    """One line of the audit log."""

    __tablename__ = "audit_events"
    __table_args__ = (
        actor_constraint(),
        Index(None, "subject", "id"),
        Index("ix_audit_events_subject_kind", text(_SUBJECT_KIND), "id"),
        Index(None, "actor_kind", "actor_id", "id"),
        Index(None, "action", "id"),
        Index(None, "happened_at"),
    )

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


PAGE_SIZE = 50


@dataclass(frozen=True)
class Filter:
    """Which lines of the log are asked for; what is left empty does not narrow them."""

    actor: Actor | None = None
    action: str = ""
    # "pledge:0198…" for one, "pledge" for all of a kind.
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


EVERY_LINE = Filter()


def events(
    wanted: Filter = EVERY_LINE, *, before_id: int | None = None, limit: int = PAGE_SIZE
) -> Sequence[AuditEvent]:
    """Return the newest lines, newest first; ``before_id`` is the last one on the page before. One statement."""
    page = _filtered(wanted).order_by(AuditEvent.id.desc()).limit(limit)
    if before_id is not None:
        page = page.where(AuditEvent.id < before_id)
    return db.session.scalars(page).all()


def stream(wanted: Filter = EVERY_LINE) -> Iterator[AuditEvent]:
    """Yield all these lines, oldest first, without holding them in memory. One statement."""
    lines = _filtered(wanted).order_by(AuditEvent.id)
    for event in db.session.scalars(lines, execution_options={"yield_per": 1_000}):
        db.session.expunge(event)
        yield event


def _filtered(wanted: Filter) -> Select[AuditEvent]:
    lines = select(AuditEvent)
    if wanted.actor:
        lines = lines.where(AuditEvent.actor == wanted.actor)
    if wanted.action:
        lines = lines.where(AuditEvent.action == wanted.action)
    if ":" in wanted.subject:
        lines = lines.where(AuditEvent.subject == wanted.subject)
    elif wanted.subject:
        lines = lines.where(literal_column(_SUBJECT_KIND) == wanted.subject)
    if wanted.since:
        lines = lines.where(AuditEvent.happened_at >= wanted.since)
    if wanted.until:
        lines = lines.where(AuditEvent.happened_at < wanted.until)
    return lines


def actions() -> Sequence[str]:
    """Return every action there is, in order: one step in the index for each, however many lines. One statement."""
    return db.session.scalars(_ACTIONS).all()


_ACTIONS = text(
    """
    WITH RECURSIVE found (action) AS (
        (SELECT action FROM audit_events ORDER BY action LIMIT 1)
        UNION ALL
        SELECT (SELECT action FROM audit_events WHERE action > found.action ORDER BY action LIMIT 1)
        FROM found WHERE found.action IS NOT NULL
    )
    SELECT action FROM found WHERE action IS NOT NULL"""
)


def to_json(event: AuditEvent) -> dict[str, Any]:
    """Return a line as exports show it."""
    return {
        "id": event.id,
        "at": event.happened_at.isoformat(),
        "actor": str(event.actor),
        "session": str(event.session_id) if event.session_id else None,
        "action": event.action,
        "subject": event.subject,
        "details": event.details,
    }
