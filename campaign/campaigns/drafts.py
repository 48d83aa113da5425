"""Drafts as they are read: what the next version of a campaign's texts will say, in every language.

Each passage has a version of its own, and a translation knows which version of the source its translator read. So
it is known what is missing, what the source has changed since, and who writes over whom (``writing``).

A campaign that staff never took in hand has no draft of its own: what was published last stands for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from campaign import i18n
from campaign.audit import SYSTEM
from campaign.campaigns import queries
from campaign.campaigns.models import (
    Campaign,
    CampaignText,
    DraftCommitment,
    DraftPassage,
    PassageReader,
    ProposedPassage,
)
from campaign.campaigns.rules import COMMITMENTS, PROSE, SOURCE, Texts, passage_of
from campaign.db import db

# For so long a passage counts as being in front of somebody.
IN_FRONT = timedelta(minutes=2)


class PassageState(StrEnum):
    """How far a passage is in one language."""

    MISSING = "missing"
    # The source has changed since it was translated.
    STALE = "stale"
    DONE = "done"


class IncompleteDraft(Exception):
    """Some passages are missing or stale: ``passages`` names them by language."""

    def __init__(self, passages: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{tag}: {', '.join(names)}" for tag, names in passages.items()))
        self.passages = passages


@dataclass(frozen=True)
class Passage:
    """One passage of a draft in one language, beside its source."""

    name: str
    locale: str
    # What is written; None where nothing is yet.
    written: DraftPassage | None
    # The source as it is now, and as the translator read it; both None in the source language.
    source: DraftPassage | None
    source_read: DraftPassage | None

    @property
    def text(self) -> str:
        return self.written.text if self.written else ""

    @property
    def version(self) -> int:
        """The version to base the next edit on."""
        return self.written.version if self.written else 0

    @property
    def state(self) -> PassageState:
        if self.written is None:
            return PassageState.MISSING
        if self.source and self.source_read and self.source.text != self.source_read.text:
            return PassageState.STALE
        return PassageState.DONE


@dataclass(frozen=True)
class Progress:
    """How far one language is."""

    locale: str
    total: int
    done: int
    stale: int

    @property
    def missing(self) -> int:
        return self.total - self.done - self.stale

    @property
    def is_complete(self) -> bool:
        return self.total > 0 and self.done == self.total


class Draft:
    """The next version of a campaign's texts as far as it is written. A reading of one moment."""

    def __init__(
        self,
        campaign: Campaign,
        commitments: Sequence[DraftCommitment],
        written: Sequence[DraftPassage],
    ) -> None:
        self.campaign = campaign
        self.commitments = commitments
        self._written = {(row.locale, row.passage, row.version): row for row in written}
        self._newest: dict[tuple[str, str], DraftPassage] = {}
        for row in sorted(written, key=lambda row: row.version):
            self._newest[row.locale, row.passage] = row

    def names(self) -> list[str]:
        """Return the names of all passages, in the order of the text."""
        offered = [row for row in self.commitments if not row.retired_at]
        return [
            *PROSE,
            *(
                passage_of(row.list_name, row.code)
                for list_name in COMMITMENTS
                for row in offered
                if row.list_name == list_name
            ),
        ]

    def passage(self, locale: str, name: str) -> Passage:
        """Return one passage in one language."""
        written, source = self._newest.get((locale, name)), None
        source_read = None
        if locale != SOURCE:
            source = self._newest.get((SOURCE, name))
            if written and written.source_version:
                source_read = self._written.get((SOURCE, name, written.source_version))
        return Passage(name, locale, written, source, source_read)

    def passages(self, locale: str) -> list[Passage]:
        """Return all passages in one language, in the order of the text."""
        return [self.passage(locale, name) for name in self.names()]

    def progress(self, locale: str) -> Progress:
        states = [passage.state for passage in self.passages(locale)]
        done, stale = (states.count(one) for one in (PassageState.DONE, PassageState.STALE))
        return Progress(locale, len(states), done, stale)

    def left_to_do(self) -> dict[str, list[str]]:
        """Return what is missing or stale, by language; empty where the draft can be published."""
        left = {locale: self._left_in(locale) for locale in i18n.offered()}
        return {locale: names for locale, names in left.items() if names}

    def _left_in(self, locale: str) -> list[str]:
        left = [one.name for one in self.passages(locale) if one.state is not PassageState.DONE]
        if locale == SOURCE:
            offered = {row.list_name for row in self.commitments if not row.retired_at}
            left += [name for name in COMMITMENTS if name not in offered]
        return left

    def texts(self) -> Texts:
        """Return the texts as they would be published. Raises IncompleteDraft."""
        if left := self.left_to_do():
            raise IncompleteDraft(left)
        return {locale: self.columns(locale) for locale in i18n.offered()}

    def columns(self, locale: str) -> dict[str, Any]:
        """Return the columns of ``CampaignText`` in one language; the source stands in for what is missing."""
        columns: dict[str, Any] = {name: self._shown(locale, name) for name in PROSE}
        for list_name in COMMITMENTS:
            columns[list_name] = [
                [row.code, self._shown(locale, passage_of(list_name, row.code))]
                for row in self.commitments
                if row.list_name == list_name and not row.retired_at
            ]
        return columns

    def _shown(self, locale: str, name: str) -> str:
        passage = self.passage(locale, name)
        return passage.text or (passage.source.text if passage.source else "")

    def preview(self, locale: str) -> CampaignText:
        """Return the draft in one language as readers would see it: a row that is not stored."""
        version = queries.current_version(self.campaign.id) + 1
        return CampaignText(
            campaign_id=self.campaign.id,
            campaign=self.campaign,
            version=version,
            locale=locale,
            **self.columns(locale),
        )

    def changes(self) -> dict[str, list[str]]:
        """Return the passages that differ from the newest version, by language: what publishing would change."""
        texts = {locale: self.columns(locale) for locale in i18n.offered()}
        return difference(self.campaign.id, texts)


