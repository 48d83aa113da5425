"""Secrets that work once, for one purpose and a limited time: links in letters, challenges, what was written.

Only the hash of a secret is stored, so a stolen database opens nothing.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import delete

from campaign.db import db
from campaign.staff.models import Account, Ticket


class Purpose(StrEnum):
    """What a ticket is good for."""

    INVITATION = "invitation"
    RESET = "reset"
    # Opens the desk of a demonstration on one's own machine, again and again.
    DEMONSTRATION = "demonstration"
    # The password was right; the code from the app is to come.
    SECOND_FACTOR = "second factor"
    # What a passkey has to sign, to sign in or to be added.
    CHALLENGE = "challenge"
    NEW_PASSKEY = "new passkey"
    # The secret of an authenticator app that is being set up.
    NEW_APP = "new app"
    # What someone had written when their session ended.
    SEALED = "sealed"


class InvalidTicket(Exception):
    """There is no such ticket: it was used, has expired, or never was."""


def issue(
    purpose: Purpose,
    account: Account | None,
    expires_at: datetime,
    payload: Mapping[str, Any] | None = None,
) -> str:
    """Add a ticket and return its secret: 256 bits, which are stored nowhere."""
    secret = secrets.token_urlsafe(32)
    db.session.add(
        Ticket(
            digest=digest_of(secret),
            purpose=purpose,
            account=account,
            payload=dict(payload or {}),
            expires_at=expires_at,
        )
    )
    db.session.flush()
    return secret


def look(purpose: Purpose, secret: str, now: datetime) -> Ticket:
    """Return the ticket and leave it as it is. Raises InvalidTicket."""
    ticket = db.session.get(Ticket, digest_of(secret))
    if not ticket or ticket.purpose != purpose or ticket.expires_at <= now:
        raise InvalidTicket
    if ticket.account and ticket.account.ended_at:
        raise InvalidTicket
    return ticket


def redeem(purpose: Purpose, secret: str, now: datetime) -> Ticket:
    """Return the ticket and use it up: of two who try, one succeeds. Raises InvalidTicket."""
    ticket = look(purpose, secret, now)
    use = delete(Ticket).where(Ticket.digest == ticket.digest).returning(Ticket.digest)
    if db.session.scalar(use, execution_options={"synchronize_session": False}) is None:
        raise InvalidTicket
    return ticket


def forget(account: Account, *purposes: Purpose) -> None:
    """Make the account's tickets for these purposes invalid."""
    theirs = delete(Ticket).where(Ticket.account_id == account.id, Ticket.purpose.in_(purposes))
    db.session.execute(theirs)


def forget_expired(now: datetime) -> None:
    """Remove what has expired."""
    db.session.execute(delete(Ticket).where(Ticket.expires_at <= now))


def digest_of(secret: str) -> bytes:
    """Return the SHA-256 of a random secret, which needs no key: nobody can guess 256 bits."""
    return sha256(secret.encode()).digest()
