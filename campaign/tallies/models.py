"""Tables of the tallies, and of the deltas to be folded into them."""

from datetime import date

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, CHAR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from campaign import topics
from campaign.campaigns.models import Campaign
from campaign.db import Model

TALLIES = topics.register("tallies")  # its subjects are campaigns


class TallyDelta(Model):
    """One counted pledge more (+1) or less (-1), and the keys it counts under. Written by trigger only.

    0 if only what is shown of a pledge has changed: the version rises, but no count changes.
    """

    __tablename__ = "tally_deltas"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int]
    kind: Mapped[str]
    institution_id: Mapped[str | None]
    country: Mapped[str] = mapped_column(CHAR(2))
    commitments: Mapped[list[str]] = mapped_column(ARRAY(Text))
    disciplines: Mapped[list[str]] = mapped_column(ARRAY(Text))
    source: Mapped[str] = mapped_column(server_default="site")
    day: Mapped[date]
    change: Mapped[int] = mapped_column(SmallInteger)


class Tally(Model):
    """The number of confirmed pledges of one kind under one key of one dimension.

    Dimensions: total (key ''), institution (ROR id), country (ISO 3166-1), region (UN M49), commitment,
    discipline (FORD code), source (see ``Pledge.source``), day (ISO 8601, UTC), country-month and institution-month
    ("KE 2026-11"), country-commitment and institution-commitment ("KE network"), and spread: the number of nonzero
    keys of the dimension that is its key ("country", "institution"), since counting them at each read would take
    longer with every institution.
    ``kind`` is part of the key, so that the pledges of people and of institutions are never added up by mistake.
    """

    __tablename__ = "tallies"
    __table_args__ = (
        Index("ix_tallies_ranking", "campaign_id", "dimension", "kind", text("count DESC"), "key"),
        Index("ix_tallies_key", "dimension", "key"),
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
