"""Publish texts. A published text is never edited: another wording is another version."""

import json
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from campaign import topics
from campaign.campaigns import queries
from campaign.campaigns.models import TEXTS, Campaign, CampaignText
from campaign.db import db

_PROSE = ("title", "theme", "summary", "introduction", "pledge", "pledge_institution")
_COMMITMENTS = ("commitments", "commitments_institution")

# Columns of ``CampaignText`` by name, by language.
Texts = Mapping[str, Mapping[str, Any]]


class IncompleteTexts(Exception):
    """A language lacks a text or a commitment that the campaign has."""


class ShippedCampaign(NamedTuple):
    """A campaign as the files of its folder describe it."""

    slug: str
    position: int
    texts: Texts


def publish_shipped(folder: Path) -> int | None:
    """Publish the texts of ``<folder>/<locale>.toml`` under the slug and order of its ``campaign.toml``.

    Returns the new version, or None if nothing is published: when staff manage the campaign, and when the files
    have not changed since they were last published, so that texts published in another way meanwhile remain.
    Raises IncompleteTexts.
    """
    shipped = _read(folder)
    campaign = find_or_add(shipped.slug)
    if campaign.managed_by_staff:
        return None
    if campaign.position != shipped.position:
        campaign.position = shipped.position
        topics.raise_version(TEXTS)
    before, campaign.shipped_digest = campaign.shipped_digest, _digest(shipped.texts)
    if before == campaign.shipped_digest:
        return None
    if before is None and _was_published(campaign.id, shipped.texts):
        return None  # an instance from before digests were stored
    return publish(campaign, shipped.texts)


def find_or_add(slug: str) -> Campaign:
    """Return the campaign with this slug, added if there is none."""
    campaign = queries.get(slug) or Campaign(slug=slug)
    db.session.add(campaign)
    db.session.flush()
    return campaign


def publish(campaign: Campaign, texts: Texts) -> int | None:
    """Publish a version in all its languages and return its number; None if it equals the newest one."""
    newest = queries.current_version(campaign.id)
    if _as_published(campaign.id, newest) == texts:
        return None
    for locale, text in texts.items():
        db.session.add(
            CampaignText(campaign_id=campaign.id, version=newest + 1, locale=locale, **text)
        )
    db.session.flush()
    topics.raise_version(TEXTS)
    return newest + 1


def _read(folder: Path) -> ShippedCampaign:
    """Read a campaign's folder. Raises IncompleteTexts."""
    about = tomllib.loads((folder / "campaign.toml").read_text("utf-8"))
    texts = {
        path.stem: _ordered(tomllib.loads(path.read_text("utf-8")), about, path)
        for path in sorted(folder.glob("*.toml"))
        if path.name != "campaign.toml"
    }
    return ShippedCampaign(about["slug"], about["order"], texts)


def _digest(texts: Texts) -> bytes:
    return sha256(json.dumps(texts, sort_keys=True).encode()).digest()


def _was_published(campaign_id: int, texts: Texts) -> bool:
    """Whether some version has exactly these texts."""
    newest = queries.current_version(campaign_id)
    return any(_as_published(campaign_id, number) == texts for number in range(newest, 0, -1))


def _ordered(raw: Mapping[str, Any], about: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the file's texts as columns, with commitments as [code, sentence] in the campaign's order.

    Raises IncompleteTexts.
    """
    try:
        text: dict[str, Any] = {name: raw[name].strip() for name in _PROSE}
        for name in _COMMITMENTS:
            text[name] = [[code, raw[name][code].strip()] for code in about[name]]
    except KeyError as missing:
        raise IncompleteTexts(f"{path.name} lacks {missing}") from missing
    return text


def _as_published(campaign_id: int, version: int) -> dict[str, dict[str, Any]]:
    """Return a version's texts in the shape of ``Texts``; empty if there is no such version."""
    rows = db.session.scalars(
        select(CampaignText).where(
            CampaignText.campaign_id == campaign_id, CampaignText.version == version
        )
    )
    return {
        row.locale: {name: getattr(row, name) for name in (*_PROSE, *_COMMITMENTS)} for row in rows
    }
