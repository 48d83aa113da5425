"""Create, publish, close and archive campaigns.

A published text is never edited: another wording is another version. Acts of staff take the campaign's id, lock
its row, and leave a line in the record.
"""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import func, select

from campaign import topics
from campaign.audit import Actor, record
from campaign.campaigns import drafts, queries
from campaign.campaigns.models import TEXTS, Campaign, CampaignState, CampaignText, ScheduledText
from campaign.campaigns.rules import (
    COMMITMENTS,
    PROSE,
    InvalidName,
    Problem,
    Texts,
    check_slug,
    digest,
)
from campaign.campaigns.writing import locked, propose, subject_of
from campaign.db import db


class IncompleteTexts(Exception):
    """A language lacks a text or a commitment that the campaign has."""


class NothingChanged(Exception):
    """The draft says what is published already."""


class PastHour(Exception):
    """Texts cannot be published at an hour that has passed."""


class WrongState(Exception):
    """The campaign's state does not allow what was asked for."""


class ShippedCampaign(NamedTuple):
    """A campaign as the files of its folder describe it."""

    slug: str
    position: int
    texts: Texts


def publish_shipped(folder: Path) -> int | None:
    """Publish the texts of ``<folder>/<locale>.toml`` under the slug and order of its ``campaign.toml``.

    Returns the new version, or None if nothing is published. When staff manage the campaign, what changed is
    proposed to them. When the files have not changed since they were last published, texts published in another way
    meanwhile remain. Raises IncompleteTexts.
    """
    shipped = _read(folder)
    campaign = find_or_add(shipped.slug)
    if campaign.managed_by_staff:
        propose(locked(campaign.id), shipped.texts)
        return None
    if campaign.position != shipped.position:
        campaign.position = shipped.position
        topics.raise_version(TEXTS)
    before, campaign.shipped_digest = campaign.shipped_digest, digest(shipped.texts)
    if before == campaign.shipped_digest:
        return None
    if before is None and queries.version_with(campaign.id, campaign.shipped_digest):
        return None  # an instance from before digests were stored
    return publish(campaign, shipped.texts)


def find_or_add(slug: str) -> Campaign:
    """Return the campaign with this slug, added if there is none."""
    campaign = queries.get(slug) or Campaign(slug=slug)
    db.session.add(campaign)
    db.session.flush()
    return campaign


def create(actor: Actor, slug: str) -> Campaign:
    """Add a campaign, the last in the order, that nobody sees before its first version. Raises InvalidName."""
    check_slug(slug)
    if queries.get(slug):
        raise InvalidName(Problem.TAKEN)
    last = db.session.scalar(select(func.max(Campaign.position))) or 0
    campaign = Campaign(slug=slug, position=last + 1, managed_by_staff=True)
    db.session.add(campaign)
    db.session.flush()
    record(actor, "campaign created", subject_of(campaign), {"after": {"slug": slug}})
    return campaign


def publish(campaign: Campaign, texts: Texts) -> int | None:
    """Publish a version in all its languages and return its number; None if it equals the newest one."""
    newest = queries.current_version(campaign.id)
    if queries.texts_of_version(campaign.id, newest) == texts:
        return None
    for locale, text in texts.items():
        db.session.add(
            CampaignText(campaign_id=campaign.id, version=newest + 1, locale=locale, **text)
        )
    db.session.flush()
    topics.raise_version(TEXTS)
    return newest + 1


def publish_draft(actor: Actor, campaign_id: int) -> int:
    """Publish the draft in all languages at once, and return the number of the version.

    Texts that were scheduled are dropped: they would come after newer ones. Raises IncompleteDraft, NothingChanged.
    """
    campaign = locked(campaign_id)
    draft = drafts.draft_of(campaign)
    texts, changes = draft.texts(), draft.changes()
    version = publish(campaign, texts)
    if version is None:
        raise NothingChanged
    _unschedule(campaign_id)
    _record_version(actor, campaign, version, changes)
    return version


def _record_version(
    actor: Actor, campaign: Campaign, version: int, changes: Mapping[str, list[str]]
) -> None:
    details = {"before": version - 1, "after": version, "passages": changes}
    record(actor, "texts published", subject_of(campaign), details)


