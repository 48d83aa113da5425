"""Claiming from a queue: one e-mail of 300,000 that are due at one instant, next to an update by key; and purging.

Target: the median claim under 1 ms.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from statistics import median
from uuid import UUID

from sqlalchemy import select, text, update

from campaign import jobs
from campaign.app import create_worker
from campaign.clock import now
from campaign.db import db
from campaign.mail import outbox
from campaign.mail.models import OutgoingEmail
from campaign.mail.pacing import Paces
from tests.benchmarks.tools import database

PACES = Paces(per_network=60, in_all=6_000)

QUEUED = 300_000
CLAIMS = 500
PURGED = 1_000

_QUEUE = """
    INSERT INTO outgoing_emails (template, locale, recipient, recipient_hash, facts)
    SELECT 'held', 'en', 'bench-' || i || '@example.org', sha256(i::text::bytea), '{}'
    FROM generate_series(1, :rows) AS i"""
# As if one had been sent every second.
_SEND = """
    UPDATE outgoing_emails SET sent_at = now() - number * interval '1 second'
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM outgoing_emails) AS numbered
    WHERE outgoing_emails.id = numbered.id"""


def main() -> None:
    with database() as settings, create_worker(settings).app_context():
        _prepare(_QUEUE, rows=QUEUED)
        claim, by_key = _claims()
        _prepare(_SEND)
        before = now() - timedelta(seconds=QUEUED - PURGED)
        purge = _milliseconds(lambda: outbox.purge(before))
    print(f"claim: median {claim:.2f} ms with {QUEUED:,} due at one instant (target under 1 ms)")
    print(f"claim: an update by key {by_key:.2f} ms, ratio {claim / by_key:.2f}")
    print(f"purge: {purge:.1f} ms for {PURGED:,} rows of {QUEUED:,}")


def _prepare(statement: str, **parameters: int) -> None:
    db.session.execute(text(statement), parameters)
    jobs.commit()
    db.session.execute(text("ANALYZE outgoing_emails"))
    jobs.commit()


def _claims() -> tuple[float, float]:
    """Median milliseconds of a claim and of an update by key, in turns: a machine has its moods."""
    newest_first = select(OutgoingEmail.id).order_by(OutgoingEmail.id.desc())
    ids = db.session.scalars(newest_first.limit(CLAIMS)).all()
    claims, updates = [], []
    for id_ in ids:
        claims.append(_milliseconds(lambda: outbox.claim(PACES)))
        updates.append(_milliseconds(partial(_update, id_)))
    return median(claims), median(updates)


def _update(id_: UUID) -> None:
    by_key = update(OutgoingEmail).where(OutgoingEmail.id == id_).values(attempts=1)
    db.session.scalar(by_key.returning(OutgoingEmail))


def _milliseconds(work: Callable[[], object]) -> float:
    """How long the work takes without its commit, which waits for the disk."""
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    jobs.commit()
    return seconds * 1000


if __name__ == "__main__":
    main()
