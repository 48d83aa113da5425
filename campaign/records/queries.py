"""Reading the chain from its table, and the published datasets from their folder."""

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
    """A file of a dataset, and the day of the dataset."""

    path: Path
    day: date


def has_record(day: date) -> bool:
    return db.session.scalar(select(DailyRecord.day).where(DailyRecord.day == day)) is not None


def newest_day() -> date | None:
    return db.session.scalar(select(func.max(DailyRecord.day)))


def newest(campaign_id: int) -> DailyRecord | None:
    mine = select(DailyRecord).where(DailyRecord.campaign_id == campaign_id)
    return db.session.scalars(mine.order_by(DailyRecord.day.desc()).limit(1)).first()


def latest(campaign_id: int, limit: int) -> Sequence[DailyRecord]:
    """The newest days of a campaign, newest first."""
    mine = select(DailyRecord).where(DailyRecord.campaign_id == campaign_id)
    return db.session.scalars(mine.order_by(DailyRecord.day.desc()).limit(limit)).all()


def chain() -> Iterator[str]:
    """Every record as it was published, oldest first."""
    records = select(DailyRecord.line).join(Campaign).order_by(DailyRecord.day, Campaign.slug)
    return iter(db.session.scalars(records, execution_options={"yield_per": _CHUNK}))


def days(folder: Path) -> list[date]:
    """The days whose datasets are in the folder, newest first."""
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir()]
    return sorted(map(date.fromisoformat, filter(_is_day, names)), reverse=True)


def _is_day(name: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", name) is not None


def published(folder: Path, name: str) -> Published | None:
    """The file that this name in an address means: one of the newest day, or the .zip of any day still kept."""
    for day in days(folder):
        if name in {bundle_name(day), LATEST}:
            return _existing(folder / str(day) / bundle_name(day), day)
        if name in FILES:
            return _existing(folder / str(day) / name, day)
    return None


def _existing(path: Path, day: date) -> Published | None:
    return Published(path, day) if path.is_file() else None


def places(folder: Path, receipt: str) -> list[CountKey]:
    """Where the newest published list counts the pledge with this receipt; empty where it does not."""
    found = published(folder, LIST)
    if found is None:
        return []
    names = (fingerprint(receipt, found.day, dimension) for dimension in DIMENSIONS)
    lines = (_line(found.path, name) for name in names)
    return [CountKey(*line.split(",")[1:]) for line in lines if line]


def _line(path: Path, wanted: str) -> str | None:
    """The line that begins with this fingerprint: by halves, since the list is in order and may be long."""
    begins = wanted.encode()
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as lines:
        low, high = lines.find(b"\n") + 1, len(lines)
        while low < high:
            start = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = lines.find(b"\n", start)
            line = lines[start:end]
            if line.startswith(begins):
                return line.decode()
            low, high = (end + 1, high) if line < begins else (low, start)
    return None
