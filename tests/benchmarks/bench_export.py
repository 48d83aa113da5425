"""Exports: rows of CSV per second, next to a plain COPY of the same rows; rows of XLSX per second; their memory.

Targets: CSV at least 0.12 of COPY, XLSX at least 8,000 rows/s, and neither takes more memory for more rows. Beside
other work the second figure says what a processor does: rows per second of its time.
"""

import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import psycopg
from sqlalchemy import text

from campaign import jobs
from campaign.app import create_site
from campaign.config import Settings
from campaign.db import db
from campaign.pledges import exporting
from campaign.pledges.exporting import Filters
from campaign.staff.scopes import EVERYTHING
from campaign.table_exports import csv_of, write_xlsx
from tests.benchmarks.bench_fold import add_pledges
from tests.benchmarks.tools import database

FEW, MANY = 20_000, 300_000
# The columns of the export as they are in the tables.
_PLAIN = """
    COPY (SELECT p.id, c.slug, p.kind, p.status, p.country, i.id, coalesce(i.name, p.institution_text), p.role,
        p.disciplines, p.commitments, p.listed, p.newsletter, p.locale, p.source, p.submitted_at, p.confirmed_at,
        p.withdrawn_at, p.name, o.address, p.office, p.orcid, p.words
    FROM pledges p JOIN campaigns c ON c.id = p.campaign_id JOIN people o ON o.id = p.person_id
    LEFT JOIN institutions i ON i.id = p.institution_id ORDER BY p.id) TO STDOUT"""


def main() -> None:
    with database() as settings:
        with create_site(settings).app_context():
            add_pledges(1, MANY)
            db.session.execute(text("ANALYZE"))
            jobs.commit()
        plain, file = (_apart(settings, work) for work in (_copy, _csv))
        few, many = (_apart(settings, _xlsx, rows) for rows in (FEW, MANY))
    print(f"csv: {MANY / file[0]:,.0f} rows/s, plain COPY {MANY / plain[0]:,.0f}/s,", end=" ")
    print(f"{file[1]} MB more while it ran")
    print(f"csv: ratio {plain[0] / file[0]:.2f} (target 0.12)")
    print(
        f"xlsx: {MANY / many[0]:,.0f} rows/s (target 8,000), {MANY / many[2]:,.0f} of a processor,",
        end=" ",
    )
    print(f"{few[1]} MB more for {FEW:,} rows, {many[1]} MB for {MANY:,}")


def _apart(
    settings: Settings, work: Callable[[int], None], rows: int = MANY
) -> tuple[float, int, float]:
    """Seconds, megabytes and seconds of the processor that the work takes in a process of its own."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (settings, work, rows))


def _measured(
    settings: Settings, work: Callable[[int], None], rows: int
) -> tuple[float, int, float]:
    with create_site(settings).app_context():
        exporting.count(EVERYTHING, Filters())  # connects
        before, started, busy = _memory(), time.perf_counter(), time.process_time()
        work(rows)
        return time.perf_counter() - started, _memory() - before, time.process_time() - busy


def _memory() -> int:
    return getrusage(RUSAGE_SELF).ru_maxrss // 1024


def _copy(_rows: int) -> None:
    driver = db.session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with driver.cursor() as cursor, cursor.copy(_PLAIN) as copy, open(os.devnull, "wb") as file:
        file.writelines(copy)


def _csv(_rows: int) -> None:
    with open(os.devnull, "wb") as file:
        file.writelines(exporting.csv_file(EVERYTHING, Filters(), named=True))


def _xlsx(rows: int) -> None:
    """Both steps of the task: the rows into a file, and the file into a workbook."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder, "spool")
        with spool.open("wb") as file:
            query = exporting._rows(EVERYTHING, Filters(), True).limit(rows)
            file.writelines(csv_of(query))
        write_xlsx(spool, Path(folder, "book"))


if __name__ == "__main__":
    main()
