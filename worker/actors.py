"""What the worker does: each job reads the tables for what is due, does it, commits; safe to run twice."""

import logging
from datetime import timedelta
from threading import BoundedSemaphore

from flask import current_app

from campaign import jobs
from campaign.clock import now
from campaign.config import Settings
from campaign.mail import outbox
from campaign.mail.transport import Transport
from campaign.pledges import operations as pledges
from campaign.pledges.operations import Office
from campaign.tallies import operations as tallies

log = logging.getLogger(__name__)

LETTERS_KEPT = timedelta(days=30)

# Half the threads of a worker process: a mail server that hangs must not keep the tallies waiting.
_senders = BoundedSemaphore(2)


def send_letters() -> None:
    if not _senders.acquire(blocking=False):
        return
    try:
        with Transport(_settings().smtp_url) as transport:
            outbox.deliver_due(transport)
    finally:
        _senders.release()


def fold_tallies() -> None:
    while (
        tallies.fold()
    ):  # each batch is a transaction, so that counts rise while the rest is folded
        jobs.commit()
    jobs.commit()


def remind_unconfirmed() -> None:
    while pledges.remind(_office(), now()):
        jobs.commit()


def keep_retention() -> None:
    """Remove what is kept for a limited time only: unconfirmed pledges, network hashes, sent letters."""
    settings = _settings()
    while pledges.forget_unconfirmed(now() - timedelta(days=settings.unconfirmed_days)):
        jobs.commit()
    pledges.forget_networks(now() - timedelta(days=settings.network_hash_days))
    outbox.purge(now() - LETTERS_KEPT)
    jobs.commit()


def reconcile_tallies() -> None:
    """Compare tallies with the pledges; a difference is a bug, so it is shouted about, then repaired."""
    for difference in tallies.repair(now()):
        log.error("tally repaired: %s", difference)
    jobs.commit()


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _office() -> Office:
    office: Office = current_app.extensions["office"]
    return office
