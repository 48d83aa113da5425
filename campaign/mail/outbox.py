"""Queueing letters and delivering them: nobody's letter is lost, a kill doubles at most the one in flight."""

import logging
import smtplib
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from campaign import deliveries, jobs
from campaign.clock import now
from campaign.db import db
from campaign.mail.compose import compose
from campaign.mail.models import Letter
from campaign.mail.transport import Transport

log = logging.getLogger(__name__)

# Far below the time limit of the worker's jobs, which could cut in between sending a letter and recording it.
RUN_SECONDS = 60
# After it was sent or given up; by then it shows nothing but which letter it was and when.
KEPT = timedelta(days=30)


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
    return deliveries.has_due(Letter)


def deliver_due(transport: Transport) -> int:
    """Send letters that are due, for RUN_SECONDS at most; return how many were sent.

    Commits, since each outcome must survive a kill. Stops where the server is away: the next letter would fare no
    better, and the sweep tries again.
    """
    sent, until = 0, time.monotonic() + RUN_SECONDS
    while time.monotonic() < until and (letter := _claim()):
        try:
            transport.send(compose(letter))
        except Exception as error:  # one letter that cannot be composed must not stop the others
            _record_failure(letter, error)
            if _is_away(error):
                break
        else:
            letter.sent_at, letter.recipient, letter.facts, letter.error = now(), None, {}, None
            jobs.commit()
            sent += 1
    return sent


def _claim() -> Letter | None:
    letter = deliveries.claim(Letter)
    jobs.commit()
    return letter


def _record_failure(letter: Letter, error: Exception) -> None:
    log.warning("letter %s (%s): %s", letter.id, letter.template, type(error).__name__)
    told = f"{type(error).__name__}: {error}"
    deliveries.record_failure(letter, told, now(), for_good=_is_permanent(error))
    jobs.commit()


def _is_away(error: Exception) -> bool:
    """Whether it is the server that cannot be talked to, not this letter that it does not take."""
    # smtplib's errors are OSErrors, too.
    return isinstance(error, OSError) and not isinstance(
        error,
        smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError | smtplib.SMTPNotSupportedError,
    )


def _is_permanent(error: Exception) -> bool:
    """Whether the server refused this very recipient for good (RFC 5321, 4.2.1: 5yz)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and 500 <= error.smtp_code < 600


def forget(recipient_hash: bytes) -> None:
    """Stop what is on its way to an address, and forget it; the letters still count for its daily share."""
    unsent = update(Letter).where(Letter.recipient_hash == recipient_hash, Letter.sent_at.is_(None))
    db.session.execute(
        unsent.values(
            recipient=None,
            facts={},
            error=None,
            failed_at=func.coalesce(Letter.failed_at, func.now()),
        )
    )


def purge(sent_before: datetime) -> None:
    """Remove letters that were sent, or given up, before a moment."""
    deliveries.purge(Letter, sent_before)
