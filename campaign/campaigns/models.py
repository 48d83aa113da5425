"""Tables of campaigns and their published texts."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, UniqueConstraint, false, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaign import topics
from campaign.db import Model

TEXTS = topics.register("texts")


class Campaign(Model):
    """One appeal, with its own pledges and tallies."""

    __tablename__ = "campaigns"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int] = mapped_column(default=0)
    # SHA-256 of the texts that came with the program, as last published from there; None where none did.
    shipped_digest: Mapped[bytes | None]
    # From then on the program's own texts are never published over those of staff.
    managed_by_staff: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CampaignText(Model):
    """What a reader of one language sees and signs in one version of a campaign.

    A database trigger refuses every change and deletion: pledges point here for what was on the screen.
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
        """Sentences by code, in the campaign's order, for a pledge of this kind."""
        pairs = self.commitments_institution if kind == "institution" else self.commitments
        return dict(pairs)

    def pledge_for(self, kind: str) -> str:
        return self.pledge_institution if kind == "institution" else self.pledge
