"""Why a pledge waits for a human eye. Held, never dropped, and its person is told.

Campus networks are not attackers: many people of one institution behind one address are normal, and mail from an
institution's own domain frees its owner from being held for the network they share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from campaign.db import db
from campaign.pledges.mail_domains import rule_for
from campaign.pledges.models import DomainRule, ReceivedForm, form_of
from campaign.pledges.submission import Submission

WINDOW = timedelta(hours=1)
# Nobody reads a pledge and types a name faster than this; a script does.
SHORTEST_READING = timedelta(seconds=3)


@dataclass(frozen=True)
class Limits:
    """Pledges an hour from one network: of mixed institutions, and of one institution."""

    per_network: int
    per_campus: int


def suspicious_signals(submission: Submission, now: datetime) -> list[str]:
    """Codes of the reasons that a submission shows by itself, whatever else came from its network."""
    context = submission.context
    reasons = {
        "honeypot": context.honeypot_filled,
        "too-fast": now - context.form_opened_at < SHORTEST_READING,
        "domain": rule_for(submission.address.domain) is DomainRule.HOLD,
    }
    return [reason for reason, applies in reasons.items() if applies]


# ``=`` with a parameter stays ``=`` for NULL: people without an institution have no colleagues, they are strangers
# to each other.
_colleagues = func.count().filter(ReceivedForm.institution_id == bindparam("institution_id"))
# Forms are counted, not pledges: else one's own pledge would tell whether the address of another form was known.
# Whether a network has reached a limit: one row with one boolean, ``crowded``; its parameters are ``crowd_values``.
CROWDED = select(
    or_(
        func.count() - _colleagues >= bindparam("per_network"),
        _colleagues >= bindparam("per_campus"),
    ).label("crowded")
).where(
    ReceivedForm.network_hash == bindparam("network_hash"),
    ReceivedForm.received_at > bindparam("window_start"),
    ReceivedForm.form != bindparam("form"),
)


def crowd_values(columns: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """The parameters of ``CROWDED``, for a pledge with these columns."""
    return {
        "institution_id": columns["institution_id"],
        "network_hash": columns["network_hash"],
        "form": form_of(columns["submission"]),
        "window_start": columns["submitted_at"] - WINDOW,
        "per_network": limits.per_network,
        "per_campus": limits.per_campus,
    }


def is_crowded(columns: Mapping[str, Any], limits: Limits) -> bool:
    """Whether so many have pledged from a network that the next pledge is held."""
    return bool(db.session.scalar(CROWDED, crowd_values(columns, limits)))