def schedule(actor: Actor, campaign_id: int, due_at: datetime, now: datetime) -> None:
    """Publish the draft, exactly as it is now, at an hour; what is edited later waits for the version after.

    Raises PastHour, IncompleteDraft, NothingChanged.
    """
    if due_at <= now:
        raise PastHour
    campaign = locked(campaign_id)
    draft = drafts.draft_of(campaign)
    texts = draft.texts()
    if not draft.changes():
        raise NothingChanged
    before = _unschedule(campaign_id)
    db.session.add(ScheduledText(campaign_id=campaign_id, texts=texts, due_at=due_at, actor=actor))
    details = {"before": before, "after": due_at.isoformat()}
    record(actor, "texts scheduled", subject_of(campaign), details)
    db.session.flush()


def cancel_schedule(actor: Actor, campaign_id: int) -> None:
    """Publish nothing at the hour; the draft stays. Raises WrongState."""
    campaign = locked(campaign_id)
    before = _unschedule(campaign_id)
    if before is None:
        raise WrongState
    record(actor, "schedule cancelled", subject_of(campaign), {"before": before, "after": None})


def _unschedule(campaign_id: int) -> str | None:
    """Remove the scheduled texts and return their hour; None if there were none."""
    scheduled = db.session.get(ScheduledText, campaign_id, populate_existing=True)
    if scheduled is None:
        return None
    db.session.delete(scheduled)
    db.session.flush()
    return scheduled.due_at.isoformat()


def publish_next_due(now: datetime) -> bool:
    """Publish the texts whose hour came first; return False if there are none. The caller commits after each."""
    due = select(ScheduledText.campaign_id).where(ScheduledText.due_at <= now)
    campaign_id = db.session.scalar(due.order_by(ScheduledText.due_at).limit(1))
    if campaign_id is None:
        return False
    campaign = locked(campaign_id)
    scheduled = db.session.get(ScheduledText, campaign_id, populate_existing=True)
    if scheduled is None or scheduled.due_at > now:
        return True  # somebody was faster, or put it off
    changes = drafts.difference(campaign_id, scheduled.texts)
    if version := publish(campaign, scheduled.texts):
        _record_version(scheduled.actor, campaign, version, changes)
    _unschedule(campaign_id)
    return True


def close(actor: Actor, campaign_id: int) -> None:
    """Take no more pledges; those that were made can still be confirmed. Raises WrongState."""
    _move(actor, campaign_id, {CampaignState.OPEN}, CampaignState.CLOSED)


def reopen(actor: Actor, campaign_id: int) -> None:
    """Take pledges again, and list the campaign. Raises WrongState."""
    _move(actor, campaign_id, {CampaignState.CLOSED, CampaignState.ARCHIVED}, CampaignState.OPEN)


def archive(actor: Actor, campaign_id: int) -> None:
    """Take no more pledges and list the campaign no more; its pages stay. Raises WrongState."""
    _move(actor, campaign_id, {CampaignState.OPEN, CampaignState.CLOSED}, CampaignState.ARCHIVED)


def _move(
    actor: Actor, campaign_id: int, allowed: set[CampaignState], state: CampaignState
) -> None:
    campaign = locked(campaign_id)
    if campaign.state not in allowed:
        raise WrongState
    details = {"before": campaign.state, "after": state}
    campaign.state = state
    record(actor, f"campaign {state}", subject_of(campaign), details)
    db.session.flush()
    topics.raise_version(TEXTS)


def _read(folder: Path) -> ShippedCampaign:
    """Read a campaign's folder. Raises IncompleteTexts."""
    about = tomllib.loads((folder / "campaign.toml").read_text("utf-8"))
    texts = {
        path.stem: _ordered(tomllib.loads(path.read_text("utf-8")), about, path)
        for path in sorted(folder.glob("*.toml"))
        if path.name != "campaign.toml"
    }
    return ShippedCampaign(about["slug"], about["order"], texts)


def _ordered(raw: Mapping[str, Any], about: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the file's texts as columns, with commitments as [code, sentence] in the campaign's order.

    Raises IncompleteTexts.
    """
    try:
        text: dict[str, Any] = {name: raw[name].strip() for name in PROSE}
        for name in COMMITMENTS:
            text[name] = [[code, raw[name][code].strip()] for code in about[name]]
    except KeyError as missing:
        raise IncompleteTexts(f"{path.name} lacks {missing}") from missing
    return text
