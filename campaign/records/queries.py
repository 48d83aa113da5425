"""Read the chain from its table, and the published datasets from their folder."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from mmap import ACCESS_READ, mmap
from pathlib import Path

from sqlalchemy import func, select

from campaign.campaigns.models import Campaign
from campaign.db import db
from campaign.records.listing import DIMENSIONS, CountKey, fingerprint
from campaign.records.models import DailyRecord
from campaign.records.package import FILES, LIST, bundle_name

LATEST = "latest.zip"
_CHUNK = 1_000


@dataclass(frozen=True)
class Published:
    """A file of a published dataset, and the day of the dataset."""

    path: Path
    day: date


def has_record(day: date) -> bool:
    """Whether the day's records are committed."""
    return db.session.scalar(select(DailyRecord.day).where(DailyRecord.day == day)) is not None


def newest_day() -> date | None:
    """Return the last day of the chain."""
    return db.session.scalar(select(func.max(DailyRecord.day)))


def newest(campaign_id: int) -> DailyRecord | None:
    """Return the last record of a campaign, which its next one refers to."""
    return next(iter(latest(campaign_id, 1)), None)


def latest(campaign_id: int, limit: int) -> Sequence[DailyRecord]:
    """Return the records of a campaign's newest days, newest first."""
    records = select(DailyRecord).where(DailyRecord.campaign_id == campaign_id)
    return db.session.scalars(records.order_by(DailyRecord.day.desc()).limit(limit)).all()


def chain() -> Iterator[str]:
    """Yield the line of every record as it was published, oldest first, those of a day by the campaign's slug."""
    # By its code points, as records name the campaigns: not in the order of the database's language.
    slug = Campaign.slug.collate("C")
    records = select(DailyRecord.line).join(Campaign).order_by(DailyRecord.day, slug)
    return iter(db.session.scalars(records, execution_options={"yield_per": _CHUNK}))


def days(folder: Path) -> list[date]:
    """Return the days whose datasets are in the folder, newest first."""
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir()]
    return sorted(map(date.fromisoformat, filter(_is_day, names)), reverse=True)


def _is_day(name: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", name) is not None


def published(folder: Path, name: str) -> Published | None:
    """Return the file with this name: one of the newest day's, or the .zip of any day still kept.

    The name may be any string, since it comes from an address; None if there is no such file.
    """
    for day in days(folder):
        if name in {bundle_name(day), LATEST}:
            return _existing(folder / str(day) / bundle_name(day), day)
        if name in FILES:
            return _existing(folder / str(day) / name, day)
    return None


def _existing(path: Path, day: date) -> Published | None:
    return Published(path, day) if path.is_file() else None


def places(folder: Path, receipt: str) -> list[CountKey]:
    """Return what the pledge with this receipt counts under in the newest published list; empty if it does not."""
    newest_list = published(folder, LIST)
    if newest_list is None:
        return []
    fingerprints = (fingerprint(receipt, newest_list.day, dimension) for dimension in DIMENSIONS)
    lines = (_line(newest_list.path, wanted) for wanted in fingerprints)
    return [CountKey(*line.split(",")[1:]) for line in lines if line]


def _line(path: Path, wanted: str) -> str | None:
    """Return the line that begins with this fingerprint, without its end, or None.

    A binary search through the sorted list, which may be long, by the bytes of the file.
    """
    begins = wanted.encode()
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as lines:
        low, high = lines.find(b"\n") + 1, len(lines)  # after the header; always at a line's start
        while low < high:
            # The line that contains the middle; without a line break before it, it is the first of the range.
            start = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = lines.find(b"\n", start)
            line = lines[start:end]
            if line.startswith(begins):
                return line.decode()
            low, high = (end + 1, high) if line < begins else (low, start)
    return None
