"""Importing the registry: records per second, next to only parsing the same file.

Target: 51,370 records in under 60 s.
"""

import resource
import time
from pathlib import Path

import ijson

from campaign import jobs
from campaign.app import create_site
from campaign.institutions.operations import ImportSummary, import_dump
from campaign.institutions.queries import starter_path
from campaign.institutions.ror import open_dump
from tests.benchmarks.tools import database
from tests.conftest import SHARED

DUMP = SHARED / "data" / "ror-data-subset.zip"


def main() -> None:
    path, source = (
        (DUMP, "the dump in ../shared")
        if DUMP.exists()
        else (starter_path(), "the starter registry")
    )
    with database() as settings, create_site(settings).app_context():
        parsed, records = _parse_only(path)
        first, summary = _import(path)
        second, again = _import(path)
    assert again.added == again.changed == 0, "an import that was made already changed something"
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"import: {records:,} records from {source}; {summary.added:,} added, {summary.changed:,} changed"
    )
    print(
        f"import: {first:.1f} s, {records / first:,.0f} records/s (target under 60 s), at most {megabytes:.0f} MB"
    )
    print(f"import: again, nothing changed: {second:.1f} s, {records / second:,.0f} records/s")
    print(
        f"import: only parsing the file {parsed:.1f} s; ratios {first / parsed:.1f} and {second / parsed:.1f}"
    )


def _parse_only(path: Path) -> tuple[float, int]:
    started = time.perf_counter()
    with open_dump(path) as dump:
        records = sum(1 for _ in ijson.items(dump.stream, "item", use_float=True))
    return time.perf_counter() - started, records


def _import(path: Path) -> tuple[float, ImportSummary]:
    started = time.perf_counter()
    summary = import_dump(path)
    jobs.commit()
    return time.perf_counter() - started, summary


if __name__ == "__main__":
    main()
