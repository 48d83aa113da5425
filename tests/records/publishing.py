"""A published dataset to look into and to tamper with."""

import csv
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from campaign.demo import pledges
from campaign.paths import VERIFIER
from campaign.records import operations
from tests.factories import policy

DAY = date(2026, 11, 21)
NOON = datetime.combine(DAY, time(12), UTC)
Row = list[str]


def invent(number: int = 300) -> None:
    """Pledges of the demonstration, all of them confirmed before the noon of the day."""
    pledges.add(number, NOON)


def publish(folder: Path, day: date = DAY) -> Path:
    """What the job does, without its commit; returns the folder of the day."""
    operations.publish_staged(operations.stage(folder, policy().signer, day, "http://localhost"))
    return folder / str(day)


@dataclass
class Verdict:
    """What the stand-alone program said, and how it ended."""

    code: int
    output: str


def verify(dataset: Path, *words: str) -> Verdict:
    """Run docs/verify.py as a stranger does: on its own, with nothing of ours to import."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", VERIFIER, dataset, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return Verdict(done.returncode, done.stdout)


def rows(path: Path) -> list[Row]:
    return list(csv.reader(path.read_text("utf-8").splitlines()))


def write(path: Path, changed: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(changed)


def line_of(path: Path, day: date, campaign: str) -> str:
    """The line of the chain for this day."""
    found = (json.loads(line) for line in path.read_text().splitlines())
    (record,) = (r for r in found if (r["day"], r["campaign"]) == (str(day), campaign))
    return operations.canonical(record)
