"""Tables of pledges and of what happened to them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, CHAR, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from campaign import topics
from campaign.audit import Actor, AuditEvent, actor_columns, actor_constraint
from campaign.campaigns.models import Campaign, CampaignText
from campaign.db import Model, uuid_key
from campaign.institutions.models import Institution
from campaign.people.models import Person
from campaign.staff.scopes import Scoped
from campaign.tasks import Task


def form_of(submission: UUID) -> int:
    """The number of a submission's form, its first eight bytes as a signed integer."""
    return int.from_bytes(submission.bytes[:8], signed=True)


# Whether there is demonstration data, which every page says.
DEMO = topics.register("demo")


class Kind(StrEnum):
    """Who pledges: a person for themself, or an institution through its representative."""

    PERSON = "person"
    INSTITUTION = "institution"


class Status(StrEnum):
    """Where a pledge stands. Only a confirmed one is counted and public."""

    UNCONFIRMED = "unconfirmed"
    HELD = "held"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class PledgeAction(StrEnum):
    """What can happen to a pledge, as its trail names it."""

    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    HELD = "held"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CORRECTED = "corrected"
    LISTED = "listed"
    UNLISTED = "unlisted"
    WITHDRAWN = "withdrawn"
    INSTITUTION_LINKED = "institution settled"
    INSTITUTION_MERGED = "institution merged"
    INSTITUTION_UNMERGED = "institution unmerged"
    # A verdict of staff was taken back before its letter left; a task's, by undoing the task.
    UNDONE = "decision undone"
    INVALIDATED = "invalidated"
    RESTORED = "counted again"
    WORDS_APPROVED = "words approved"
    WORDS_DECLINED = "words kept private"
    PINNED = "pinned"
    UNPINNED = "unpinned"
    # After these only the trail is left.
    DISOWNED = "disowned"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    ERASED = "erased"


# What staff have not read yet, of what the public would see.
WORDS_WAIT = (
    "status = 'confirmed' AND words_approved IS NULL"
    " AND (listed AND words IS NOT NULL OR support_letters <> '{}'::jsonb)"
)


# Which events are decisions of staff on whether a pledge counts.
IS_VERDICT = "action IN ('accepted', 'refused', 'decision undone', 'invalidated', 'counted again')"


class NotAwaiting(Exception):
    """The pledge's status does not allow what was asked for."""