def difference(campaign_id: int, texts: Texts) -> dict[str, list[str]]:
    """Return the passages in which texts differ from the newest version, by language."""
    version = queries.current_version(campaign_id)
    now, published = flat(texts), flat(queries.texts_of_version(campaign_id, version))
    changed: dict[str, list[str]] = {}
    for locale, name in sorted(now.keys() | published.keys()):
        if now.get((locale, name)) != published.get((locale, name)):
            changed.setdefault(locale, []).append(name)
    return changed


def flat(texts: Texts) -> dict[tuple[str, str], str]:
    """Return the passages of whole texts, by language and name."""
    passages: dict[tuple[str, str], str] = {}
    for locale, columns in texts.items():
        passages |= {(locale, name): columns[name] for name in PROSE}
        for list_name in COMMITMENTS:
            for code, sentence in columns[list_name]:
                passages[locale, passage_of(list_name, code)] = sentence
    return passages


def draft_of(campaign: Campaign) -> Draft:
    """Return the draft of a campaign; of one that staff never took in hand, what was published last."""
    if not campaign.managed_by_staff:
        return Draft(campaign, *published_as_rows(campaign.id))
    commitments = (
        select(DraftCommitment)
        .where(DraftCommitment.campaign_id == campaign.id)
        .order_by(DraftCommitment.position, DraftCommitment.code)
    )
    return Draft(campaign, db.session.scalars(commitments).all(), _written(campaign.id))


def _written(campaign_id: int) -> list[DraftPassage]:
    """The newest version of each translation; of the source all versions, for what the translators read."""
    passages = select(DraftPassage).where(DraftPassage.campaign_id == campaign_id)
    key = (DraftPassage.locale, DraftPassage.passage)
    newest = (
        passages.where(DraftPassage.locale != SOURCE)
        .ext(distinct_on(*key))
        .order_by(*key, DraftPassage.version.desc())
    )
    return [
        *db.session.scalars(passages.where(DraftPassage.locale == SOURCE)),
        *db.session.scalars(newest),
    ]


