"""Queue e-mails and deliver them. None is lost; a kill can double the one in flight."""

import logging
import math
import re
import smtplib
import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update

from campaign import deliveries, jobs
from campaign.clock import now
from campaign.db import db, new_id
from campaign.deliveries import Outcome
from campaign.mail import pacing
from campaign.mail.compose import compose
from campaign.mail.models import OutgoingEmail
from campaign.mail.pacing import Paces
from campaign.mail.transport import Transport

log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"[^\s<>'\"]+@[^\s<>'\"]+")

# How long a row is kept after the e-mail was sent or given up. It then shows only which e-mail it was, and when.
KEPT = timedelta(days=30)
# How many e-mails that are due are counted.
MANY_DUE = 10_000


def queue(
    template: str,
    locale: str,
    recipient: str,
    recipient_hash: bytes,
    facts: Mapping[str, Any],
    network_hash: bytes | None = None,
    delay: timedelta = timedelta(),
) -> UUID:
    """Queue one e-mail inside the current transaction, to leave after a delay; return its id, for ``recall``.

    ``network_hash`` is set to pace it, see ``mail.pacing``.
    """
    email_id = new_id()
    db.session.add(
        OutgoingEmail(
            id=email_id,
            due_at=func.now() + delay,
            template=template,
            locale=locale,
            recipient=recipient,
            recipient_hash=recipient_hash,
            facts=dict(facts),
            network_hash=network_hash,
        )
    )
    jobs.wake("send_emails")
    return email_id


def recall(email_id: UUID) -> bool:
    """Remove an e-mail that nobody has begun to send; return whether it was still there."""
    untouched = delete(OutgoingEmail).where(
        OutgoingEmail.id == email_id,
        OutgoingEmail.attempts == 0,
        deliveries.is_waiting(OutgoingEmail),
    )
    return db.session.scalar(untouched.returning(OutgoingEmail.id)) is not None


def queued_since(recipient_hash: bytes, templates: Collection[str], since: datetime) -> int:
    """How many e-mails from these templates were queued for one address since a moment, whatever became of them."""
    query = (
        select(func.count())
        .select_from(OutgoingEmail)
        .where(OutgoingEmail.recipient_hash == recipient_hash, OutgoingEmail.queued_at > since)
        .where(OutgoingEmail.template.in_(templates))
    )
    return db.session.scalar(query) or 0


def has_due() -> ColumnElement[bool]:
    """Return the condition that an e-mail is due."""
    return deliveries.has_due(OutgoingEmail)


def seconds_behind() -> float:
    """Return how long ago the oldest e-mail that is due should have been sent; 0 if none is due."""
    query = select(func.min(OutgoingEmail.due_at)).where(deliveries.is_waiting(OutgoingEmail))
    due_at = db.session.scalar(query)
    return max(0.0, (now() - due_at).total_seconds()) if due_at else 0.0


class Backlog(NamedTuple):
    """The state of the outbox."""

    # E-mails that are due, at most ``MANY_DUE``, and for how many seconds the oldest has been.
    due: int
    seconds_behind: float
    # Those that were given up lately.
    given_up: int


def backlog(since: datetime) -> Backlog:
    """Return what is due, and what was given up since a moment. Three statements."""
    some = (
        select(OutgoingEmail.id)
        .where(deliveries.is_waiting(OutgoingEmail), OutgoingEmail.due_at <= func.now())
        .limit(MANY_DUE)
        .subquery()
    )
    due = db.session.scalar(select(func.count()).select_from(some)) or 0
    ended_at = func.coalesce(OutgoingEmail.sent_at, OutgoingEmail.failed_at)
    failed = OutgoingEmail.failed_at.is_not(None) & (ended_at > since)
    given_up = select(func.count()).select_from(OutgoingEmail).where(failed)
    return Backlog(due, seconds_behind(), db.session.scalar(given_up) or 0)


def claim(paces: Paces, until: float = math.inf) -> OutgoingEmail | None:
    """Lease the next e-mail that is due, and whose turn it is. See ``deliveries.claim``.

    Puts others off until this moment (``time.monotonic``) at most.
    """
    while time.monotonic() < until and (email := deliveries.claim(OutgoingEmail)):
        if not pacing.put_off(email, paces, now()):
            return email
        jobs.commit()
    return None


def deliver_due(transport: Transport, paces: Paces) -> int:
    """Send what is due until the server cannot be reached; return how many were sent. See ``deliveries.drain``."""
    until = time.monotonic() + deliveries.RUN_SECONDS
    return deliveries.drain(partial(claim, paces, until), partial(_deliver, transport))


def _deliver(transport: Transport, email: OutgoingEmail) -> Outcome:
    """Send one e-mail and record what became of it."""
    try:
        transport.send(compose(email))
    except Exception as error:  # one e-mail that cannot be composed must not stop the others
        _record_failure(email, error)
        return Outcome.UNREACHABLE if _is_unreachable(error) else Outcome.FAILED
    email.sent_at, email.recipient, email.facts, email.error = now(), None, {}, None
    return Outcome.DELIVERED


def _record_failure(email: OutgoingEmail, error: Exception) -> None:
    log.warning("e-mail %s (%s): %s", email.id, email.template, type(error).__name__)
    # Servers repeat the address that they refuse. It must not outlive its person, who may have been erased while
    # this e-mail was on its way.
    description = _ADDRESS.sub("<address>", f"{type(error).__name__}: {error}")
    deliveries.record_failure(email, description, now(), permanent=_is_permanent(error))


def _is_unreachable(error: Exception) -> bool:
    """Whether the server itself cannot be talked to, as opposed to refusing this one e-mail."""
    # smtplib's errors are OSErrors, too.
    return isinstance(error, OSError) and not isinstance(
        error,
        smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError | smtplib.SMTPNotSupportedError,
    )


def _is_permanent(error: Exception) -> bool:
    """Whether the server refused this recipient or message permanently (RFC 5321, 4.2.1: 5yz)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and 500 <= error.smtp_code < 600


def forget(recipient_hashes: Collection[bytes], recipient: str) -> None:
    """Stop and clear what has not been sent to an address. It still counts in ``queued_since``."""
    unsent = update(OutgoingEmail).where(
        OutgoingEmail.recipient_hash.in_(recipient_hashes),
        OutgoingEmail.recipient == recipient,
        OutgoingEmail.sent_at.is_(None),
    )
    db.session.execute(
        unsent.values(
            recipient=None,
            facts={},
            network_hash=None,
            error=None,
            failed_at=func.coalesce(OutgoingEmail.failed_at, func.now()),
        )
    )


def purge(before: datetime) -> None:
    """Remove e-mails that were sent or given up before a moment."""
    deliveries.purge(OutgoingEmail, before)


def forget_networks(now: datetime) -> None:
    """Remove which networks caused e-mails, as soon as it serves nothing any more."""
    ended = OutgoingEmail.failed_at.is_not(None) | OutgoingEmail.sent_at.is_not(None)
    told = OutgoingEmail.network_hash.is_not(None) & ended
    db.session.execute(update(OutgoingEmail).where(told).values(network_hash=None))
    pacing.forget(now)
