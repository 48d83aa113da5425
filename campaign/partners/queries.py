"""Reading what was agreed with partners."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text

from campaign.db import db
from campaign.institutions.models import Institution
from campaign.partners.models import ApiKey, ApiStop, PartnerEvent, PartnerHost, Webhook
from campaign.tokens import Signer

# With the records that this one has followed: a host that was registered for the old one stays good.
_ORIGINS = text("""
    WITH RECURSIVE same (id) AS (
        SELECT CAST(:id AS text)
        UNION
        SELECT institutions.id FROM institutions JOIN same ON institutions.successor_id = same.id
        WHERE institutions.status <> 'active'
    )
    SELECT origin FROM partner_hosts JOIN same ON institution_id = same.id""")


def origins_of(institution_id: str) -> frozenset[str]:
    """Origins that may show this institution's form in a frame, such as "https://www.uni.ac.ke"."""
    return frozenset(db.session.scalars(_ORIGINS, {"id": institution_id}))


def hosts(institution_id: str | None = None) -> Sequence[tuple[PartnerHost, Institution]]:
    """All registered hosts, or those of one institution."""
    found = (
        select(PartnerHost, Institution)
        .join(Institution, Institution.id == PartnerHost.institution_id)
        .order_by(Institution.name, PartnerHost.origin)
    )
    if institution_id:
        found = found.where(PartnerHost.institution_id == institution_id)
    return [(host, institution) for host, institution in db.session.execute(found)]


def key_in_force(name: str) -> ApiKey | None:
    """The key of this name that is not revoked."""
    return db.session.scalar(select(ApiKey).where(ApiKey.name == name, ApiKey.revoked_at.is_(None)))


def key_for(signer: Signer, secret: str) -> ApiKey | None:
    """The key that a partner presents; None for one that is unknown or revoked."""
    digest = signer.fingerprint("api-key", secret)
    return db.session.scalar(
        select(ApiKey).where(ApiKey.digest == digest, ApiKey.revoked_at.is_(None))
    )


def api_keys() -> Sequence[ApiKey]:
    return db.session.scalars(select(ApiKey).order_by(ApiKey.name, ApiKey.id)).all()


def stop_in_force() -> ApiStop | None:
    """The stop that keeps the write API shut, if any."""
    return db.session.scalar(select(ApiStop).where(ApiStop.ended_at.is_(None)))


def webhooks() -> Sequence[Webhook]:
    return db.session.scalars(select(Webhook).order_by(Webhook.id)).all()


def webhook(webhook_id: UUID) -> Webhook | None:
    return db.session.get(Webhook, webhook_id)


def trail(limit: int = 100) -> Sequence[PartnerEvent]:
    """What was done to hosts, keys, webhooks and the API, newest first."""
    newest = select(PartnerEvent).order_by(PartnerEvent.id.desc()).limit(limit)
    return db.session.scalars(newest).all()
