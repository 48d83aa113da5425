"""Pledges as files: what one may see, as text, however many."""

import csv
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy.orm import Session

from campaign import jobs, table_exports, tasks
from campaign.clock import now
from campaign.config import Settings
from campaign.db import db
from campaign.pledges import exporting
from campaign.pledges.exporting import Filters
from campaign.staff.scopes import EVERYTHING, Scope
from campaign.tasks import State
from tests.factories import STAFF, confirmed, submitted

KENYA = Scope(countries=frozenset({"KE"}))


def rows(scope: Scope = EVERYTHING, named: bool = True, **filters: object) -> list[dict[str, str]]:
    content = b"".join(exporting.csv_file(scope, Filters(**filters), named=named))
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def workbook(task: tasks.Task) -> list[list[list[str]]]:
    path = exporting.file_of(task)
    assert path is not None
    book = CalamineWorkbook.from_path(path)
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


@pytest.fixture
def pledges(session: Session) -> None:
    confirmed("a@example.org", name="Ada", country="KE", words="All children matter")
    confirmed("b@example.org", name="Ben", country="CL")
    submitted("c@example.org", name="Cid", country="KE")


def test_a_file_has_what_the_filters_leave(pledges: None) -> None:
    assert [row["name"] for row in rows()] == ["Ada", "Ben", "Cid"]
    assert [row["name"] for row in rows(status="confirmed", country="KE")] == ["Ada"]
    assert exporting.count(EVERYTHING, Filters(country="KE")) == 2


def test_a_coordinator_gets_their_own_countries_only(pledges: None) -> None:
    assert {row["country"] for row in rows(KENYA)} == {"KE"}
    assert rows(KENYA, country="CL") == []
    assert exporting.count(KENYA, Filters()) == 2


def test_days_are_whole_days(pledges: None) -> None:
    today = datetime.now(UTC).date()
    assert len(rows(since=today, until=today)) == 3
    assert rows(until=today - timedelta(days=1)) == []


def test_names_and_addresses_only_for_those_who_may_find_people(pledges: None) -> None:
    content = b"".join(exporting.csv_file(EVERYTHING, Filters(), named=False)).decode()
    assert not {"Ada", "a@example.org", "All children matter"} & set(
        content.replace('"', ",").split(",")
    )


def test_cells_are_no_formulas(session: Session) -> None:
    for number, name in enumerate(["=1+1", "＝cmd", "@x;=2", "plain -x"]):
        confirmed(f"+{number}@example.org", name=name)
    assert [row["name"] for row in rows()] == ["'=1+1", "'＝cmd", "'@x;'=2", "plain -x"]
    assert {row["email"][:2] for row in rows()} == {"'+"}


def test_a_workbook_is_written_in_batches(pledges: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_SPOOLED_AT_ONCE", 2)
    task = exporting.start_xlsx(STAFF, KENYA, Filters(), named=True)
    tasks.run(now)
    (sheet,) = workbook(task)
    assert (task.state, task.done, task.total) == (State.DONE, 2, 2)
    assert [row[sheet[0].index("name")] for row in sheet] == ["name", "Ada", "Cid"]


def test_what_a_killed_worker_wrote_is_written_once(
    pledges: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_SPOOLED_AT_ONCE", 1)
    task = exporting.start_xlsx(STAFF, EVERYTHING, Filters(), named=True)
    jobs.commit()
    with db.session.begin_nested() as killed:
        exporting._export(task)
        killed.rollback()
    db.session.refresh(task)
    tasks.run(now)
    (sheet,) = workbook(task)
    assert [row[sheet[0].index("name")] for row in sheet] == ["name", "Ada", "Ben", "Cid"]


def test_a_full_sheet_is_followed_by_another(
    pledges: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_exports, "SHEET_ROWS", 3)
    task = exporting.start_xlsx(STAFF, EVERYTHING, Filters(), named=False)
    tasks.run(now)
    assert [len(sheet) for sheet in workbook(task)] == [3, 2]


def test_formulas_and_links_are_text_in_a_workbook(tmp_path: Path) -> None:
    source, target = tmp_path / "a.csv", tmp_path / "a.xlsx"
    source.write_text('"a","b"\n"=1+1","https://example.org"\n')
    table_exports.write_xlsx(source, target)
    sheet = CalamineWorkbook.from_path(target).get_sheet_by_index(0)
    assert sheet.to_python()[1] == ["=1+1", "https://example.org"]


def test_files_are_removed_after_a_week(pledges: None, settings: Settings) -> None:
    task = exporting.start_xlsx(STAFF, EVERYTHING, Filters(), named=False)
    tasks.run(now)
    path = exporting.file_of(task)
    assert path is not None
    exporting.purge(now())
    assert path.exists()
    long_ago = (now() - exporting.KEPT - timedelta(minutes=1)).timestamp()
    os.utime(path, (long_ago, long_ago))
    exporting.purge(now())
    assert exporting.file_of(task) is None


def test_filters_come_back_from_their_row() -> None:
    filters = Filters(country="KE", since=datetime(2026, 1, 2, tzinfo=UTC).date())
    assert Filters.from_json(filters.to_json()) == filters
