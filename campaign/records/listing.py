"""The list behind a day's numbers: a line for each place where a pledge counts, without anybody's name.

A pledge counts for its country, its day and, where it has one, its institution. Each of the three has a line of
its own, under a fingerprint of its own, another one in each day's list, and only the pledge's receipt tells which
lines belong together. So all counts can be made from the list, and still the lists say nothing more than the public
counts of their days do: not that somebody of this institution takes responsibility for that country, nor who of
yesterday's is who of today's.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Date, Result, cast, func, select

from campaign.campaigns.models import Campaign
from campaign.db import db
from campaign.pledges.models import Pledge, Status
from campaign.tokens import Signer

HEADER = ("fingerprint", "campaign", "dimension", "key", "kind")
DIMENSIONS = ("country", "institution", "day")
_HEX_DIGITS = 32  # 128 bits: nobody guesses one, and no two pledges will ever share one
_CHUNK = 10_000


class CountKey(NamedTuple):
    """Where a pledge counts: slug of the campaign, dimension and key as in the tallies, kind of the pledge."""

    campaign: str
    dimension: str
    key: str
    kind: str


def receipt(signer: Signer, pledge_id: UUID) -> str:
    """What its person keeps: the same for as long as the pledge lives, whatever is corrected in it."""
    return signer.fingerprint("receipt", str(pledge_id)).hex()[:_HEX_DIGITS]


def fingerprint(receipt: str, day: date, dimension: str) -> str:
    """Under which a pledge's line for this dimension stands in the list of this day."""
    return sha256(f"{receipt} {day} {dimension}".encode()).hexdigest()[:_HEX_DIGITS]


def lines(signer: Signer, day: date, folder: Path) -> Iterator[tuple[CountKey, bytes]]:
    """The list of a day, in order. Needs room in the folder, but hardly any memory."""
    for line in _in_order(_lines(signer, day), folder):
        _, *place = line.decode().rstrip("\n").split(",")
        yield CountKey(*place), line


def _lines(signer: Signer, day: date) -> Iterator[bytes]:
    for pledge_id, campaign, kind, *keys in _counted(day):
        mine = receipt(signer, pledge_id)
        for dimension, key in zip(DIMENSIONS, keys, strict=True):
            if key:
                name = fingerprint(mine, day, dimension)
                yield f"{name},{campaign},{dimension},{key},{kind}\n".encode()


def _counted(day: date) -> Result[UUID, str, str, str, str | None, date]:
    """Every pledge that was confirmed by the end of the day and still is, in one snapshot."""
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    confirmed_on = cast(func.timezone("UTC", Pledge.confirmed_at), Date)
    counted = (
        select(
            Pledge.id,
            Campaign.slug,
            Pledge.kind,
            Pledge.country,
            Pledge.institution_id,
            confirmed_on,
        )
        .join(Pledge.campaign)
        .where(Pledge.status == Status.CONFIRMED, Pledge.confirmed_at < end)
    )
    return db.session.execute(counted, execution_options={"yield_per": _CHUNK})


def _in_order(unsorted: Iterable[bytes], folder: Path) -> Iterator[bytes]:
    """Sort more lines than memory holds: into 256 files by their first two digits, which are spread evenly."""
    with ExitStack() as stack:
        buckets = [stack.enter_context(TemporaryFile(dir=folder)) for _ in range(256)]
        for line in unsorted:
            buckets[int(line[:2], 16)].write(line)
        for bucket in buckets:
            bucket.seek(0)
            yield from sorted(bucket)