class Pledge(Scoped, Model):
    """One person's word in one campaign.

    A database trigger writes a tally delta for every change of what is counted (see ``campaign.tallies``),
    so no path, not even an operator's SQL, can make counts and pledges differ.
    """

    __tablename__ = "pledges"
    __table_args__ = (
        CheckConstraint("kind IN ('person', 'institution')", name="kind"),
        CheckConstraint(
            "status IN ('unconfirmed', 'held', 'confirmed', 'refused', 'withdrawn')", name="status"
        ),
        CheckConstraint(
            "(status = 'confirmed') <= (confirmed_at IS NOT NULL)", name="confirmed_has_time"
        ),
        # A withdrawn pledge stays as it was: pledging again makes another one.
        Index(
            "uq_pledges_person_speaks_once",
            "campaign_id",
            "person_id",
            "kind",
            unique=True,
            postgresql_where=text("status <> 'withdrawn'"),
        ),
        # An institution speaks once in a campaign.
        Index(
            "uq_pledges_institution_speaks_once",
            "campaign_id",
            "institution_id",
            unique=True,
            postgresql_where=text("kind = 'institution' AND status = 'confirmed'"),
        ),
        Index(
            "ix_pledges_public_list",
            "campaign_id",
            "kind",
            text("confirmed_at DESC"),
            text("id DESC"),
            postgresql_where=text("status = 'confirmed' AND listed"),
        ),
        Index(
            "ix_pledges_public_list_of_country",
            "campaign_id",
            "country",
            text("confirmed_at DESC"),
            postgresql_where=text("status = 'confirmed' AND listed"),
        ),
        Index(
            "ix_pledges_public_list_of_institution",
            "institution_id",
            "campaign_id",
            text("confirmed_at DESC"),
            postgresql_where=text("status = 'confirmed'"),
        ),
        Index(
            "ix_pledges_name_search",
            "name_folded",
            postgresql_using="gin",
            postgresql_ops={"name_folded": "gin_trgm_ops"},
        ),
        Index(
            "ix_pledges_network",
            "network_hash",
            "submitted_at",
            postgresql_where=text("network_hash IS NOT NULL"),
        ),
        Index("ix_pledges_submitted", "submitted_at"),
        Index(
            "ix_pledges_words_waiting",
            "confirmed_at",
            "id",
            postgresql_where=text(WORDS_WAIT),
        ),
        Index(
            "ix_pledges_words_settled",
            "words_approved",
            "confirmed_at",
            "id",
            postgresql_where=text("words_approved IS NOT NULL"),
        ),
        Index("ix_pledges_pinned", "campaign_id", "pin", postgresql_where=text("pin IS NOT NULL")),
        Index(
            "ix_pledges_unsettled",
            "status",
            "submitted_at",
            postgresql_where=text("status IN ('unconfirmed', 'held')"),
        ),
        Index("ix_pledges_demo", "id", postgresql_where=text("is_demo")),
        Index(
            "ix_pledges_not_listed",
            "submitted_at",
            postgresql_where=text("institution_text IS NOT NULL AND institution_id IS NULL"),
        ),
    )

    id: Mapped[UUID] = uuid_key()
    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id))
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id), index=True)
    kind: Mapped[str]
    text_id: Mapped[int] = mapped_column(ForeignKey(CampaignText.id))
    status: Mapped[str] = mapped_column(default=Status.UNCONFIRMED)
    hold_reasons: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    # The form and the words these details came with, a half each (see ``form_of``): sent twice they are one pledge,
    # and a page that shows what one form said cannot confirm what a later one says.
    submission: Mapped[UUID] = mapped_column(index=True)
    code_attempts: Mapped[int] = mapped_column(SmallInteger, default=0)

    name: Mapped[str]
    name_folded: Mapped[str]
    institution_id: Mapped[str | None] = mapped_column(ForeignKey(Institution.id))
    institution_text: Mapped[str | None]
    # Whether the address is at a domain of the institution; see ``rules.is_own_mailbox``. Unknown for those
    # confirmed before this was noted. Never public: it says something about the address.
    own_mailbox: Mapped[bool | None]
    role: Mapped[str | None]
    office: Mapped[str | None]
    # Letters of support by language.
    support_letters: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    country: Mapped[str] = mapped_column(CHAR(2))
    disciplines: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    orcid: Mapped[str | None]
    commitments: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    words: Mapped[str | None]
    # Whether staff let the words, or the letters of support, be public; None until they have read them.
    words_approved: Mapped[bool | None]
    listed: Mapped[bool] = mapped_column(default=False)
    # The place among the pinned people of the campaign, who stand first in public lists.
    pin: Mapped[int | None] = mapped_column(SmallInteger)
    newsletter: Mapped[bool] = mapped_column(default=False)
    locale: Mapped[str]
    is_demo: Mapped[bool] = mapped_column(default=False)
    # The door it came through: "site", "form@www.example.org" (a widget there), "api@<key name>".
    source: Mapped[str] = mapped_column(default="site", server_default="site")
    # The page that showed the widget, without query and fragment.
    source_page: Mapped[str | None]

    network_hash: Mapped[bytes | None]
    submitted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()
    campaign: Mapped[Campaign] = relationship()
    text: Mapped[CampaignText] = relationship()
    institution: Mapped[Institution | None] = relationship()

    @property
    def public_words(self) -> str | None:
        """What the public may read of the words to the children."""
        return self.words if self.words_approved else None

    @property
    def public_letters(self) -> dict[str, Any]:
        """The letters of support that the public may read, by language."""
        return self.support_letters if self.words_approved else {}


