"""Why a pledge waits for a human eye. Held, never dropped, and its person is told.

Campus networks are not attackers: many people of one institution behind one address are normal, and whoever
writes from their institution's own domain is never held for the network they share.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from campaign.db import db
from campaign.institutions.queries import has_domain
from campaign.people.rules import Address
from campaign.pledges.models import Kind, Pledge
from campaign.pledges.rules import Draft

WINDOW = timedelta(hours=1)
# Nobody reads a pledge and types a name faster than this; a script does.
SHORTEST_READING = timedelta(seconds=3)


@dataclass(frozen=True)
class Circumstances:
    """What is known of a submission besides its content."""

    network_hash: bytes
    form_opened_at: datetime
    honeypot_filled: bool = False


@dataclass(frozen=True)
class Limits:
    """Pledges an hour from one network: of mixed institutions, and of one institution."""

    per_network: int
    per_campus: int


def hold_reasons(
    draft: Draft, address: Address, circumstances: Circumstances, limits: Limits, now: datetime
) -> list[str]:
    """Codes of all reasons to hold this submission, empty for nearly everyone."""
    official = draft.institution is not None and has_domain(draft.institution, address.domain)
    reasons = {
        "honeypot": circumstances.honeypot_filled,
        "too-fast": now - circumstances.form_opened_at < SHORTEST_READING,
        "unofficial-address": draft.kind is Kind.INSTITUTION and not official,
        "network": not official and _is_crowded(draft, circumstances.network_hash, limits, now),
    }
    return [reason for reason, applies in reasons.items() if applies]


def _is_crowded(draft: Draft, network_hash: bytes, limits: Limits, now: datetime) -> bool:
    recent = select(func.count()).where(
        Pledge.network_hash == network_hash, Pledge.submitted_at > now - WINDOW
    )
    everyone = db.session.scalar(recent) or 0
    # People without an institution have no colleagues, they are strangers to each other.
    at_work = recent.where(Pledge.institution_id == draft.institution.id) if draft.institution else None
    colleagues = 0 if at_work is None else db.session.scalar(at_work) or 0
    return everyone - colleagues >= limits.per_network or colleagues >= limits.per_campus
