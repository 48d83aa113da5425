"""Reporting counts to partners: which messages are queued for which webhook, and how they are sent.

Messages are signed as Standard Webhooks specifies (https://www.standardwebhooks.com). Rows are unique by webhook
and subject, so nothing is queued twice. A kill can double the message in flight, under the same ``webhook-id``,
never lose one.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Update, bindparam, delete, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import BigInteger
from standardwebhooks import Webhook as Signature

from campaign import deliveries, jobs
from campaign.audit import SYSTEM, Actor
from campaign.db import db, new_id
from campaign.partners.models import Webhook, WebhookDelivery
from campaign.partners.operations import note
from campaign.partners.rules import DAILY, MILESTONE, MILESTONES, TEST
from campaign.safe_http import Outbound
from campaign.tallies import operations as tally_operations
from campaign.tokens import Signer

# How long the other messages of a webhook are held back after a failure. Not for as long as the one that failed: a
# message that is never accepted must not keep the others from being tried.
PAUSE = timedelta(minutes=1)
GONE = 410

# The counts for each webhook: those of whole campaigns, or of its institution together with the records that
# succeeded it, since the pledges of a merged institution move only when staff move them.
_COUNTED = """
    RECURSIVE watched (webhook_id, dimension, key) AS (
        SELECT id, CASE WHEN institution_id IS NULL THEN 'total' ELSE 'institution' END,
               coalesce(institution_id, '')
        FROM webhooks
        WHERE disabled_at IS NULL AND :event = ANY (events) AND created_at < :added_before
          AND (CAST(:only AS uuid) IS NULL OR id = CAST(:only AS uuid))
        UNION
        SELECT webhook_id, dimension, successor_id FROM watched JOIN institutions ON institutions.id = key
        WHERE dimension = 'institution' AND status <> 'active' AND successor_id IS NOT NULL
    ),
    counted AS (
        SELECT webhook_id, campaigns.id AS campaign_id, slug,
               coalesce(sum(count) FILTER (WHERE kind = 'person'), 0)::bigint AS persons,
               coalesce(sum(count) FILTER (WHERE kind = 'institution'), 0)::bigint AS institutions
        FROM watched CROSS JOIN campaigns
        LEFT JOIN tallies ON tallies.campaign_id = campaigns.id
            AND tallies.dimension = watched.dimension AND tallies.key = watched.key
        GROUP BY webhook_id, campaigns.id, slug
    )"""
_REACH = text(f"""
    WITH {_COUNTED},
    reached AS (
        INSERT INTO webhook_milestones (webhook_id, campaign_id, milestone)
        SELECT webhook_id, campaign_id, passed FROM counted, unnest(:milestones) AS passed
        WHERE passed <= persons AND NOT EXISTS (
            SELECT FROM webhook_milestones AS known
            WHERE known.webhook_id = counted.webhook_id AND known.campaign_id = counted.campaign_id
                AND known.milestone = passed)
        ON CONFLICT DO NOTHING
        RETURNING webhook_id, campaign_id, milestone
    )
    SELECT webhook_id, slug, institution_id, milestone, persons, institutions
    FROM reached JOIN counted USING (webhook_id, campaign_id) JOIN webhooks ON webhooks.id = webhook_id
    ORDER BY webhook_id, slug, milestone""").bindparams(  # noqa: S608 - both parts are constants of ours
    bindparam("milestones", type_=ARRAY(BigInteger))
)
_TODAY = text(f"""
    WITH {_COUNTED}
    SELECT webhook_id, slug, institution_id, persons, institutions
    FROM counted JOIN webhooks ON webhooks.id = webhook_id
    ORDER BY webhook_id, slug""")  # noqa: S608


@dataclass(frozen=True)
class ClaimedDelivery:
    """A claimed message, copied from its row, so that no transaction stays open while it is posted."""

    id: UUID
    webhook_id: UUID
    url: str
    message: dict[str, Any]


class Disabled(Exception):
    """The webhook was disabled: it accepted nothing for days, or answered that it is gone."""


def add(
    url: str, institution_id: str | None, events: Sequence[str], actor: Actor, now: datetime
) -> Webhook:
    """Add a webhook. Milestones that are passed already are not announced to it."""
    webhook = Webhook(
        id=new_id(), url=url, institution_id=institution_id, events=list(events), created_at=now
    )
    db.session.add(webhook)
    note(
        actor,
        "webhook added",
        str(webhook.id),
        url=url,
        institution=institution_id,
        events=list(events),
    )
    db.session.flush()
    _reach(now, webhook.id)
    return webhook


def secret_of(signer: Signer, webhook_id: UUID) -> str:
    """The secret that signs a webhook's messages, derived from our own key, so that no database contains it."""
    key = signer.fingerprint("webhook", str(webhook_id))
    return "whsec_" + base64.b64encode(key).decode("ascii")


def remove(webhook: Webhook, actor: Actor) -> None:
    """Remove a webhook with all its messages."""
    note(actor, "webhook removed", str(webhook.id), url=webhook.url)
    db.session.execute(delete(Webhook).where(Webhook.id == webhook.id))


def fold_and_announce(now: datetime) -> int:
    """Fold one batch of changes and queue the milestones it passed; return the size of the batch.

    See ``tallies.operations.fold``.
    """
    folded = tally_operations.fold()
    if folded:
        announce_milestones(now)
    return folded


def announce_milestones(now: datetime) -> int:
    """Queue a message for each milestone that was passed since the last call; return how many.

    Belongs in the transaction of the fold, so that none is lost or announced twice.
    """
    return _queue(
        _row(row, MILESTONE, str(row.milestone), now, milestone=row.milestone)
        for row in _reach(now, None)
    )


