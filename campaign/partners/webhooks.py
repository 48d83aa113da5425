"""Telling partners of counts: what is queued, for whom, and what becomes of it.

Messages are signed as Standard Webhooks has it (https://www.standardwebhooks.com). A row is unique for what it is
about, so it is queued once; a kill can double the message in flight, with the same ``webhook-id``, never lose one.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, text, update
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
from campaign.tallies import operations as tallies
from campaign.tokens import Signer

# How long all else that waits for a webhook is held back after a failure. Not for as long as what failed: one
# message that is never taken must not keep the others from being tried.
PAUSE = timedelta(minutes=1)
GONE = 410

# What each webhook is told of: whole campaigns, or its institution with the records that followed it, since the
# pledges of a merged institution move only when staff move them.
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
class Parcel:
    """A message that was claimed, apart from its row: none of it is read while it is under way."""

    id: UUID
    webhook_id: UUID
    url: str
    message: dict[str, Any]


class Disabled(Exception):
    """The webhook was disabled, after it had not answered for days."""


def add(
    url: str, institution_id: str | None, events: Sequence[str], actor: Actor, now: datetime
) -> Webhook:
    """A new webhook; milestones that are passed already are not announced to it."""
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
    """The secret that signs: derived, so that a stolen database has none."""
    key = signer.fingerprint("webhook", str(webhook_id))
    return "whsec_" + base64.b64encode(key).decode("ascii")


def remove(webhook: Webhook, actor: Actor) -> None:
    """Remove it, with all that waits for it."""
    note(actor, "webhook removed", str(webhook.id), url=webhook.url)
    db.session.execute(delete(Webhook).where(Webhook.id == webhook.id))


def fold_and_announce(now: datetime) -> int:
    """Fold one batch of changes, and queue what there is to tell of it; return how many. See ``tallies.fold``."""
    folded = tallies.fold()
    if folded:
        announce_milestones(now)
    return folded


def announce_milestones(now: datetime) -> int:
    """Queue a message for each milestone that counts have passed since the last time; return how many.

    In the transaction of the fold, so that none is lost or told twice.
    """
    return _queue(
        _row(row, MILESTONE, str(row.milestone), now, milestone=row.milestone)
        for row in _reach(now, None)
    )


def _reach(now: datetime, only: UUID | None) -> Sequence[Any]:
    values = {
        "event": MILESTONE,
        "only": only,
        "added_before": now + timedelta(days=1),
        "milestones": list(MILESTONES),
    }
    return db.session.execute(_REACH, values).all()


def queue_daily(now: datetime) -> int:
    """Queue yesterday's tally for whom it is not queued yet; return how many. The day ends at midnight, UTC."""
    midnight = datetime.combine(now.astimezone(UTC).date(), datetime.min.time(), UTC)
    day = (midnight - timedelta(days=1)).date().isoformat()
    rows = db.session.execute(_TODAY, {"event": DAILY, "only": None, "added_before": midnight})
    return _queue(_row(row, DAILY, day, now, day=day) for row in rows.all())


def queue_test(webhook: Webhook, now: datetime) -> UUID:
    """Queue a message that says nothing; return its id. Raises Disabled."""
    if webhook.disabled_at:
        raise Disabled
    id_ = new_id()
    message = _message(TEST, now, {})
    _queue([{"id": id_, "webhook_id": webhook.id, "subject": f"{TEST} {id_}", "message": message}])
    return id_


def _row(found: Any, kind: str, what: str, now: datetime, **data: Any) -> dict[str, Any]:
    """The values of a delivery that tells of these counts."""
    data = {
        "campaign": found.slug,
        "institution": found.institution_id,
        **data,
        "persons": found.persons,
        "institutions": found.institutions,
    }
    return {
        "webhook_id": found.webhook_id,
        "subject": f"{kind} {found.slug} {what}",
        "message": _message(kind, now, data),
    }


def _message(kind: str, now: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "timestamp": now.isoformat(timespec="seconds"), "data": data}


def _queue(rows: Iterable[dict[str, Any]]) -> int:
    """Queue, once each, what has these subjects; return how many were new."""
    values = list(rows)
    if not values:
        return 0
    queue = insert(WebhookDelivery).values(values).on_conflict_do_nothing()
    queued = db.session.scalars(queue.returning(WebhookDelivery.id)).all()
    jobs.wake("send_webhooks")
    return len(queued)


def has_due() -> bool:
    return deliveries.has_due(WebhookDelivery)


def claim(only: UUID | None = None) -> Parcel | None:
    """Take one message, for the caller to commit before it is sent. See ``deliveries.claim``."""
    which = [WebhookDelivery.id == only] if only else []
    delivery = deliveries.claim(WebhookDelivery, *which)
    if delivery is None:
        return None
    return Parcel(delivery.id, delivery.webhook_id, delivery.webhook.url, delivery.message)


def deliver(outbound: Outbound, signer: Signer, parcel: Parcel, now: datetime) -> str | None:
    """Send one message and record what became of it, for the caller to commit; return what went wrong.

    2xx is taken, 410 ends the webhook, all else is tried again.
    """
    body, headers = signed(signer, parcel, now)
    try:
        status = outbound.post(parcel.url, body, headers)
        error = None if 200 <= status < 300 else f"answered {status}"
    except Exception as failure:  # whatever is odd about one address must not stop the others
        status, error = 0, f"{type(failure).__name__}: {failure}"
    delivery = db.session.get(
        WebhookDelivery, parcel.id, with_for_update=True, populate_existing=True
    )
    if delivery is None:
        return error  # the webhook was removed meanwhile
    if error is None:
        delivery.sent_at, delivery.error, delivery.webhook.last_taken_at = now, None, now
    elif status == GONE:
        _disable(delivery.webhook, error, now)
    else:
        _record_failure(delivery, error, now)
    db.session.flush()
    return error


def signed(signer: Signer, parcel: Parcel, now: datetime) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a message, as Standard Webhooks has them."""
    body = json.dumps(parcel.message, ensure_ascii=False, separators=(",", ":"))
    signature = Signature(secret_of(signer, parcel.webhook_id))
    return body.encode(), {
        "Content-Type": "application/json",
        "User-Agent": "lightup-webhooks",
        "webhook-id": str(parcel.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature.sign(str(parcel.id), now, body),
    }


def _record_failure(delivery: WebhookDelivery, error: str, now: datetime) -> None:
    """Try again later; in the end give up, and disable what is dead."""
    deliveries.record_failure(delivery, error, now)
    if delivery.failed_at is None:
        due = _unsent(delivery.webhook_id).where(WebhookDelivery.due_at < now + PAUSE)
        db.session.execute(due.values(due_at=now + PAUSE))
    elif not _has_answered_since(delivery):
        _disable(delivery.webhook, error, now)


def _has_answered_since(delivery: WebhookDelivery) -> bool:
    taken = delivery.webhook.last_taken_at
    return taken is not None and taken > delivery.queued_at


def _disable(webhook: Webhook, error: str, now: datetime) -> None:
    webhook.disabled_at = now
    note(SYSTEM, "webhook disabled", str(webhook.id), url=webhook.url, error=error[:200])
    db.session.flush()
    db.session.execute(_unsent(webhook.id).values(failed_at=now, error=error[:500]))


def _unsent(webhook_id: UUID) -> Any:
    return update(WebhookDelivery).where(
        WebhookDelivery.webhook_id == webhook_id, deliveries.is_waiting(WebhookDelivery)
    )


def purge(before: datetime) -> None:
    """Remove messages that were sent, or given up, before a moment."""
    deliveries.purge(WebhookDelivery, before)
