"""Publishing a day's numbers: the dataset is staged, its records are committed by the caller, then it is placed."""

import json
import shutil
from collections.abc import Mapping
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


def is_due(now: datetime) -> bool:
    return not queries.has_record(last_day(now))


def stage(folder: Path, signer: Signer, day: date, site_url: str) -> Path | None:
    """Write a day's dataset aside and note its records; None where that was done, or somebody is at it.

    Once the caller has committed, ``place`` makes it public. Killed in between, the next call places it.
    """
    if not db.session.scalar(
        text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _PUBLISH_LOCK}
    ):
        return None
    _tidy(folder)
    if queries.has_record(day):
        return None
    staged = folder / f".{day}"
    staged.mkdir(parents=True)
    listed = package.write_list(staged, listing.lines(signer, day, staged))
    db.session.add_all(_record(campaign, day, listed) for campaign in list_all())
    db.session.flush()
    package.write_tables(staged, listed, _institutions(listed), _countries())
    package.write_chain(staged, queries.chain())
    package.describe(staged, day, site_url)
    package.bundle(staged, day)
    return staged


def place(staged: Path) -> None:
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


def _tidy(folder: Path) -> None:
    """Place what was committed and not placed; remove what was not committed."""
    for staged in folder.glob(".[0-9]*-[0-9]*-[0-9]*"):
        if queries.has_record(date.fromisoformat(staged.name.removeprefix("."))):
            place(staged)
        else:
            shutil.rmtree(staged)


def _record(campaign: Campaign, day: date, listed: Listed) -> DailyRecord:
    slug, before = campaign.slug, queries.newest(campaign.id)
    persons, institutions = listed.of_both_kinds(slug, "total")
    countries = listed.keys(slug, "country")
    line = canonical(
        {
            "campaign": slug,
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
