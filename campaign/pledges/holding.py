"""Why a pledge waits for a human eye. Held, never dropped, and its person is told.

Campus networks are not attackers: many people of one institution behind one address are normal, and whoever
writes from their institution's own domain is never held for the network they share.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from campaign.db import db
from campaign.institutions.queries import has_domain
from campaign.people.rules import Address
from campaign.pledges.models import Kind
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
    # See ``Pledge.source`` and ``Pledge.source_page``.
    source: str = "site"
    source_page: str | None = None


@dataclass(frozen=True)
class Limits:
    """Pledges an hour from one network: of mixed institutions, and of one institution."""

    per_network: int
    per_campus: int


def hold_reasons(
    draft: Draft, address: Address, circumstances: Circumstances, limits: Limits, now: datetime
) -> list[str]:
    """Codes of all reasons to hold this submission, empty for nearly everyone."""
    crowded = may_be_crowded(draft, address) and _is_crowded(
        draft, circumstances.network_hash, limits, now
    )
    return [*oddities(draft, address, circumstances, now), *(["network"] if crowded else [])]


def oddities(
    draft: Draft, address: Address, circumstances: Circumstances, now: datetime
) -> list[str]:
    """The reasons that a submission shows by itself, whatever else came from its network."""
    reasons = {
        "honeypot": circumstances.honeypot_filled,
        "too-fast": now - circumstances.form_opened_at < SHORTEST_READING,
        "unofficial-address": draft.kind is Kind.INSTITUTION and not _is_official(draft, address),
    }
    return [reason for reason, applies in reasons.items() if applies]


def may_be_crowded(draft: Draft, address: Address) -> bool:
    """Whether the network matters at all for this address."""
    return not _is_official(draft, address)


def _is_official(draft: Draft, address: Address) -> bool:
    return draft.institution is not None and has_domain(draft.institution, address.domain)


# People without an institution have no colleagues (nothing equals NULL), they are strangers to each other.
CROWDED = """
    SELECT count(*) - count(*) FILTER (WHERE institution_id = :institution_id) >= :per_network
        OR count(*) FILTER (WHERE institution_id = :institution_id) >= :per_campus AS crowded
    FROM pledges WHERE network_hash = :network_hash AND submitted_at > :since"""


def crowd_values(
    draft: Draft, network_hash: bytes, limits: Limits, now: datetime
) -> dict[str, Any]:
    """The parameters of CROWDED."""
    return {
        "institution_id": draft.institution.id if draft.institution else None,
        "network_hash": network_hash,
        "since": now - WINDOW,
        "per_network": limits.per_network,
        "per_campus": limits.per_campus,
    }


def _is_crowded(draft: Draft, network_hash: bytes, limits: Limits, now: datetime) -> bool:
    values = crowd_values(draft, network_hash, limits, now)
    return bool(db.session.connection().scalar(text(CROWDED), values))
