"""What the worker does: each job reads the tables for what is due, does it, commits; safe to run twice."""

import logging
import time
from datetime import timedelta
from pathlib import Path
from threading import BoundedSemaphore

from campaign import jobs
from campaign.clock import now
from campaign.config import current_settings
from campaign.mail import outbox
from campaign.mail.transport import Transport
from campaign.partners import operations as partners
from campaign.partners import webhooks
from campaign.pledges import retention
from campaign.pledges.policy import current_policy
from campaign.records import operations as records
from campaign.safe_http import Outbound
from campaign.tallies import operations as tallies

log = logging.getLogger(__name__)

# Half the threads of a worker process: a mail server that hangs must not keep the tallies waiting.
_senders = BoundedSemaphore(2)
_posters = BoundedSemaphore(1)  # partners' servers are slow now and then

POSTING_SECONDS = 60


def send_letters() -> None:
    if not _senders.acquire(blocking=False):
        return
    try:
        with Transport(current_settings().smtp_url) as transport:
            outbox.deliver_due(transport)
    finally:
        _senders.release()


def send_webhooks() -> None:
    if not _posters.acquire(blocking=False):
        return
    try:
        with Outbound(may_be_private=current_settings().webhooks_to_private_networks) as outbound:
            until = time.monotonic() + POSTING_SECONDS
            while time.monotonic() < until and (parcel := _claim()):
                if error := webhooks.deliver(outbound, current_policy().signer, parcel, now()):
                    log.warning("webhook %s: %s", parcel.webhook_id, error)
                jobs.commit()
    finally:
        _posters.release()


def _claim() -> webhooks.Parcel | None:
    parcel = webhooks.claim()
    jobs.commit()
    return parcel


def queue_daily_webhooks() -> None:
    """Tell of yesterday's tally, once a day: the hours after midnight find that all is queued."""
    webhooks.queue_daily(now())
    jobs.commit()


def fold_tallies() -> None:
    while webhooks.fold_and_announce(now()):
        jobs.commit()  # each batch, so that counts rise while the rest is folded
    jobs.commit()


def remind_unconfirmed() -> None:
    while retention.remind(current_policy(), now()):
        jobs.commit()


def keep_retention() -> None:
    """Remove what is kept for a limited time only: unconfirmed pledges, network hashes, what was sent."""
    settings = current_settings()
    while retention.forget_unconfirmed(now() - timedelta(days=settings.unconfirmed_days)):
        jobs.commit()
    retention.forget_networks(now() - timedelta(days=settings.network_hash_days))
    outbox.purge(now() - outbox.KEPT)
    webhooks.purge(now() - outbox.KEPT)
    partners.forget(now())
    jobs.commit()


def publish_records() -> None:
    """Publish the numbers of the day that is over, with the list behind them."""
    settings = current_settings()
    folder, day = Path(settings.data_folder), records.last_day(now())
    with records.publication(folder, current_policy().signer, day, settings.site_url):
        jobs.commit()


def reconcile_tallies() -> None:
    """Compare tallies with the pledges; a difference is a bug, so it is shouted about, then repaired."""
    for difference in tallies.repair(now()):
        log.error("tally repaired: %s", difference)
    jobs.commit()
