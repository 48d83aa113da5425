"""Limits of failed sign-ins, that lock out those who guess and not the owner.

What counts are failures: for one address from one network, for one network, and for one address in all. The last
limit does not apply to networks in which the owner has been signed in, nor to passkeys, which cannot be guessed.
Unknown addresses are counted like known ones, by the same statements, so neither the answer nor its time says
anything. Guesses at one address wait for each other, so that none is made before the others are counted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select

from campaign.db import db
from campaign.staff import sessions
from campaign.staff.models import Account, Attempt

WINDOW = timedelta(minutes=15)
PER_ADDRESS_AND_NETWORK = 10
PER_NETWORK = 50
PER_ADDRESS = 30
_SUSPICIOUS = 3

_NOBODY = UUID(int=0)


class TooManyAttempts(Exception):
    """Too many sign-ins have failed; it can be tried again after WINDOW."""


@dataclass(frozen=True)
class Source:
    """Whose address is tried, and from where, as keyed hashes."""

    address_hash: bytes
    network_hash: bytes


def check(source: Source, account: Account | None, now: datetime) -> None:
    """Raises TooManyAttempts."""
    db.session.execute(select(func.pg_advisory_xact_lock(_lock_number(source.address_hash))))
    of_address = Attempt.address_hash == source.address_hash
    of_network = Attempt.network_hash == source.network_hash
    is_known = sessions.has_been_in(account.id if account else _NOBODY, source.network_hash)
    if (
        _failures(now, of_address, of_network) >= PER_ADDRESS_AND_NETWORK
        or _failures(now, of_network) >= PER_NETWORK
        or (_failures(now, of_address) >= PER_ADDRESS and not is_known)
    ):
        raise TooManyAttempts


def are_suspicious(source: Source, now: datetime) -> bool:
    """Whether so many sign-ins have failed that it was hardly the owner, who mistypes once or twice."""
    same = (
        Attempt.address_hash == source.address_hash,
        Attempt.network_hash == source.network_hash,
    )
    return _failures(now, *same) >= _SUSPICIOUS


def _lock_number(address_hash: bytes) -> int:
    return int.from_bytes(address_hash[:8], signed=True)


def _failures(now: datetime, *criteria: ColumnElement[bool]) -> int:
    recent = (
        select(func.count()).select_from(Attempt).where(Attempt.failed_at > now - WINDOW, *criteria)
    )
    return db.session.scalar(recent) or 0


def note_failure(source: Source, now: datetime) -> None:
    """Count a sign-in that failed."""
    db.session.add(
        Attempt(address_hash=source.address_hash, network_hash=source.network_hash, failed_at=now)
    )
    db.session.flush()


def forget(now: datetime) -> None:
    """Remove failures that count no more."""
    db.session.execute(delete(Attempt).where(Attempt.failed_at < now - WINDOW))
