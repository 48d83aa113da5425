"""Publish a day's numbers: the dataset is staged in a folder, its records are committed, then it is moved in place.

In this order, so that a kill at any moment does no harm: what is committed is staged, what is public is committed.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select, text

from campaign.campaigns import queries as campaign_queries
from campaign.campaigns.models import Campaign
from campaign.db import db, lock_number
from campaign.geography import COUNTRIES, country_name
from campaign.institutions.models import Institution
from campaign.records import listing, package, queries
from campaign.records.models import DailyRecord
from campaign.records.package import Listed, ListedInstitution
from campaign.tokens import Signer

DAYS_KEPT = 30
# One publication at a time.
_PUBLISH_LOCK = lock_number("publish records")
_NO_LINES = sha256().hexdigest()  # the digest of a campaign without pledges
_CHUNK = 1_000


def last_day(now: datetime) -> date:
    """The newest day that is over, in UTC."""
    return now.date() - timedelta(days=1)


def is_due(folder: Path, now: datetime) -> bool:
    """Whether a day is to be published, or what an interrupted publication staged is still to be moved."""
    return _may_follow(last_day(now)) or any(_staged(folder))


def _may_follow(day: date) -> bool:
    """Whether the day is later than all in the chain. A clock set back must not insert a day."""
    newest = queries.newest_day()
    return newest is None or newest < day


@contextmanager
def publication(folder: Path, signer: Signer, day: date, site_url: str) -> Iterator[bool]:
    """Stage a day's numbers, for the caller to commit in the ``with`` block; publish them when it ends.

    Yields False if this day or a later one is published, or another publication is running. If the process is
    killed between the commit and the end, the next publication publishes what was committed.
    """
    with _alone() as is_alone:
        if is_alone:
            tidy(folder)
        is_ours = is_alone and _may_follow(day)
        staged = stage(folder, signer, day, site_url) if is_ours else None
        yield staged is not None
        if staged:
            publish_staged(staged)


@contextmanager
def _alone() -> Iterator[bool]:
    """Take the lock on publication; yields False if another process has it.

    On a connection of its own, since the lock must outlive the commit inside.
    """
    lock = {"lock": _PUBLISH_LOCK}
    with db.engine.connect() as connection:
        is_ours = connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), lock) or False
        try:
            yield is_ours
        finally:
            if is_ours:
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), lock)


def stage(folder: Path, signer: Signer, day: date, site_url: str) -> Path:
    """Write a day's dataset into a hidden folder, for ``publish_staged``, and add its records to the session."""
    staged = folder / f".{day}"
    staged.mkdir(parents=True)
    listed = package.write_list(staged, listing.lines(signer, day, staged))
    campaigns = campaign_queries.list_all()
    slugs = sorted(campaign.slug for campaign in campaigns)
    db.session.add_all(_record(campaign, day, listed, slugs) for campaign in campaigns)
    db.session.flush()
    package.write_tables(staged, listed, _institutions(listed), _countries())
    package.write_chain(staged, queries.chain())
    package.describe(staged, day, site_url)
    package.bundle(staged, day)
    return staged


def publish_staged(staged: Path) -> None:
    """Make a staged dataset the newest one, at once and as a whole; keep only the .zip of older days."""
    folder, name = staged.parent, staged.name.removeprefix(".")
    shutil.rmtree(folder / name, ignore_errors=True)
    staged.rename(folder / name)
    for age, day in enumerate(queries.days(folder)):
        if age >= DAYS_KEPT:
            shutil.rmtree(folder / str(day))
        elif age:
            for file in package.FILES:
                (folder / str(day) / file).unlink(missing_ok=True)


def tidy(folder: Path) -> None:
    """Publish staged datasets whose records were committed; remove the others."""
    for staged in _staged(folder):
        if queries.has_record(date.fromisoformat(staged.name.removeprefix("."))):
            publish_staged(staged)
        else:
            shutil.rmtree(staged)


def _staged(folder: Path) -> list[Path]:
    return sorted(folder.glob(".[0-9]*-[0-9]*-[0-9]*"))


def _record(campaign: Campaign, day: date, listed: Listed, slugs: Sequence[str]) -> DailyRecord:
    """Return a campaign's next link of the chain.

    It names the list by its digest and the link before by ``previous``, so that no past day can be changed
    without changing every later digest. ``campaigns`` shows whether a campaign has been left out.
    """
    slug, before = campaign.slug, queries.newest(campaign.id)
    persons, institutions = listed.of_both_kinds(slug, "total")
    countries = listed.keys(slug, "country")
    line = canonical(
        {
            "campaign": slug,
            "campaigns": slugs,
            "day": day.isoformat(),
            "persons": persons,
            "institutions": institutions,
            "countries": {key: listed.of_both_kinds(slug, "country", key) for key in countries},
            "digest": listed.digests.get(slug, _NO_LINES),
            "previous": before.digest if before else None,
        }
    )
    digest = sha256(line.encode()).hexdigest()
    return DailyRecord(campaign_id=campaign.id, day=day, line=line, digest=digest)


def canonical(record: Mapping[str, object]) -> str:
    """Return the record as JSON with one possible spelling (for what occurs here, that of RFC 8785)."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _institutions(listed: Listed) -> Mapping[str, ListedInstitution]:
    """Return every institution in the list by its ROR id."""
    ids = sorted({key.key for key in listed.counts if key.dimension == "institution"})
    institutions: dict[str, ListedInstitution] = {}
    for start in range(0, len(ids), _CHUNK):
        is_in_chunk = Institution.id.in_(ids[start : start + _CHUNK])
        rows = select(Institution.id, Institution.name, Institution.country).where(is_in_chunk)
        institutions |= {id_: ListedInstitution(*row) for id_, *row in db.session.execute(rows)}
    return institutions


def _countries() -> Mapping[str, str]:
    return {code: country_name(code, "en") for code in COUNTRIES}
