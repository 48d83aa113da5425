"""Reading what partners may do."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, select, text, tuple_

from campaign import deliveries
from campaign.db import db
from campaign.hostnames import registrable_domain
from campaign.institutions.models import Institution
from campaign.institutions.queries import has_domain
from campaign.partners.models import (
    ApiKey,
    EmbedOrigin,
    PartnerEvent,
    Webhook,
    WebhookDelivery,
    WriteApiPause,
)
from campaign.staff.scopes import EVERYTHING, Scope
from campaign.tokens import Signer

# With the records that this one has succeeded: an origin registered for an old one remains valid.
_ORIGINS = text("""
    WITH RECURSIVE same (id) AS (
        SELECT CAST(:id AS text)
        UNION
        SELECT institutions.id FROM institutions JOIN same ON institutions.successor_id = same.id
        WHERE institutions.status <> 'active'
    )
    SELECT origin FROM embed_origins JOIN same ON institution_id = same.id""")


def origins_of(institution_id: str) -> frozenset[str]:
    """The origins that may show this institution's form in a frame, such as "https://www.uni.ac.ke"."""
    return frozenset(db.session.scalars(_ORIGINS, {"id": institution_id}))


def embed_origins(
    institution_id: str | None = None,
    *,
    scope: Scope = EVERYTHING,
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> Sequence[tuple[EmbedOrigin, Institution]]:
    """All registered origins, or those of one institution, each with its institution, by name.

    ``after`` is (institution's id, origin) of the last one on the page before. One statement.
    """
    order = (Institution.name, Institution.id, EmbedOrigin.origin)
    query = (
        select(EmbedOrigin, Institution)
        .join(Institution, Institution.id == EmbedOrigin.institution_id)
        .where(scope.criterion(Institution.country, Institution.id))
        .order_by(*order)
        .limit(limit)
    )
    if institution_id:
        query = query.where(EmbedOrigin.institution_id == institution_id)
    if after:
        last_name = select(Institution.name).where(Institution.id == after[0]).scalar_subquery()
        query = query.where(tuple_(*order) > tuple_(last_name, *after))
    return [(origin, institution) for origin, institution in db.session.execute(query)]


def runs_origin(institution: Institution, origin: str) -> bool:
    """Whether the registry knows the origin's host as the institution's: by its domains or its own website."""
    host = urlsplit(origin).hostname or ""
    website = registrable_domain(institution.website_host or "")
    return has_domain(institution, host) or (
        website is not None and registrable_domain(host) == website
    )


def key(key_id: int) -> ApiKey | None:
    return db.session.get(ApiKey, key_id)


def active_key(name: str) -> ApiKey | None:
    """The key of this name that is not revoked, if any."""
    return db.session.scalar(select(ApiKey).where(ApiKey.name == name, ApiKey.revoked_at.is_(None)))


def key_for(signer: Signer, secret: str) -> ApiKey | None:
    """The key that this secret belongs to; None if it is unknown or revoked."""
    digest = signer.fingerprint("api-key", secret)
    return db.session.scalar(
        select(ApiKey).where(ApiKey.digest == digest, ApiKey.revoked_at.is_(None))
    )


def api_keys() -> Sequence[ApiKey]:
    return db.session.scalars(select(ApiKey).order_by(ApiKey.name, ApiKey.id)).all()


def current_pause() -> WriteApiPause | None:
    """The pause of the write API that has not ended, if any."""
    return db.session.scalar(select(WriteApiPause).where(WriteApiPause.ended_at.is_(None)))


def webhooks() -> Sequence[Webhook]:
    return db.session.scalars(select(Webhook).order_by(Webhook.id)).all()


def webhook(webhook_id: UUID) -> Webhook | None:
    return db.session.get(Webhook, webhook_id)


def waiting_messages(webhook_id: UUID) -> int:
    """How many messages wait for a webhook."""
    waiting = deliveries.is_waiting(WebhookDelivery) & (WebhookDelivery.webhook_id == webhook_id)
    return db.session.scalar(select(func.count()).select_from(WebhookDelivery).where(waiting)) or 0


def trail(limit: int = 100) -> Sequence[PartnerEvent]:
    """The newest lines of the trail of origins, keys, webhooks and the write API, newest first."""
    newest = select(PartnerEvent).order_by(PartnerEvent.id.desc()).limit(limit)
    return db.session.scalars(newest).all()


class Following(NamedTuple):
    """What was registered for an institution, and leads to its successor once there is one."""

    origins: int
    keys: int
    webhooks: int


def following(institution_id: str) -> Following:
    """Return how many sites, active keys and active webhooks an institution has."""
    counts = (
        select(func.count()).where(EmbedOrigin.institution_id == institution_id),
        select(func.count()).where(
            ApiKey.institution_id == institution_id, ApiKey.revoked_at.is_(None)
        ),
        select(func.count()).where(
            Webhook.institution_id == institution_id, Webhook.disabled_at.is_(None)
        ),
    )
    return Following(*db.session.execute(select(*(one.scalar_subquery() for one in counts))).one())
