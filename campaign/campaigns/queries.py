"""Reading campaigns and their texts."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, func, select

from campaign.campaigns.models import Campaign, CampaignText
from campaign.db import db
from campaign.i18n import fallback_chain


def get(slug: str) -> Campaign | None:
    return db.session.scalar(select(Campaign).where(_has(slug)))


def _has(slug: str) -> ColumnElement[bool]:
    """Strangers may ask for any; one that no text in the database can hold is nobody's."""
    return false() if "\0" in slug else Campaign.slug == slug


def list_all() -> Sequence[Campaign]:
    return db.session.scalars(select(Campaign).order_by(Campaign.position, Campaign.id)).all()


def current_version(campaign_id: int) -> int:
    """The newest published version, 0 where none is published."""
    newest = select(func.coalesce(func.max(CampaignText.version), 0))
    return db.session.scalar(newest.where(CampaignText.campaign_id == campaign_id)) or 0


def current_text(slug: str, locale: str) -> CampaignText | None:
    """The text to show now: the newest version, in the best language this reader can have."""
    newest = (
        select(func.max(CampaignText.version))
        .where(CampaignText.campaign_id == Campaign.id)
        .correlate(Campaign)
        .scalar_subquery()
    )
    chain = list(fallback_chain(locale))
    found = db.session.execute(
        select(CampaignText.locale, CampaignText.id)
        .join(Campaign)
        .where(_has(slug), CampaignText.version == newest)
        .where(CampaignText.locale.in_(chain))
    )
    id_by_locale = dict(found.all())
    return next((text_by_id(id_by_locale[tag]) for tag in chain if tag in id_by_locale), None)


def text_of_version(slug: str, version: int, locale: str) -> CampaignText | None:
    """One version as it was published, in exactly this language."""
    return db.session.scalar(
        select(CampaignText)
        .join(Campaign)
        .where(_has(slug), CampaignText.version == version, CampaignText.locale == locale)
    )


_published: dict[int, CampaignText] = {}


def text_by_id(text_id: int) -> CampaignText | None:
    """A published text, read once in a process and kept, since it never changes."""
    if text_id not in _published:
        text = db.session.get(CampaignText, text_id)
        if text is None:
            return None
        for row in (text.campaign, text):
            db.session.expunge(row)  # no session's life may end or refresh what all requests share
        _published[text_id] = text
    return _published[text_id]


def texts(campaign_id: int) -> Sequence[CampaignText]:
    """Every published text, the newest version first, its languages by tag."""
    return db.session.scalars(
        select(CampaignText)
        .where(CampaignText.campaign_id == campaign_id)
        .order_by(CampaignText.version.desc(), CampaignText.locale)
    ).all()


def versions(campaign_id: int, locale: str) -> Sequence[CampaignText]:
    """All published versions in one language, newest first."""
    return db.session.scalars(
        select(CampaignText)
        .where(CampaignText.campaign_id == campaign_id, CampaignText.locale == locale)
        .order_by(CampaignText.version.desc())
    ).all()