def _reach(now: datetime, only: UUID | None) -> Sequence[Row[Any]]:
    """Note the milestones that all webhooks, or only one, have newly passed; return them with their counts."""
    values = {
        "event": MILESTONE,
        "only": only,
        "added_before": now + timedelta(days=1),
        "milestones": list(MILESTONES),
    }
    return db.session.execute(_REACH, values).all()


def queue_daily(now: datetime) -> int:
    """Queue yesterday's tally (UTC) for webhooks that do not have it yet; return how many messages."""
    midnight = datetime.combine(now.astimezone(UTC).date(), datetime.min.time(), UTC)
    day = (midnight - timedelta(days=1)).date().isoformat()
    rows = db.session.execute(_TODAY, {"event": DAILY, "only": None, "added_before": midnight})
    return _queue(_row(row, DAILY, day, now, day=day) for row in rows.all())


def queue_test(webhook: Webhook, now: datetime) -> UUID:
    """Queue a message without data; return its id. Raises Disabled."""
    if webhook.disabled_at:
        raise Disabled
    id_ = new_id()
    message = _message(TEST, now, {})
    _queue([{"id": id_, "webhook_id": webhook.id, "subject": f"{TEST} {id_}", "message": message}])
    return id_


def _row(
    counts: Row[Any], kind: str, what: str, now: datetime, **more: str | int
) -> dict[str, Any]:
    """The values of a delivery that reports these counts. ``kind`` and ``what`` make its subject unique."""
    data = {
        "campaign": counts.slug,
        "institution": counts.institution_id,
        **more,
        "people": counts.persons,
        "official_pledges": counts.institutions,
    }
    return {
        "webhook_id": counts.webhook_id,
        "subject": f"{kind} {counts.slug} {what}",
        "message": _message(kind, now, data),
    }


def _message(kind: str, now: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "timestamp": now.isoformat(timespec="seconds"), "data": data}


def _queue(rows: Iterable[dict[str, Any]]) -> int:
    """Insert the deliveries whose subjects are new to their webhooks; return how many."""
    values = list(rows)
    if not values:
        return 0
    new = insert(WebhookDelivery).values(values).on_conflict_do_nothing()
    ids = db.session.scalars(new.returning(WebhookDelivery.id)).all()
    jobs.wake("send_webhooks")
    return len(ids)


def has_due() -> ColumnElement[bool]:
    """The condition that a message is due."""
    return deliveries.has_due(WebhookDelivery)


def claim(only: UUID | None = None) -> ClaimedDelivery | None:
    """Lease the next message that is due, or only this one. See ``deliveries.claim``."""
    row = deliveries.claim(WebhookDelivery, only)
    if row is None:
        return None
    return ClaimedDelivery(row.id, row.webhook_id, row.webhook.url, row.message)


def deliver(
    outbound: Outbound, signer: Signer, claimed: ClaimedDelivery, now: datetime
) -> str | None:
    """Post one message and record what became of it, for the caller to commit; return what went wrong, if anything.

    2xx accepts the message, 410 disables the webhook, anything else is tried again.
    """
    body, headers = signed(signer, claimed, now)
    try:
        status = outbound.post(claimed.url, body, headers)
        error = None if 200 <= status < 300 else f"answered {status}"
    except Exception as failure:  # whatever is odd about one address must not stop the others
        status, error = 0, f"{type(failure).__name__}: {failure}"
    row = db.session.get(WebhookDelivery, claimed.id, with_for_update=True, populate_existing=True)
    if row is None:
        return error  # the webhook was removed meanwhile
    if error is None:
        row.sent_at, row.error, row.webhook.last_taken_at = now, None, now
    elif status == GONE:
        _disable(row.webhook, error, now)
    else:
        _record_failure(row, error, now)
    db.session.flush()
    return error


def signed(signer: Signer, claimed: ClaimedDelivery, now: datetime) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a message, as Standard Webhooks specifies them."""
    body = json.dumps(claimed.message, ensure_ascii=False, separators=(",", ":"))
    signature = Signature(secret_of(signer, claimed.webhook_id))
    return body.encode(), {
        "Content-Type": "application/json",
        "User-Agent": "lightup-webhooks",
        "webhook-id": str(claimed.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature.sign(str(claimed.id), now, body),
    }


def _record_failure(row: WebhookDelivery, error: str, now: datetime) -> None:
    """Have the message tried again later, after the others; once it is given up, disable a dead webhook."""
    deliveries.record_failure(row, error, now)
    if row.failed_at is None:
        soon = _waiting_for(row.webhook_id).where(WebhookDelivery.due_at < now + PAUSE)
        db.session.execute(soon.values(due_at=now + PAUSE))
    elif not _has_accepted_since_queued(row):
        _disable(row.webhook, error, now)


def _has_accepted_since_queued(row: WebhookDelivery) -> bool:
    """Whether the webhook has accepted another message while this one failed."""
    last_taken_at = row.webhook.last_taken_at
    return last_taken_at is not None and last_taken_at > row.queued_at


def _disable(webhook: Webhook, error: str, now: datetime) -> None:
    """Disable the webhook and give up what waits for it."""
    webhook.disabled_at = now
    note(SYSTEM, "webhook disabled", str(webhook.id), url=webhook.url, error=error[:200])
    db.session.flush()
    db.session.execute(_waiting_for(webhook.id).values(failed_at=now, error=error[:500]))


def _waiting_for(webhook_id: UUID) -> Update:
    return update(WebhookDelivery).where(
        WebhookDelivery.webhook_id == webhook_id, deliveries.is_waiting(WebhookDelivery)
    )


def purge(before: datetime) -> None:
    """Remove messages that were sent or given up before a moment."""
    deliveries.purge(WebhookDelivery, before)
