"""How many forms were opened and sent, by day and language, and how many pledges were confirmed.

Nothing is known of the people: no cookie, no address, only sums. Each process counts in memory and adds its sums to
the rows every few seconds (``http.form_counts``). What was confirmed, the tallies say.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple, TypeVar

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from campaign.campaigns.models import Campaign
from campaign.db import Model, db
from campaign.pledges.models import Kind

K = TypeVar("K")


class FormCount(Model):
    """The forms of one campaign, kind and language that were opened, and that were sent, on one day (UTC)."""

    __tablename__ = "form_counts"

    day: Mapped[date] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    opened: Mapped[int] = mapped_column(default=0)
    sent: Mapped[int] = mapped_column(default=0)


class Step(StrEnum):
    """What happened to a form."""

    OPENED = "opened"
    SENT = "sent"


class FormKey(NamedTuple):
    """What forms are counted by."""

    day: date
    campaign_id: int
    kind: Kind
    locale: str


class Forms(NamedTuple):
    """How many forms were opened, and how many sent."""

    opened: int
    sent: int


def add(counts: Mapping[tuple[FormKey, Step], int]) -> None:
    """Add what a process has counted to the rows. One statement."""
    keys = sorted(
        {key for key, _ in counts}
    )  # in one order, so that two processes do not wait for each other
    rows = [
        {**key._asdict(), **{step: counts.get((key, step), 0) for step in Step}} for key in keys
    ]
    added = insert(FormCount).values(rows)
    sums = {step: getattr(FormCount, step) + added.excluded[step] for step in Step}
    db.session.execute(added.on_conflict_do_update(index_elements=list(FormKey._fields), set_=sums))


def by_day(
    campaign_id: int, since: date, until: date, *, kind: Kind = Kind.PERSON, locale: str = ""
) -> Mapping[date, Forms]:
    """Return the forms of each day from ``since`` to ``until`` that has any. One statement."""
    return _summed(FormCount.day, campaign_id, since, until, kind, locale)


def by_language(
    campaign_id: int, since: date, until: date, *, kind: Kind = Kind.PERSON
) -> Mapping[str, Forms]:
    """Return the forms of these days by language. One statement."""
    return _summed(FormCount.locale, campaign_id, since, until, kind, "")


def _summed(
    by: InstrumentedAttribute[K],
    campaign_id: int,
    since: date,
    until: date,
    kind: Kind,
    locale: str,
) -> Mapping[K, Forms]:
    sums = (
        select(by, func.sum(FormCount.opened), func.sum(FormCount.sent))
        .where(FormCount.campaign_id == campaign_id, FormCount.kind == kind)
        .where(FormCount.day.between(since, until))
        .group_by(by)
    )
    if locale:
        sums = sums.where(FormCount.locale == locale)
    return {key: Forms(opened, sent) for key, opened, sent in db.session.execute(sums)}
