"""What time does to pledges: reminders, and forgetting what is kept for a limited time. Nothing commits."""

from datetime import datetime, timedelta

from sqlalchemy import update

from campaign.audit import SYSTEM
from campaign.db import db
from campaign.pledges import queries
from campaign.pledges.effects import remove, send
from campaign.pledges.models import Pledge, PledgeAction, Status
from campaign.pledges.policy import PledgePolicy

REMINDER_AFTER = timedelta(days=3)
# As many as one transaction takes; the jobs go on until there are none left.
_REMINDED_AT_ONCE, _FORGOTTEN_AT_ONCE = 500, 1000


def remind(policy: PledgePolicy, now: datetime) -> int:
    """Remind the people of pledges not confirmed after REMINDER_AFTER, each once; return how many.

    Not of suspicious ones: a stranger may have typed the address, and one e-mail of ours is enough.
    """
    waiting = (
        queries.locked(skip=True)
        .where(Pledge.status == Status.UNCONFIRMED, Pledge.reminded_at.is_(None))
        .where(Pledge.submitted_at < now - REMINDER_AFTER, Pledge.hold_reasons == [])
        .limit(_REMINDED_AT_ONCE)
    )
    pledges = db.session.scalars(waiting).all()
    for pledge in pledges:
        pledge.reminded_at = now
        days_left = policy.unconfirmed_days - (now - pledge.submitted_at).days
        send(policy, "reminder", pledge, days=days_left)
    return len(pledges)


def forget_unconfirmed(before: datetime) -> int:
    """Remove pledges that were submitted before a moment and never confirmed; return how many."""
    stale = queries.locked(skip=True).where(
        Pledge.status == Status.UNCONFIRMED, Pledge.submitted_at < before
    )
    pledges = db.session.scalars(stale.limit(_FORGOTTEN_AT_ONCE)).all()
    for pledge in pledges:
        remove(pledge, SYSTEM, PledgeAction.EXPIRED)
    return len(pledges)


def forget_networks(before: datetime) -> None:
    """Drop the keyed network hashes of submissions older than a moment."""
    db.session.execute(
        update(Pledge)
        .where(Pledge.network_hash.is_not(None), Pledge.submitted_at < before)
        .values(network_hash=None)
    )
