"""Reading what partners may do."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text

from campaign.db import db
from campaign.institutions.models import Institution
from campaign.partners.models import ApiKey, EmbedOrigin, PartnerEvent, Webhook, WriteApiPause
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
) -> Sequence[tuple[EmbedOrigin, Institution]]:
    """All registered origins, or those of one institution, each with its institution, by name."""
    query = (
        select(EmbedOrigin, Institution)
        .join(Institution, Institution.id == EmbedOrigin.institution_id)
        .order_by(Institution.name, EmbedOrigin.origin)
    )
    if institution_id:
        query = query.where(EmbedOrigin.institution_id == institution_id)
    return [(origin, institution) for origin, institution in db.session.execute(query)]


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


def trail(limit: int = 100) -> Sequence[PartnerEvent]:
    """The newest lines of the trail of origins, keys, webhooks and the write API, newest first."""
    newest = select(PartnerEvent).order_by(PartnerEvent.id.desc()).limit(limit)
    return db.session.scalars(newest).all()