class PledgeEvent(Model):
    """One line of a pledge's trail. It has no personal data and outlives the pledge, hence no foreign key."""

    __tablename__ = "pledge_events"
    __table_args__ = (
        actor_constraint(),
        Index(None, "pledge_id", "id"),
        # What a merge of institutions did, so that it can be taken back.
        Index(
            "ix_pledge_events_merge",
            text("(details ->> 'merge')"),
            postgresql_where=text("(details ->> 'merge') IS NOT NULL"),
        ),
        Index("ix_pledge_events_verdicts", "id", postgresql_where=text(IS_VERDICT)),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    pledge_id: Mapped[UUID]
    actor: Mapped[Actor] = actor_columns()
    action: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    happened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # The line of the audit log, for acts of staff.
    audit_id: Mapped[int | None] = mapped_column(ForeignKey(AuditEvent.id))

    audit: Mapped[AuditEvent | None] = relationship()


class PledgeNote(Model):
    """What staff wrote about a pledge for each other; it goes with the pledge."""

    __tablename__ = "pledge_notes"
    __table_args__ = (actor_constraint(),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    pledge_id: Mapped[UUID] = mapped_column(ForeignKey(Pledge.id, ondelete="CASCADE"), index=True)
    actor: Mapped[Actor] = actor_columns()
    text: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TaskPledge(Model):
    """What a task changed: by which event of which pledge. Like the trail, it outlives the pledge."""

    __tablename__ = "task_pledges"

    task_id: Mapped[UUID] = mapped_column(ForeignKey(Task.id), primary_key=True)
    pledge_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    event_id: Mapped[int] = mapped_column(ForeignKey(PledgeEvent.id))

    event: Mapped[PledgeEvent] = relationship()


class OpenCase(Model):
    """Who of the staff has a held pledge open, and since when they were last heard of."""

    __tablename__ = "open_cases"

    pledge_id: Mapped[UUID] = mapped_column(
        ForeignKey(Pledge.id, ondelete="CASCADE"), primary_key=True
    )
    account: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


class DomainRule(StrEnum):
    """What happens to pledges with an address at a domain."""

    HOLD = "hold"
    # The form does not take the address, and says so.
    REFUSE = "refuse"
    # Many from one network are normal here.
    TRUST = "trust"


class MailDomain(Model):
    """A rule of staff for one e-mail domain, and those below it."""

    __tablename__ = "mail_domains"
    __table_args__ = (
        actor_constraint(),
        CheckConstraint("rule IN ('hold', 'refuse', 'trust')", name="rule"),
    )

    # In A-labels, as ``Address.domain``.
    domain: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[str]
    actor: Mapped[Actor] = actor_columns()
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class ReceivedForm(Model):
    """A form that was sent. Where its address may be known, the worker takes it: see ``submitting``.

    Every form is here for a day, so that it serves one address, and so that what comes from one network is counted
    whether or not the addresses are known. Once it is taken, nothing readable of its sender is left.
    """

    __tablename__ = "received_forms"
    __table_args__ = (
        Index("ix_received_forms_waiting", "due_at", postgresql_where=text("address IS NOT NULL")),
        Index(
            "ix_received_forms_network",
            "network_hash",
            "received_at",
            postgresql_where=text("network_hash IS NOT NULL"),
        ),
    )

    # See ``form_of``.
    form: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    # Keyed hash of the mailbox: see ``intake.sender_of``.
    sender: Mapped[bytes]
    # What counts in a crowd (``holding``); both None for someone who asks for the link to their own page.
    network_hash: Mapped[bytes | None]
    institution_id: Mapped[str | None]
    # None once the form is taken, like ``answers``.
    address: Mapped[str | None]
    locale: Mapped[str]
    # The columns of the pledge, or just the network of someone who asks for the link to their own page.
    answers: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # How often it could not be taken, and when it is tried again.
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
