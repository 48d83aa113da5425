"""Counts from before the campaign: dated, with their source, shown as what they are and never added to a tally."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from campaign import audit, topics
from campaign.audit import Actor
from campaign.db import db
from campaign.geography import is_country
from campaign.staff.scopes import Scope
from campaign.tallies.models import MILESTONES, Milestone
from campaign.text import InvalidText, clean_line

WHAT_LENGTH, SOURCE_LENGTH = 200, 300


class InvalidMilestone(Exception):
    """Some of it cannot be accepted; ``fields`` names what."""

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


def add(
    campaign_id: int,
    day: date | None,
    count: int | None,
    what: str,
    source: str,
    country: str | None,
    locale: str,
    today: date,
    scope: Scope,
    actor: Actor,
) -> Milestone:
    """Add a count. ``what`` says in the language of ``locale`` what was counted, ``source`` who counted.

    Raises InvalidMilestone; OutOfScope for a country that the scope does not cover.
    """
    scope.check(country)
    what, source = _cleaned(what, WHAT_LENGTH), _cleaned(source, SOURCE_LENGTH)
    broken = {
        "day": day is None or day > today,
        "count": count is None or not 0 < count < 10**12,
        "what": not what,
        "source": not source,
        "country": country is not None and not is_country(country),
    }
    if wrong := [name for name, applies in broken.items() if applies]:
        raise InvalidMilestone(wrong)
    made = Milestone(
        campaign_id=campaign_id,
        day=day,
        count=count,
        what=what,
        source=source,
        country=country,
        locale=locale,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(actor, "milestone added", f"milestone:{made.id}", {"after": _told(made)})
    topics.raise_version(MILESTONES, campaign_id)
    return made


def _cleaned(text: str, length: int) -> str:
    """The text in one line, or nothing where it cannot be accepted."""
    try:
        return clean_line(text, length)
    except InvalidText:
        return ""


def _told(milestone: Milestone) -> dict[str, object]:
    return {
        "day": str(milestone.day),
        "count": milestone.count,
        "country": milestone.country,
        "what": milestone.what,
        "source": milestone.source,
    }


def remove(milestone_id: int, scope: Scope, actor: Actor) -> None:
    """Remove a count, if it is still there. Raises OutOfScope."""
    milestone = db.session.get(Milestone, milestone_id, with_for_update=True)
    if milestone is None:
        return
    scope.check(milestone.country)
    details = {"before": _told(milestone)}
    audit.record(actor, "milestone removed", f"milestone:{milestone.id}", details)
    topics.raise_version(MILESTONES, milestone.campaign_id)
    db.session.delete(milestone)
    db.session.flush()


def of_campaign(campaign_id: int) -> Sequence[Milestone]:
    """The counts of a campaign, the oldest first."""
    counts = select(Milestone).where(Milestone.campaign_id == campaign_id)
    return db.session.scalars(counts.order_by(Milestone.day, Milestone.id)).all()
