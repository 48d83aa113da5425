"""Publishing texts. A published text is never edited: another wording is another version."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from campaign.campaigns import queries
from campaign.campaigns.models import Campaign, CampaignText
from campaign.db import db

_PROSE = ("title", "theme", "summary", "introduction", "pledge", "pledge_institution")
_COMMITMENTS = ("commitments", "commitments_institution")


class IncompleteTexts(Exception):
    """A language lacks a text or a commitment that another one has."""


def publish_folder(folder: Path) -> int | None:
    """Publish the texts of ``<folder>/<locale>.toml`` under the slug and order of its ``campaign.toml``.

    Returns the new version, None where nothing differs from the newest one. Raises IncompleteTexts.
    """
    about = tomllib.loads((folder / "campaign.toml").read_text("utf-8"))
    texts = {
        path.stem: _ordered(tomllib.loads(path.read_text("utf-8")), about, path)
        for path in sorted(folder.glob("*.toml"))
        if path.name != "campaign.toml"
    }
    return publish(about["slug"], texts, position=about["order"])


def publish(slug: str, texts: Mapping[str, Mapping[str, Any]], position: int = 0) -> int | None:
    """Publish one version in all its languages at once; see ``publish_folder``."""
    campaign = queries.get(slug) or Campaign(slug=slug)
    campaign.position = position
    db.session.add(campaign)
    db.session.flush()
    newest = queries.current_version(campaign.id)
    if _as_published(campaign.id, newest) == texts:
        return None
    for locale, text in texts.items():
        db.session.add(
            CampaignText(campaign_id=campaign.id, version=newest + 1, locale=locale, **text)
        )
    db.session.flush()
    return newest + 1


def _ordered(raw: Mapping[str, Any], about: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The file's texts with its commitments as pairs, in the campaign's order."""
    try:
        text: dict[str, Any] = {name: raw[name].strip() for name in _PROSE}
        for name in _COMMITMENTS:
            text[name] = [[code, raw[name][code].strip()] for code in about[name]]
    except KeyError as missing:
        raise IncompleteTexts(f"{path.name} lacks {missing}") from missing
    return text


def _as_published(campaign_id: int, version: int) -> dict[str, dict[str, Any]]:
    rows = db.session.scalars(
        select(CampaignText).where(
            CampaignText.campaign_id == campaign_id, CampaignText.version == version
        )
    )
    return {
        row.locale: {name: getattr(row, name) for name in (*_PROSE, *_COMMITMENTS)} for row in rows
    }
