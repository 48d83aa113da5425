"""What staff do with hosts, keys and the write API. Each change leaves a line in the trail; nothing commits."""

import secrets
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from campaign import audit
from campaign.audit import Actor
from campaign.db import db
from campaign.partners import queries
from campaign.partners.models import (
    ApiKey,
    ApiKeyUse,
    ApiRequest,
    ApiStop,
    PartnerEvent,
    PartnerHost,
)
from campaign.tokens import Signer

# Tells people, and programs that look for leaked secrets, what it is.
KEY_PREFIX = "lightup_"
_SHOWN = len(KEY_PREFIX) + 4
ANSWERS_KEPT = timedelta(hours=24)
USES_KEPT = timedelta(days=90)


class NameTaken(Exception):
    """A key of this name is in force."""


class AlreadySo(Exception):
    """The API is stopped already, or was not stopped."""


class RequestInFlight(Exception):
    """Another request with this idempotency key is being answered at this moment."""


class KeyReused(Exception):
    """This idempotency key came before, with another body."""


def note(actor: Actor, action: str, subject: str, **details: Any) -> None:
    """Leave a line in the trail of partners; for acts of staff it points to one in the audit log."""
    act = audit.record_if_staff(actor, action, subject, details)
    db.session.add(
        PartnerEvent(actor=actor, action=action, subject=subject, details=details, audit=act)
    )


def add_host(institution_id: str, origin: str, actor: Actor) -> bool:
    """Let pages of this origin frame the institution's form; False where they might already."""
    added = db.session.scalar(
        insert(PartnerHost)
        .values(institution_id=institution_id, origin=origin)
        .on_conflict_do_nothing()
        .returning(PartnerHost.origin)
    )
    if added:
        note(actor, "host added", institution_id, origin=origin)
    return added is not None


def remove_host(institution_id: str, origin: str, actor: Actor) -> bool:
    """No longer let them; False where they might not."""
    removed = db.session.scalar(
        delete(PartnerHost)
        .where(PartnerHost.institution_id == institution_id, PartnerHost.origin == origin)
        .returning(PartnerHost.origin)
    )
    if removed:
        note(actor, "host removed", institution_id, origin=origin)
    return removed is not None


def create_key(
    signer: Signer, name: str, institution_id: str | None, quota: int, actor: Actor
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is not to be had a second time. Raises NameTaken."""
    if queries.key_in_force(name):
        raise NameTaken
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        name=name,
        prefix=secret[:_SHOWN],
        digest=signer.fingerprint("api-key", secret),
        institution_id=institution_id,
        quota=quota,
    )
    db.session.add(key)
    note(actor, "key created", name, institution=institution_id, quota=quota, prefix=key.prefix)
    db.session.flush()
    return key, secret


def revoke_key(key: ApiKey, actor: Actor, now: datetime) -> None:
    key.revoked_at = now
    note(actor, "key revoked", key.name, prefix=key.prefix)
    db.session.flush()


def stop_api(reason: str, actor: Actor) -> None:
    """Take nothing more through the write API. Raises AlreadySo."""
    if queries.stop_in_force():
        raise AlreadySo
    db.session.add(ApiStop(reason=reason))
    note(actor, "api stopped", "write API", reason=reason)
    db.session.flush()


def start_api(actor: Actor, now: datetime) -> None:
    """Take pledges again. Raises AlreadySo."""
    stop = queries.stop_in_force()
    if stop is None:
        raise AlreadySo
    stop.ended_at = now
    note(actor, "api started", "write API")
    db.session.flush()


def use_quota(key: ApiKey, today: date) -> int | None:
    """Take one request from the key's share of this day; how many are left, or None where none was."""
    count = (
        insert(ApiKeyUse)
        .values(key_id=key.id, day=today, requests=1)
        .on_conflict_do_update(
            index_elements=[ApiKeyUse.key_id, ApiKeyUse.day],
            set_={"requests": ApiKeyUse.requests + 1},
            where=ApiKeyUse.requests < key.quota,
        )
        .returning(ApiKeyUse.requests)
    )
    used = db.session.scalar(count)
    if key.last_used_on != today:
        db.session.execute(update(ApiKey).where(ApiKey.id == key.id).values(last_used_on=today))
    return None if used is None else key.quota - used


def earlier_answer(
    key: ApiKey, idempotency_key: str, body_digest: bytes, now: datetime
) -> dict[str, Any] | None:
    """What this very request was answered before; None for a new one, which is ours until the caller commits.

    Raises RequestInFlight, KeyReused (draft-ietf-httpapi-idempotency-key-header).
    """
    ours = func.pg_try_advisory_xact_lock(key.id, func.hashtext(idempotency_key))
    if not db.session.scalar(select(ours)):
        raise RequestInFlight
    before = db.session.scalar(
        select(ApiRequest).where(
            ApiRequest.key_id == key.id,
            ApiRequest.idempotency_key == idempotency_key,
            ApiRequest.answered_at > now - ANSWERS_KEPT,
        )
    )
    if before is None:
        return None
    if before.body_digest != body_digest:
        raise KeyReused
    return before.answer


def remember_answer(
    key: ApiKey, idempotency_key: str, body_digest: bytes, answer: dict[str, Any], now: datetime
) -> None:
    """Keep the answer for ANSWERS_KEPT, in the transaction of what it answers."""
    values = {"body_digest": body_digest, "answer": answer, "answered_at": now}
    db.session.execute(
        insert(ApiRequest)
        .values(key_id=key.id, idempotency_key=idempotency_key, **values)
        .on_conflict_do_update(
            index_elements=[ApiRequest.key_id, ApiRequest.idempotency_key], set_=values
        )
    )


def forget(now: datetime) -> None:
    """Remove what is kept for a limited time only: answers, and how much of its quota a key used."""
    db.session.execute(delete(ApiRequest).where(ApiRequest.answered_at < now - ANSWERS_KEPT))
    db.session.execute(delete(ApiKeyUse).where(ApiKeyUse.day < (now - USES_KEPT).date()))
