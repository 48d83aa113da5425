"""Queueing letters and delivering them: nobody's letter is lost, a kill doubles at most the one in flight."""

import logging
import smtplib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.mail.compose import compose
from campaign.mail.models import Letter
from campaign.mail.transport import Transport

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
BATCH = 50
# 1, 2, 4 … minutes, about two days in all: long enough for a mail server's weekend.
MAX_ATTEMPTS = 12


def queue(
    template: str, locale: str, recipient: str, recipient_hash: bytes, facts: Mapping[str, Any]
) -> None:
    """Queue one letter inside the current transaction."""
    db.session.add(
        Letter(
            template=template,
            locale=locale,
            recipient=recipient,
            recipient_hash=recipient_hash,
            facts=dict(facts),
        )
    )
    jobs.wake("send_letters")


def queued_since(recipient_hash: bytes, since: datetime) -> int:
    """How many letters one address got or will get, counted from a moment."""
    counted = select(func.count()).select_from(Letter)
    return (
        db.session.scalar(
            counted.where(Letter.recipient_hash == recipient_hash, Letter.queued_at > since)
        )
        or 0
    )


def has_due() -> bool:
    due = select(Letter.id).where(
        Letter.sent_at.is_(None), Letter.failed_at.is_(None), Letter.due_at <= func.now()
    )
    return db.session.scalar(due.limit(1)) is not None


def deliver_due(transport: Transport) -> int:
    """Send every letter that is due; return how many were sent. Commits, since each outcome must survive a kill."""
    sent = 0
    while letters := _claim():
        for letter in letters:
            sent += _deliver(letter, transport)
    return sent


def _claim() -> Sequence[Letter]:
    """Take a batch for LEASE. Another worker skips the locked rows and, later, the leased ones."""
    due = (
        select(Letter.id)
        .where(Letter.sent_at.is_(None), Letter.failed_at.is_(None), Letter.due_at <= func.now())
        .order_by(Letter.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    claim = (
        update(Letter)
        .where(Letter.id.in_(due.scalar_subquery()))
        .values(due_at=func.now() + LEASE, attempts=Letter.attempts + 1)
        .returning(Letter)
    )
    letters = db.session.scalars(claim).all()
    jobs.commit()
    return letters


def _deliver(letter: Letter, transport: Transport) -> bool:
    try:
        transport.send(compose(letter))
    except (smtplib.SMTPException, OSError) as error:
        _record_failure(letter, error)
        return False
    except Exception as error:  # a letter that cannot be composed must not stop the others
        log.exception("letter %s (%s) cannot be composed", letter.id, letter.template)
        _record_failure(letter, error, final=True)
        return False
    letter.sent_at, letter.recipient, letter.facts = now(), None, {}
    jobs.commit()
    return True


def _record_failure(letter: Letter, error: Exception, final: bool = False) -> None:
    letter.error = f"{type(error).__name__}: {error}"[:500]
    if final or letter.attempts >= MAX_ATTEMPTS or _is_permanent(error):
        letter.failed_at = now()
    else:
        letter.due_at = now() + timedelta(minutes=2 ** (letter.attempts - 1))
    jobs.commit()


def _is_permanent(error: Exception) -> bool:
    """Whether the server refused this very recipient for good (RFC 5321, 4.2.1: 5yz)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and 500 <= error.smtp_code < 600


def purge(sent_before: datetime) -> None:
    """Remove letters that were sent, or given up, before a moment."""
    db.session.execute(
        delete(Letter).where(func.coalesce(Letter.sent_at, Letter.failed_at) < sent_before)
    )
