"""Sessions: a random cookie, of which the database knows the hash. Listed and ended by their owner."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import joinedload

from campaign.db import db
from campaign.staff.models import Account, StaffSession
from campaign.staff.policy import FRESH, IDLE, LONGEST_SESSION
from campaign.staff.tickets import digest_of

# How far the time of the last request may lag behind, so that reading a page writes no row.
_SEEN_STEP = timedelta(minutes=1)


def begin(
    account: Account, browser: str, network_hash: bytes, now: datetime
) -> tuple[StaffSession, str]:
    """Begin a session; return it with the secret of its cookie: 256 bits, stored nowhere."""
    secret = secrets.token_urlsafe(32)
    session = StaffSession(
        account=account,
        digest=digest_of(secret),
        browser=browser,
        network_hash=network_hash,
        began_at=now,
        seen_at=now,
        proved_at=now,
    )
    db.session.add(session)
    db.session.flush()
    return session, secret


def renew(session: StaffSession, now: datetime) -> str:
    """Note that its owner has just proved who they are; return the secret of its new cookie (ASVS 5.0, 7.2.4)."""
    secret = secrets.token_urlsafe(32)
    session.digest, session.proved_at = digest_of(secret), now
    return secret


def find(secret: str) -> StaffSession | None:
    """Return the session of a cookie, open or not."""
    sessions = select(StaffSession).options(joinedload(StaffSession.account))
    return db.session.scalar(sessions.where(StaffSession.digest == digest_of(secret)))


def is_open(session: StaffSession, now: datetime) -> bool:
    """Whether the session still opens the desk."""
    return (
        session.ended_at is None
        and session.account.ended_at is None
        and now < session.seen_at + IDLE
        and now < session.began_at + LONGEST_SESSION
    )


def is_fresh(session: StaffSession, now: datetime) -> bool:
    """Whether its owner proved who they are a moment ago."""
    return now < session.proved_at + FRESH


def see(session: StaffSession, now: datetime) -> bool:
    """Note that the session is used; return whether that is to be committed."""
    if now < session.seen_at + _SEEN_STEP:
        return False
    session.seen_at = now
    return True


def end(session: StaffSession, now: datetime) -> None:
    """End one session."""
    session.ended_at = session.ended_at or now


def end_all(account: Account, now: datetime, *, but: UUID | None = None) -> None:
    """End all sessions of an account, or all but one."""
    theirs = (StaffSession.account_id == account.id, StaffSession.ended_at.is_(None))
    others = (StaffSession.id != but,) if but else ()
    db.session.execute(update(StaffSession).where(*theirs, *others).values(ended_at=now))


def open_sessions(account: Account, now: datetime) -> Sequence[StaffSession]:
    """Return the account's sessions that are open, the one seen last first."""
    theirs = select(StaffSession).where(
        StaffSession.account_id == account.id,
        StaffSession.ended_at.is_(None),
        StaffSession.seen_at > now - IDLE,
        StaffSession.began_at > now - LONGEST_SESSION,
    )
    return db.session.scalars(theirs.order_by(StaffSession.seen_at.desc())).all()


def seen_before(session: StaffSession) -> datetime | None:
    """Return when the account was last here before this session began; None where it never was."""
    others = select(func.max(StaffSession.seen_at)).where(
        StaffSession.account_id == session.account_id, StaffSession.began_at < session.began_at
    )
    return db.session.scalar(others)


def has_been_in(account_id: UUID, network_hash: bytes) -> bool:
    """Whether the account has been signed in from this network before."""
    seen = select(StaffSession.id).where(
        StaffSession.account_id == account_id, StaffSession.network_hash == network_hash
    )
    return db.session.scalar(seen.limit(1)) is not None


def is_unfamiliar(session: StaffSession) -> bool:
    """Whether its account was never before signed in from its network, nor with such a browser."""
    is_alike = or_(
        StaffSession.network_hash == session.network_hash, StaffSession.browser == session.browser
    )
    others = select(StaffSession.id).where(
        StaffSession.account_id == session.account_id, StaffSession.id != session.id, is_alike
    )
    return db.session.scalar(others.limit(1)) is None
