"""kill -9 of the worker amid the long work of staff: it goes on where it was, and nothing is done twice."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from python_calamine import CalamineWorkbook

from campaign import jobs, tasks
from campaign.app import create_worker
from campaign.clock import now
from campaign.config import Settings, local_keys
from campaign.db import db
from campaign.people import importing
from campaign.people.import_rules import Column
from campaign.pledges import exporting, invalidation, supporter_imports
from campaign.pledges.exporting import Filters
from campaign.pledges.invalidation import Rule
from campaign.staff.scopes import EVERYTHING
from campaign.tallies import operations as tally_operations
from campaign.tasks import State, Task
from tests.benchmarks.bench_fold import add_pledges
from tests.factories import STAFF
from tests.scripted_person import wait_for
from tests.stack.test_kills import kill_work_process
from tests.stacks import Stack, running

pytestmark = pytest.mark.stack

ROWS = 6000
# More than the worker writes in one batch.
PLEDGES = 60_000


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running("--no-demo") as stack:
        yield stack


@pytest.fixture
def beside(stack: Stack) -> Iterator[Flask]:
    """An application on the same database and folder, to plan what the stack's worker does."""
    keys = local_keys(stack.folder)
    settings = Settings(
        database_url=stack.database_url,
        secret_key=keys["SECRET_KEY"],
        hash_key=keys["HASH_KEY"],
        data_folder=str(stack.folder / "data"),
    )
    app = create_worker(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def task(task_id: UUID) -> Task:
    """The task as the worker has left it."""
    db.session.rollback()
    found = tasks.get(task_id)
    assert found is not None
    db.session.refresh(found)
    return found


def until_done(task_id: UUID) -> Task:
    wait_for(
        lambda: task(task_id).state not in {State.PLANNED, State.RUNNING} or None, "the task", 120
    )
    return task(task_id)


def test_an_import_goes_on_where_it_was(stack: Stack, beside: Flask, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("E-mail\n" + "".join(f"old-{n}@example.org\n" for n in range(ROWS)))
    file = importing.add(STAFF, path, "table.csv", "en", now())
    importing.describe(file, [Column.EMAIL], None, None, now().date())
    check_id = supporter_imports.start_check(file, STAFF).id
    jobs.commit()
    assert until_done(check_id).state == State.DONE
    task_id = supporter_imports.start(file, STAFF).id
    jobs.commit()
    wait_for(lambda: task(task_id).done or None, "a first batch", 60)

    kill_work_process(stack)
    was_amid = task(task_id).state == State.RUNNING
    finished = until_done(task_id)

    assert was_amid, "the worker was faster than the kill"
    assert (finished.state, finished.done, finished.result["new"]) == (State.DONE, ROWS, ROWS)
    assert stack.rows("SELECT count(*), count(DISTINCT person_id) FROM supporters") == [
        (ROWS, ROWS)
    ]


def test_an_invalidation_goes_on_where_it_was(stack: Stack, beside: Flask) -> None:
    add_pledges(100_001, 100_000 + ROWS)
    rule = Rule(name="Scientist 10*")
    planned = invalidation.plan(rule, False, STAFF, EVERYTHING, now())
    tasks.start(planned, STAFF)
    task_id, total = planned.id, planned.total
    jobs.commit()
    wait_for(lambda: task(task_id).done or None, "a first batch", 60)

    kill_work_process(stack)
    was_amid = task(task_id).state == State.RUNNING
    finished = until_done(task_id)

    assert was_amid, "the worker was faster than the kill"
    assert (finished.state, finished.done) == (State.DONE, total)
    refused = "SELECT count(*) FROM pledges WHERE status = 'refused'"
    assert stack.rows(refused) == [(total,)]
    assert tally_operations.differences() == []


def test_an_export_is_written_whole(stack: Stack, beside: Flask) -> None:
    add_pledges(1, PLEDGES)
    task_id = exporting.start_xlsx(STAFF, EVERYTHING, Filters(), named=False).id
    jobs.commit()
    wait_for(lambda: task(task_id).cursor.get("complete"), "all rows in the first file", 120)

    kill_work_process(stack)
    finished = until_done(task_id)

    assert finished.state == State.DONE
    file = exporting.file_of(finished)
    assert file is not None
    rows = CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()
    exported = exporting.count(EVERYTHING, Filters())
    assert len(rows) == len({row[0] for row in rows}) == exported + 1
