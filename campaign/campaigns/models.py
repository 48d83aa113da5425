"""Tables of campaigns, their published texts, and the drafts of the next ones."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaign import topics
from campaign.audit import Actor, actor_columns, actor_constraint
from campaign.db import Model

TEXTS = topics.register("texts")


class CampaignState(StrEnum):
    """Whether a campaign takes pledges, and whether it is listed."""

    OPEN = "open"
    CLOSED = "closed"
    ARCHIVED = "archived"


class Campaign(Model):
    """A campaign, with its own texts, pledges and tallies."""

    __tablename__ = "campaigns"
    __table_args__ = (CheckConstraint("state IN ('open', 'closed', 'archived')", name="state"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int] = mapped_column(default=0)
    # Read it by ``queries.state_of``: the campaign of a text that is kept in memory may have an old one.
    state: Mapped[str] = mapped_column(default=CampaignState.OPEN, server_default="open")
    # SHA-256 of the shipped texts as they were last published; None if none ever were.
    shipped_digest: Mapped[bytes | None]
    # Once true, shipped texts are never published over those of staff.
    managed_by_staff: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CampaignText(Model):
    """The text of one version of a campaign in one language, as readers see and sign it.

    A database trigger refuses every change and deletion, since pledges refer to the text that was on the screen.
    """

    __tablename__ = "campaign_texts"
    __table_args__ = (
        UniqueConstraint("campaign_id", "version", "locale"),
        CheckConstraint("version > 0", name="version_positive"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id))
    version: Mapped[int]
    locale: Mapped[str]
    title: Mapped[str]
    theme: Mapped[str]
    summary: Mapped[str]
    introduction: Mapped[str]
    pledge: Mapped[str]
    pledge_institution: Mapped[str]
    # Ordered pairs [code, sentence]; JSON objects do not keep an order in PostgreSQL.
    commitments: Mapped[list[list[str]]] = mapped_column(JSONB)
    commitments_institution: Mapped[list[list[str]]] = mapped_column(JSONB)
    published_at: Mapped[datetime] = mapped_column(server_default=func.now())

    campaign: Mapped[Campaign] = relationship(lazy="joined", innerjoin=True)

    def commitments_for(self, kind: str) -> dict[str, str]:
        """Return the sentences for a pledge of this kind by their codes, in the campaign's order."""
        pairs = self.commitments_institution if kind == "institution" else self.commitments
        return dict(pairs)

    def pledge_for(self, kind: str) -> str:
        return self.pledge_institution if kind == "institution" else self.pledge


class DraftPassage(Model):
    """What somebody wrote in one passage, in one language. The newest version is the draft; the others stay."""

    __tablename__ = "draft_passages"
    __table_args__ = (
        actor_constraint(),
        CheckConstraint("version > 0", name="version_positive"),
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    # See ``rules``.
    passage: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    # The version of the source that its translator read; None in the source language.
    source_version: Mapped[int | None]
    actor: Mapped[Actor] = actor_columns()
    written_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DraftCommitment(Model):
    """A code for something that people, or institutions, commit themselves to. It keeps its meaning and its row."""

    __tablename__ = "draft_commitments"
    __table_args__ = (
        CheckConstraint(
            "list_name IN ('commitments', 'commitments_institution')", name="list_name"
        ),
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    # The column of ``CampaignText`` that it stands in.
    list_name: Mapped[str]
    position: Mapped[int]
    # Since then it is not offered in new versions.
    retired_at: Mapped[datetime | None]


class ProposedPassage(Model):
    """A passage that a release changed in a campaign that staff manage, for them to take or to leave.

    The row stays once that is settled: the next release is compared with it.
    """

    __tablename__ = "proposed_passages"
    __table_args__ = (
        Index("ix_proposed_passages_open", "campaign_id", postgresql_where=text("is_open")),
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    passage: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    is_open: Mapped[bool]
    proposed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ScheduledText(Model):
    """The texts that will be the next version at an hour, exactly as they were when that was decided."""

    __tablename__ = "scheduled_texts"
    __table_args__ = (actor_constraint(), Index(None, "due_at"))

    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    texts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    due_at: Mapped[datetime]
    actor: Mapped[Actor] = actor_columns()
    scheduled_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PassageReader(Model):
    """Which passage an account has had in front of it last, in one language of a campaign."""

    __tablename__ = "passage_readers"

    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    passage: Mapped[str]
    seen_at: Mapped[datetime]