def published_as_rows(campaign_id: int) -> tuple[list[DraftCommitment], list[DraftPassage]]:
    """Return the rows of a draft that says what was published last, not stored."""
    version = queries.current_version(campaign_id)
    texts = queries.texts_of_version(campaign_id, version)
    passages = [
        DraftPassage(
            campaign_id=campaign_id,
            locale=locale,
            passage=name,
            version=1,
            text=text,
            source_version=None if locale == SOURCE else 1,
            actor=SYSTEM,
        )
        for (locale, name), text in flat(texts).items()
    ]
    return list(_commitments_of(campaign_id, version)), passages


def _commitments_of(campaign_id: int, newest: int) -> Iterator[DraftCommitment]:
    """All commitments that were ever published; those that the newest version lacks are retired."""
    seen: set[str] = set()
    for text in queries.versions(campaign_id, SOURCE):
        for list_name in COMMITMENTS:
            for code, _ in getattr(text, list_name):
                if code not in seen:
                    seen.add(code)
                    yield DraftCommitment(
                        campaign_id=campaign_id,
                        code=code,
                        list_name=list_name,
                        position=len(seen),
                        retired_at=None if text.version == newest else text.published_at,
                    )


def signed_codes(campaign_id: int) -> set[str]:
    """Return the codes of all commitments that were ever published: people may have made them."""
    return {
        code
        for text in queries.versions(campaign_id, SOURCE)
        for list_name in COMMITMENTS
        for code, _ in getattr(text, list_name)
    }


def history(campaign_id: int, locale: str, name: str) -> Sequence[DraftPassage]:
    """Return everything that was ever written in a passage, newest first."""
    versions = select(DraftPassage).filter_by(campaign_id=campaign_id, locale=locale, passage=name)
    return db.session.scalars(versions.order_by(DraftPassage.version.desc())).all()


def shipped_before(campaign: Campaign) -> dict[tuple[str, str], str]:
    """Return the passages as releases brought them last: published, or proposed since staff manage the campaign."""
    version = queries.version_with(campaign.id, campaign.shipped_digest)
    proposed = select(ProposedPassage).where(ProposedPassage.campaign_id == campaign.id)
    return flat(queries.texts_of_version(campaign.id, version)) | {
        (row.locale, row.passage): row.text for row in db.session.scalars(proposed)
    }


def proposals(campaign_id: int) -> Sequence[ProposedPassage]:
    """Return what releases changed in a campaign that staff manage, and nobody has looked at yet."""
    waiting = select(ProposedPassage).where(
        ProposedPassage.campaign_id == campaign_id, ProposedPassage.is_open
    )
    # The source first, since its new commitments come before their translations.
    source_first = (ProposedPassage.locale != SOURCE, ProposedPassage.locale)
    return db.session.scalars(waiting.order_by(*source_first, ProposedPassage.passage)).all()


def count_proposals(slug: str) -> int:
    """Return how many passages of a campaign are proposed and not settled."""
    waiting = select(func.count()).select_from(ProposedPassage).join(Campaign)
    return db.session.scalar(waiting.where(Campaign.slug == slug, ProposedPassage.is_open)) or 0


def readers(campaign_id: int, locale: str, but: str, now: datetime) -> dict[str, str]:
    """Return the passages that other accounts have in front of them, by account."""
    rows = db.session.execute(
        select(PassageReader.account_id, PassageReader.passage).where(
            PassageReader.campaign_id == campaign_id,
            PassageReader.locale == locale,
            PassageReader.account_id != but,
            PassageReader.seen_at > now - IN_FRONT,
        )
    )
    return dict(rows.all())
