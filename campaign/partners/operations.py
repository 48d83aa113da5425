"""What staff change about origins, keys and the write API, and what a request through it uses up.

Each change by staff leaves a line in the trail. Nothing commits.
"""

import secrets
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from campaign import audit
from campaign.audit import Actor
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.partners import queries
from campaign.partners.models import (
    ApiKey,
    ApiKeyUse,
    ApiRequest,
    EmbedOrigin,
    PartnerEvent,
    WriteApiPause,
)
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope
from campaign.tokens import Signer

# Shows people, and programs that search for leaked secrets, what they have found.
KEY_PREFIX = "lightup_"
_SHOWN = len(KEY_PREFIX) + 4
ANSWERS_KEPT = timedelta(hours=24)
USES_KEPT = timedelta(days=90)


class NotTheirOrigin(Exception):
    """The registry does not know the origin as the institution's; staff without limits may add it."""


class NameTaken(Exception):
    """An active key has this name already."""


class AlreadyPaused(Exception):
    """The write API is paused already."""


class NotPaused(Exception):
    """There is no pause to end."""


class RequestInFlight(Exception):
    """Another request with this idempotency key is being answered right now."""


class KeyReused(Exception):
    """This idempotency key was used before, with another body."""


def note(actor: Actor, action: str, subject: str, **details: object) -> None:
    """Add an event to the trail of partners; an act of staff also goes into the audit log, and points there."""
    act = audit.record_if_staff(actor, action, subject, details)
    db.session.add(
        PartnerEvent(actor=actor, action=action, subject=subject, details=details, audit=act)
    )


def add_embed_origin(
    institution_id: str, origin: str, actor: Actor, scope: Scope = EVERYTHING
) -> bool:
    """Let pages of this origin frame the institution's form. Returns False if it was registered already.

    Raises OutOfScope, also where there is no such institution; NotTheirOrigin for the steward of an institution
    that, as far as the registry knows, does not run it.
    """
    institution = _institution_within(institution_id, scope)
    if scope.institution_id and not queries.runs_origin(institution, origin):
        raise NotTheirOrigin
    added = db.session.scalar(
        insert(EmbedOrigin)
        .values(institution_id=institution_id, origin=origin)
        .on_conflict_do_nothing()
        .returning(EmbedOrigin.origin)
    )
    if added:
        note(actor, "origin added", institution_id, origin=origin)
    return added is not None


def _institution_within(institution_id: str, scope: Scope) -> Institution:
    institution = db.session.get(Institution, institution_id)
    if institution is None:
        raise OutOfScope
    scope.check(institution.country, institution.id)
    return institution


def remove_embed_origin(
    institution_id: str, origin: str, actor: Actor, scope: Scope = EVERYTHING
) -> bool:
    """Revoke the origin. Returns False if it was not registered. Raises OutOfScope."""
    _institution_within(institution_id, scope)
    removed = db.session.scalar(
        delete(EmbedOrigin)
        .where(EmbedOrigin.institution_id == institution_id, EmbedOrigin.origin == origin)
        .returning(EmbedOrigin.origin)
    )
    if removed:
        note(actor, "origin removed", institution_id, origin=origin)
    return removed is not None


def create_key(
    signer: Signer, name: str, institution_id: str | None, quota: int, actor: Actor
) -> tuple[ApiKey, str]:
    """Add a key; return it with its secret, which cannot be recovered later. Raises NameTaken."""
    if queries.active_key(name):
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
    """Refuse the key from now on."""
    key.revoked_at = now
    note(actor, "key revoked", key.name, prefix=key.prefix)
    db.session.flush()


def pause_write_api(reason: str, actor: Actor) -> None:
    """Accept nothing more through the write API. Raises AlreadyPaused."""
    if queries.current_pause():
        raise AlreadyPaused
    db.session.add(WriteApiPause(reason=reason))
    note(actor, "api paused", "write API", reason=reason)
    db.session.flush()


def resume_write_api(actor: Actor, now: datetime) -> None:
    """Accept pledges through the write API again. Raises NotPaused."""
    pause = queries.current_pause()
    if pause is None:
        raise NotPaused
    pause.ended_at = now
    note(actor, "api resumed", "write API")
    db.session.flush()


def use_quota(key: ApiKey, today: date) -> int | None:
    """Count one request against the key's quota of this day; return how many are left, None if it was used up."""
    one_more = (
        insert(ApiKeyUse)
        .values(key_id=key.id, day=today, requests=1)
        .on_conflict_do_update(
            index_elements=[ApiKeyUse.key_id, ApiKeyUse.day],
            set_={"requests": ApiKeyUse.requests + 1},
            where=ApiKeyUse.requests < key.quota,
        )
        .returning(ApiKeyUse.requests)
    )
    used = db.session.scalar(one_more)
    if key.last_used_on != today:
        db.session.execute(update(ApiKey).where(ApiKey.id == key.id).values(last_used_on=today))
    return None if used is None else key.quota - used


def earlier_answer(
    key: ApiKey, idempotency_key: str, body_digest: bytes, now: datetime
) -> dict[str, Any] | None:
    """The stored answer to a repeated request; None for a new one, which stays locked until the caller commits.

    Raises RequestInFlight or KeyReused (draft-ietf-httpapi-idempotency-key-header).
    """
    lock = func.pg_try_advisory_xact_lock(key.id, func.hashtext(idempotency_key))
    if not db.session.scalar(select(lock)):
        raise RequestInFlight
    earlier = db.session.scalar(
        select(ApiRequest).where(
            ApiRequest.key_id == key.id,
            ApiRequest.idempotency_key == idempotency_key,
            ApiRequest.answered_at > now - ANSWERS_KEPT,
        )
    )
    if earlier is None:
        return None
    if earlier.body_digest != body_digest:
        raise KeyReused
    return earlier.answer


def remember_answer(
    key: ApiKey, idempotency_key: str, body_digest: bytes, answer: dict[str, Any], now: datetime
) -> None:
    """Store the answer for ANSWERS_KEPT, in the transaction of the change that it reports."""
    values = {"body_digest": body_digest, "answer": answer, "answered_at": now}
    db.session.execute(
        insert(ApiRequest)
        .values(key_id=key.id, idempotency_key=idempotency_key, **values)
        .on_conflict_do_update(
            index_elements=[ApiRequest.key_id, ApiRequest.idempotency_key], set_=values
        )
    )


def forget(now: datetime) -> None:
    """Remove answers older than ANSWERS_KEPT and daily uses older than USES_KEPT."""
    db.session.execute(delete(ApiRequest).where(ApiRequest.answered_at < now - ANSWERS_KEPT))
    db.session.execute(delete(ApiKeyUse).where(ApiKeyUse.day < (now - USES_KEPT).date()))
