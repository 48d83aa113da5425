"""The list behind a day's numbers: a line for each key that a pledge counts under, without names.

A pledge counts for its country, its day and, if it has one, its institution. Each of these is a line of its own
with its own fingerprint, which differs in each day's list. Only the pledge's receipt shows which lines belong
together. So every count can be made from the list, but the lists reveal no more than the counts do: not that a
person of this institution counts for that country, nor which line of yesterday's is which of today's.
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
_HEX_DIGITS = 32  # 128 bits: too many to guess one, or for two pledges to share one
_CHUNK = 10_000


class CountKey(NamedTuple):
    """What a pledge counts under: the campaign's slug, dimension and key as in the tallies, the pledge's kind."""

    campaign: str
    dimension: str
    key: str
    kind: str


def receipt(signer: Signer, pledge_id: UUID) -> str:
    """Return the receipt of a pledge, which stays the same whatever is corrected in it."""
    return signer.fingerprint("receipt", str(pledge_id)).hex()[:_HEX_DIGITS]


def fingerprint(receipt: str, day: date, dimension: str) -> str:
    """Return what identifies a pledge's line for this dimension in the list of this day."""
    return sha256(f"{receipt} {day} {dimension}".encode()).hexdigest()[:_HEX_DIGITS]


def lines(signer: Signer, day: date, folder: Path) -> Iterator[tuple[CountKey, bytes]]:
    """Yield the lines of a day's list in the order of their fingerprints, each with what it counts under.

    Sorts in temporary files in the folder, which need as much room as the list.
    """
    for line in _in_order(_lines(signer, day), folder):
        _, *count_key = line.decode().rstrip("\n").split(",")
        yield CountKey(*count_key), line


def _lines(signer: Signer, day: date) -> Iterator[bytes]:
    """Yield the lines, a pledge's own one after the other: an order that must not be published."""
    for pledge_id, campaign, kind, *keys in _counted(day):
        pledge_receipt = receipt(signer, pledge_id)
        for dimension, key in zip(DIMENSIONS, keys, strict=True):
            if key:
                name = fingerprint(pledge_receipt, day, dimension)
                yield f"{name},{campaign},{dimension},{key},{kind}\n".encode()


def _counted(day: date) -> Result[UUID, str, str, str, str | None, date]:
    """Select every pledge that was confirmed by the end of the day and still is, in one snapshot."""
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    confirmed_on = cast(func.timezone("UTC", Pledge.confirmed_at), Date)
    pledges = (
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
    return db.session.execute(pledges, execution_options={"yield_per": _CHUNK})


def _in_order(unsorted: Iterable[bytes], folder: Path) -> Iterator[bytes]:
    """Sort lines that do not all fit into memory.

    They go into 256 files by their first two digits, and one file at a time is sorted. Fingerprints are digests,
    so the files are about equally long: with millions of pledges, some ten thousand lines each.
    """
    with ExitStack() as stack:
        buckets = [stack.enter_context(TemporaryFile(dir=folder)) for _ in range(256)]
        for line in unsorted:
            buckets[int(line[:2], 16)].write(line)
        for bucket in buckets:
            bucket.seek(0)
            yield from sorted(bucket)
