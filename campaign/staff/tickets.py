"""Secrets that work once, for one purpose and a limited time: links in letters, challenges, what was written.

Only the hash of a secret is stored, and what belongs to it is encrypted with the secret, so a stolen database opens
and tells nothing.
"""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, delete, exists, func, select

from campaign.db import db
from campaign.staff.models import Account, Ticket

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class Purpose(StrEnum):
    """What a ticket is good for."""

    INVITATION = "invitation"
    RESET = "reset"
    # An address that someone typed who cannot sign in; the worker looks whether it has an account.
    RESET_REQUEST = "reset request"
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


@dataclass(frozen=True)
class Opened:
    """What a secret opens: whose ticket it is, and what belongs to it."""

    digest: bytes
    account: Account | None
    payload: Mapping[str, Any]


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
            payload=_encrypted(secret, payload) if payload else {},
            expires_at=expires_at,
        )
    )
    db.session.flush()
    return secret


def _encrypted(secret: str, payload: Mapping[str, Any]) -> dict[str, str]:
    return {"encrypted": _cipher(secret).encrypt(json.dumps(payload).encode()).decode()}


def _decrypted(secret: str, stored: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the payload; one that was stored by an earlier version is not encrypted."""
    if "encrypted" not in stored:
        return stored
    payload: dict[str, Any] = json.loads(_cipher(secret).decrypt(stored["encrypted"]))
    return payload


def _cipher(secret: str) -> "Fernet":
    from cryptography.fernet import Fernet

    return Fernet(urlsafe_b64encode(sha256(f"payload\0{secret}".encode()).digest()))


def look(purpose: Purpose, secret: str, now: datetime) -> Opened:
    """Return the ticket and leave it as it is. Raises InvalidTicket."""
    ticket = db.session.get(Ticket, digest_of(secret))
    if not ticket or ticket.purpose != purpose or ticket.expires_at <= now:
        raise InvalidTicket
    if ticket.account and ticket.account.ended_at:
        raise InvalidTicket
    return Opened(ticket.digest, ticket.account, _decrypted(secret, ticket.payload))


def redeem(purpose: Purpose, secret: str, now: datetime) -> Opened:
    """Return the ticket and use it up: of two who try, one succeeds. Raises InvalidTicket."""
    ticket = look(purpose, secret, now)
    use = delete(Ticket).where(Ticket.digest == ticket.digest).returning(Ticket.digest)
    if db.session.scalar(use, execution_options={"synchronize_session": False}) is None:
        raise InvalidTicket
    return ticket


def ask(purpose: Purpose, expires_at: datetime, payload: Mapping[str, str]) -> None:
    """Add a ticket that nobody has the secret of, for the worker; its payload is stored as it is given."""
    digest = secrets.token_bytes(32)
    db.session.add(
        Ticket(digest=digest, purpose=purpose, payload=dict(payload), expires_at=expires_at)
    )
    db.session.flush()


def is_asked(purpose: Purpose) -> ColumnElement[bool]:
    """Return the condition that such a ticket waits for the worker."""
    return exists().where(Ticket.purpose == purpose)


def take(purpose: Purpose) -> Mapping[str, str] | None:
    """Return the payload of a ticket for this purpose, which is thereby used up; None where there is none."""
    next_ = select(Ticket.digest).where(Ticket.purpose == purpose).limit(1)
    claimed = delete(Ticket).where(
        Ticket.digest == next_.with_for_update(skip_locked=True).scalar_subquery()
    )
    return db.session.scalar(
        claimed.returning(Ticket.payload), execution_options={"synchronize_session": False}
    )


def number_of(account: Account, purpose: Purpose) -> int:
    """Return how many tickets the account has for a purpose."""
    theirs = select(func.count()).where(Ticket.account_id == account.id, Ticket.purpose == purpose)
    return db.session.scalar(theirs) or 0


def forget(account: Account, *purposes: Purpose) -> None:
    """Make the account's tickets for these purposes invalid."""
    theirs = delete(Ticket).where(Ticket.account_id == account.id, Ticket.purpose.in_(purposes))
    db.session.execute(theirs)


def forget_expired(now: datetime) -> None:
    """Remove what has expired."""
    db.session.execute(delete(Ticket).where(Ticket.expires_at <= now))


def digest_of(secret: str) -> bytes:
    """Return the SHA-256 of a random secret, which needs no key: nobody can guess 256 bits."""
    # JSON can spell halves of characters, which UTF-8 does not have.
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
