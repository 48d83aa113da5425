"""Tables of campaigns and their published texts."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, UniqueConstraint, false, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaign import topics
from campaign.db import Model

TEXTS = topics.register("texts")


class Campaign(Model):
    """A campaign, with its own texts, pledges and tallies."""

    __tablename__ = "campaigns"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int] = mapped_column(default=0)
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
