"""Read campaigns and their texts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, false, func, select

from campaign.campaigns.models import Campaign, CampaignState, CampaignText, ScheduledText
from campaign.campaigns.rules import COMMITMENTS, PROSE, digest
from campaign.db import db
from campaign.i18n import fallback_chain


def get(slug: str) -> Campaign | None:
    """Return the campaign with this slug, which may be any string."""
    return db.session.scalar(select(Campaign).where(_has(slug)))


def _has(slug: str) -> ColumnElement[bool]:
    """The condition that a campaign has this slug; PostgreSQL refuses NUL in a parameter, so no slug has it."""
    return false() if "\0" in slug else Campaign.slug == slug


def list_all() -> Sequence[Campaign]:
    """Return all campaigns in their order."""
    return db.session.scalars(select(Campaign).order_by(Campaign.position, Campaign.id)).all()


def listed() -> Sequence[str]:
    """Return the slugs of the campaigns that are not archived, in their order."""
    in_order = select(Campaign.slug).order_by(Campaign.position, Campaign.id)
    return db.session.scalars(in_order.where(Campaign.state != CampaignState.ARCHIVED)).all()


def state_of(campaign_id: int) -> CampaignState:
    """Return the state of a campaign, as it is now."""
    state = select(Campaign.state).where(Campaign.id == campaign_id)
    return CampaignState(db.session.scalars(state).one())


def takes_pledges(campaign_id: int) -> bool:
    """Whether a campaign is open."""
    return state_of(campaign_id) is CampaignState.OPEN


def current_version(campaign_id: int) -> int:
    """Return the number of the newest published version, 0 if there is none."""
    newest = select(func.coalesce(func.max(CampaignText.version), 0))
    return db.session.scalar(newest.where(CampaignText.campaign_id == campaign_id)) or 0


def current_text(slug: str, locale: str) -> CampaignText | None:
    """Return the newest version of a campaign's text in the first language of the reader's that it has.

    ``i18n.fallback_chain`` says which languages are tried; None if there is no campaign or no text.
    """
    newest = (
        select(func.max(CampaignText.version))
        .where(CampaignText.campaign_id == Campaign.id)
        .correlate(Campaign)
        .scalar_subquery()
    )
    chain = list(fallback_chain(locale))
    rows = db.session.execute(
        select(CampaignText.locale, CampaignText.id)
        .join(Campaign)
        .where(_has(slug), CampaignText.version == newest)
        .where(CampaignText.locale.in_(chain))
    )
    id_by_locale = dict(rows.all())
    return next((text_by_id(id_by_locale[tag]) for tag in chain if tag in id_by_locale), None)


def text_of_version(slug: str, version: int, locale: str) -> CampaignText | None:
    """Return one published version in exactly this language, or None."""
    return db.session.scalar(
        select(CampaignText)
        .join(Campaign)
        .where(_has(slug), CampaignText.version == version, CampaignText.locale == locale)
    )


def texts_of_version(campaign_id: int, version: int) -> dict[str, dict[str, Any]]:
    """Return a version's texts as ``rules.Texts``; empty if there is no such version."""
    rows = db.session.scalars(
        select(CampaignText).where(
            CampaignText.campaign_id == campaign_id, CampaignText.version == version
        )
    )
    return {
        row.locale: {name: getattr(row, name) for name in (*PROSE, *COMMITMENTS)} for row in rows
    }


def version_with(campaign_id: int, digest_: bytes | None) -> int:
    """Return the newest version whose texts have this digest, 0 if there is none."""
    versions = range(current_version(campaign_id), 0, -1)
    same = (v for v in versions if digest(texts_of_version(campaign_id, v)) == digest_)
    return next(same, 0)


_published: dict[int, CampaignText] = {}


def text_by_id(text_id: int) -> CampaignText | None:
    """Return a published text, or None. Read once per process and kept in memory, since it never changes."""
    if text_id not in _published:
        text = db.session.get(CampaignText, text_id)
        if text is None:
            return None
        # All requests share them, so they must not end or expire with one session.
        for row in (text.campaign, text):
            db.session.expunge(row)
        _published[text_id] = text
    return _published[text_id]


def texts(campaign_id: int) -> Sequence[CampaignText]:
    """Return every published text, the newest version first, its languages in the order of their tags."""
    return db.session.scalars(
        select(CampaignText)
        .where(CampaignText.campaign_id == campaign_id)
        .order_by(CampaignText.version.desc(), CampaignText.locale)
    ).all()


def versions(campaign_id: int, locale: str) -> Sequence[CampaignText]:
    """Return all published versions in one language, newest first."""
    return db.session.scalars(
        select(CampaignText)
        .where(CampaignText.campaign_id == campaign_id, CampaignText.locale == locale)
        .order_by(CampaignText.version.desc())
    ).all()


def scheduled(campaign_id: int) -> ScheduledText | None:
    """Return the texts of a campaign that will be published at an hour."""
    return db.session.get(ScheduledText, campaign_id)


def has_due_texts() -> ColumnElement[bool]:
    """The condition that texts are to be published by now."""
    return exists().where(ScheduledText.due_at <= func.now())
