"""Publishing a day's numbers: the dataset is staged, its records are committed, then it is placed."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select, text

from campaign.campaigns.models import Campaign
from campaign.campaigns.queries import list_all
from campaign.db import db
from campaign.geography import COUNTRIES, country_name
from campaign.institutions.models import Institution
from campaign.records import listing, package, queries
from campaign.records.models import DailyRecord
from campaign.records.package import Listed
from campaign.tokens import Signer

DAYS_KEPT = 30
# One publication at a time. The number only has to be ours.
_PUBLISH_LOCK = 4_861_006
_NO_LINES = sha256().hexdigest()
_CHUNK = 1_000


def last_day(now: datetime) -> date:
    """The newest day that is over, in UTC."""
    return now.date() - timedelta(days=1)


def is_due(folder: Path, now: datetime) -> bool:
    return _may_follow(last_day(now)) or any(_staged(folder))


def _may_follow(day: date) -> bool:
    """Whether the chain can go on with this day: never with one before its end, whatever a clock says."""
    newest = queries.newest_day()
    return newest is None or newest < day


@contextmanager
def publication(folder: Path, signer: Signer, day: date, site_url: str) -> Iterator[bool]:
    """A day's numbers, for the caller to commit inside; at the end they are public.

    False where that or a later day is published, or somebody is at it. Killed between the commit and the end, the
    next publication places what was committed.
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
    """The right to publish, across commits, hence on a connection of its own; False where somebody else has it."""
    lock = {"lock": _PUBLISH_LOCK}
    with db.engine.connect() as connection:
        is_ours = connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), lock) or False
        try:
            yield is_ours
        finally:
            if is_ours:
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), lock)


def stage(folder: Path, signer: Signer, day: date, site_url: str) -> Path:
    """Write a day's dataset aside and note its records in the current transaction, for ``publish_staged``."""
    staged = folder / f".{day}"
    staged.mkdir(parents=True)
    listed = package.write_list(staged, listing.lines(signer, day, staged))
    campaigns = list_all()
    slugs = sorted(campaign.slug for campaign in campaigns)
    db.session.add_all(_record(campaign, day, listed, slugs) for campaign in campaigns)
    db.session.flush()
    package.write_tables(staged, listed, _institutions(listed), _countries())
    package.write_chain(staged, queries.chain())
    package.describe(staged, day, site_url)
    package.bundle(staged, day)
    return staged


def publish_staged(staged: Path) -> None:
    """Make a staged dataset the newest one, at once and as a whole; of older days only the .zip is kept."""
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
    """Publish what was committed and left staged; remove what was not committed."""
    for staged in _staged(folder):
        if queries.has_record(date.fromisoformat(staged.name.removeprefix("."))):
            publish_staged(staged)
        else:
            shutil.rmtree(staged)


def _staged(folder: Path) -> list[Path]:
    return sorted(folder.glob(".[0-9]*-[0-9]*-[0-9]*"))


def _record(campaign: Campaign, day: date, listed: Listed, slugs: Sequence[str]) -> DailyRecord:
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
    """JSON as it can be written in one way only (cf. RFC 8785, for what occurs here)."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _institutions(listed: Listed) -> Mapping[str, tuple[str, str]]:
    """Name and country of every institution in the list, by ROR id."""
    ids = sorted({place.key for place in listed.counts if place.dimension == "institution"})
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(ids), _CHUNK):
        wanted = Institution.id.in_(ids[start : start + _CHUNK])
        rows = select(Institution.id, Institution.name, Institution.country).where(wanted)
        found |= {id_: (name, country) for id_, name, country in db.session.execute(rows)}
    return found


def _countries() -> Mapping[str, str]:
    return {code: country_name(code, "en") for code in COUNTRIES}
