"""The jobs of the worker. Each does what the tables say is due and commits; each may safely run twice."""

import logging
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import BoundedSemaphore

from campaign import audit_chain, deliveries, jobs, tasks
from campaign.campaigns import operations as campaign_operations
from campaign.clock import now
from campaign.config import current_settings
from campaign.deliveries import Outcome
from campaign.mail import outbox
from campaign.mail.transport import Transport
from campaign.partners import operations as partner_operations
from campaign.partners import webhooks
from campaign.people import importing
from campaign.pledges import exporting, retention, submitting
from campaign.pledges import supporter_imports as _supporter_imports  # noqa: F401 (kinds of tasks)
from campaign.pledges.policy import current_policy
from campaign.records import operations as record_operations
from campaign.safe_http import Outbound
from campaign.staff import operations as staff_operations
from campaign.staff import policy as staff_policy
from campaign.staff.scopes import Scope, enclose
from campaign.tallies import operations as tally_operations
from campaign.tallies import publishing

log = logging.getLogger(__name__)

# How many threads of a worker process may send at once: two for e-mail, one for partners' servers, which are slow
# now and then. If all threads waited for a server that hangs, the tallies would wait, too.
_mail_slots = BoundedSemaphore(2)
_webhook_slots = BoundedSemaphore(1)


def take_forms() -> None:
    """Take the forms whose addresses may be known."""
    while submitting.take_next(current_policy(), now()):
        jobs.commit()
    jobs.commit()


def send_emails() -> None:
    """Send the e-mails that are due, unless enough threads are sending already."""
    if not _mail_slots.acquire(blocking=False):
        return
    try:
        with Transport(current_settings().smtp_url) as transport:
            outbox.deliver_due(transport, current_policy().paces)
    finally:
        _mail_slots.release()


def send_resets() -> None:
    """Send links to those who cannot sign in at the desk and have an account."""
    while staff_operations.send_reset(staff_policy.current_policy(), now()):
        jobs.commit()
    jobs.commit()


def send_webhooks() -> None:
    """Post the messages to webhooks that are due, unless a thread is posting already."""
    if not _webhook_slots.acquire(blocking=False):
        return
    try:
        with Outbound(may_be_private=current_settings().webhooks_to_private_networks) as outbound:
            deliveries.drain(webhooks.claim, partial(_post, outbound))
    finally:
        _webhook_slots.release()


def _post(outbound: Outbound, claimed: webhooks.ClaimedDelivery) -> Outcome:
    error = webhooks.deliver(outbound, current_policy().signer, claimed, now())
    if error:
        log.warning("webhook %s: %s", claimed.webhook_id, error)
    return Outcome.FAILED if error else Outcome.DELIVERED


def run_tasks() -> None:
    """Do the long work that staff have started, batch by batch, each within the scope of who planned it."""
    tasks.run(now, lambda task: enclose(Scope.from_json(task.scope)))


def publish_due_texts() -> None:
    """Publish the texts of campaigns whose hour has come."""
    while campaign_operations.publish_next_due(now()):
        jobs.commit()
    jobs.commit()


def queue_daily_webhooks() -> None:
    """Queue yesterday's tally for webhooks. The first run after midnight (UTC) does, the others add nothing."""
    webhooks.queue_daily(now())
    jobs.commit()


def fold_tallies() -> None:
    """Add the waiting changes to the tallies, and queue the milestones that were passed for webhooks."""
    while webhooks.fold_and_announce(now()):
        jobs.commit()  # each batch, so that counts rise while the rest is folded
    jobs.commit()


def publish_details() -> None:
    """Publish what people chose, in groups. The first run after midnight (UTC) does, the others add nothing."""
    publishing.publish_if_due(now())
    jobs.commit()


def remind_unconfirmed() -> None:
    """Remind people, once for each pledge, of those that they have not confirmed."""
    while retention.remind(current_policy(), now()):
        jobs.commit()


def keep_retention() -> None:
    """Remove what is no longer kept: unconfirmed pledges, network hashes, deliveries, uploads, exports."""
    settings = current_settings()
    while retention.forget_unconfirmed(now() - timedelta(days=settings.unconfirmed_days)):
        jobs.commit()
    submitting.forget_forms(now())
    outbox.forget_networks(now())
    retention.forget_networks(now() - timedelta(days=settings.network_hash_days))
    outbox.purge(now() - outbox.KEPT)
    webhooks.purge(now() - outbox.KEPT)
    partner_operations.forget(now())
    staff_operations.forget(now())
    importing.forget(now())
    exporting.purge(now())
    jobs.commit()


def publish_records() -> None:
    """Publish yesterday's numbers (UTC), with the list behind them."""
    settings = current_settings()
    folder, day = Path(settings.data_folder), record_operations.last_day(now())
    with record_operations.publication(folder, current_policy().signer, day, settings.site_url):
        jobs.commit()


def reconcile_tallies() -> None:
    """Compare the tallies with the pledges; log each difference as an error, since it is a bug, and repair it."""
    for difference in tally_operations.repair():
        log.error("tally repaired: %s", difference)
    jobs.commit()


def seal_audit() -> None:
    """Seal what was added to the audit log."""
    while audit_chain.seal(current_policy().signer):
        jobs.commit()
    jobs.commit()
