"""Tables of the tallies, of the deltas to be folded into them, and of what is published of people's details."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, CHAR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from campaign import topics
from campaign.campaigns.models import Campaign
from campaign.db import Model
from campaign.pledges.models import Pledge

TALLIES = topics.register("tallies")  # its subjects are campaigns
MILESTONES = topics.register("milestones")
DETAILS = topics.register("details")  # raised once a day, see ``publishing``


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
    # Both None where only what is shown has changed.
    locale: Mapped[str | None]
    text_id: Mapped[int | None]
    day: Mapped[date]
    change: Mapped[int] = mapped_column(SmallInteger)


class Tally(Model):
    """The number of confirmed pledges of one kind under one key of one dimension.

    Dimensions: total (key ''), institution (ROR id), country (ISO 3166-1), region (UN M49), commitment,
    discipline (FORD code), source (see ``Pledge.source``), language (``Pledge.locale``), text (``Pledge.text_id``),
    day (ISO 8601, UTC), country-month and institution-month ("KE 2026-11"), country-day and language-day
    ("KE 2026-11-30"), and spread: the number of nonzero keys of the dimension that is its key ("country",
    "institution"), since counting them at each read would take longer with every institution.
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


class Milestone(Model):
    """A count from before the campaign, with its day and its source. Shown as such and never added to a tally."""

    __tablename__ = "milestones"
    __table_args__ = (CheckConstraint("count > 0", name="count"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), index=True)
    day: Mapped[date]
    count: Mapped[int] = mapped_column(BigInteger)
    # What was counted, in the words of staff, and their language.
    what: Mapped[str]
    locale: Mapped[str]
    # Who counted, such as a book or the address of a page.
    source: Mapped[str]
    # None for the whole world.
    country: Mapped[str | None] = mapped_column(CHAR(2))


class DetailGroup(Model):
    """At least five people whose details were published together; see ``publishing``.

    They count for the institution and the country, for the country alone where ``institution_id`` is NULL, or for
    the whole campaign alone where ``country`` is NULL, too.
    """

    __tablename__ = "detail_groups"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id))
    country: Mapped[str | None]
    institution_id: Mapped[str | None]


class DetailCount(Model):
    """How many people of a group share one detail.

    Dimensions: total (code ''), commitment, discipline, and month ("2026-11", UTC).
    """

    __tablename__ = "detail_counts"

    group_id: Mapped[int] = mapped_column(
        ForeignKey(DetailGroup.id, ondelete="CASCADE"), primary_key=True
    )
    dimension: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    people: Mapped[int] = mapped_column(BigInteger)


class DetailMember(Model):
    """A pledge with one choice of details, and the group that counts it; NULL once it is counted no more.

    The row stays, so that the same choice is never counted in a second group.
    """

    __tablename__ = "detail_members"

    pledge_id: Mapped[UUID] = mapped_column(
        ForeignKey(Pledge.id, ondelete="CASCADE"), primary_key=True
    )
    choices: Mapped[UUID] = mapped_column(primary_key=True)  # digest of commitments and disciplines
    group_id: Mapped[int | None] = mapped_column(
        ForeignKey(DetailGroup.id, ondelete="SET NULL"), index=True
    )


class PublishedTally(Model):
    """The number of people that anyone may read under one code of one detail. There are no zeros.

    Dimensions: commitment; discipline (FORD code) and day (ISO 8601, UTC) of the whole campaign, whose place is '';
    month ("2026-11", UTC) of places. Places are ISO 3166-1 and UN M49 codes and ROR ids, which differ in form.
    """

    __tablename__ = "published_tallies"

    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    people: Mapped[int] = mapped_column(BigInteger)
