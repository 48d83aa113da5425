"""Tasks: planned, done in batches, cancelled, undone; what fails says so and goes on where it was."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign import tasks
from campaign.audit import AuditEvent
from campaign.clock import now
from campaign.db import db
from campaign.tasks import State, Task, WrongState
from tests.factories import STAFF, is_true


class Counter:
    """A kind of task that counts to its total, two in a batch, and can count back."""

    def __init__(self) -> None:
        self.batches = 0
        self.trouble: Callable[[Task], Any] = lambda _task: None

    def step(self, task: Task) -> bool:
        self.batches += 1
        task.done += 2
        task.cursor = {"at": task.done}
        self.trouble(task)
        return task.done < task.total

    def undo_step(self, task: Task) -> bool:
        task.done -= 2
        return task.done > 0


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    monkeypatch.setitem(
        tasks._kinds, "counting", tasks.Kind("counting", counter.step, counter.undo_step)
    )
    return counter


@pytest.fixture
def task(session: Session, counter: Counter) -> Task:
    return tasks.plan(tasks._kinds["counting"], STAFF, {"to": 6}, 6, {})


def test_a_plan_does_nothing(task: Task, counter: Counter) -> None:
    tasks.run(now)
    assert (task.state, counter.batches) == (State.PLANNED, 0)
    assert not is_true(tasks.has_running())


def test_a_task_is_done_batch_by_batch(task: Task, counter: Counter) -> None:
    tasks.start(task, STAFF)
    assert is_true(tasks.has_running())
    tasks.run(now)
    assert (task.state, task.done, counter.batches) == (State.DONE, 6, 3)


def test_a_cancelled_task_stops_and_what_was_done_can_be_undone(
    task: Task, counter: Counter
) -> None:
    tasks.start(task, STAFF)
    counter.trouble = lambda task: tasks.cancel(task, STAFF, now()) if task.done == 4 else None
    tasks.run(now)
    assert (task.state, task.done) == (State.CANCELLED, 4)
    tasks.undo(task, STAFF, now())
    tasks.run(now)
    assert (task.state, task.done) == (State.UNDONE, 0)


def test_what_an_error_stopped_can_be_cancelled_and_undone(task: Task, counter: Counter) -> None:
    def fail(task: Task) -> None:
        assert task.done != 4

    counter.trouble = fail
    tasks.start(task, STAFF)
    tasks.run(now)
    tasks.cancel(task, STAFF, now())
    tasks.undo(task, STAFF, now())
    tasks.run(now)
    assert (task.state, task.done) == (State.UNDONE, 0)


def test_a_batch_that_fails_is_undone_and_told(task: Task, counter: Counter) -> None:
    def fail(task: Task) -> None:
        assert task.done != 4

    counter.trouble = fail
    tasks.start(task, STAFF)
    tasks.run(now)
    assert (task.state, task.done, task.error) == (State.FAILED, 2, "AssertionError")
    counter.trouble = lambda _task: None
    tasks.start(task, STAFF)
    tasks.run(now)
    assert (task.state, task.done, task.error) == (State.DONE, 6, None)


def test_what_was_done_long_ago_stays(task: Task) -> None:
    tasks.start(task, STAFF)
    tasks.run(now)
    with pytest.raises(WrongState):
        tasks.undo(task, STAFF, now() + timedelta(days=31))


def test_a_task_is_started_once(task: Task) -> None:
    tasks.start(task, STAFF)
    with pytest.raises(WrongState):
        tasks.start(task, STAFF)


def test_every_step_on_the_way_is_in_the_record(task: Task) -> None:
    tasks.start(task, STAFF)
    tasks.run(now)
    actions = select(AuditEvent.action).where(AuditEvent.subject == f"task:{task.id}")
    assert db.session.scalars(actions.order_by(AuditEvent.id)).all() == [
        "task running",
        "task done",
    ]


def test_tasks_take_turns(task: Task, counter: Counter) -> None:
    other = tasks.plan(tasks._kinds["counting"], STAFF, {}, 6, {})
    order: list[object] = []
    counter.trouble = lambda task: order.append(task.id)
    tasks.start(task, STAFF)
    tasks.start(other, STAFF)
    tasks.run(now)
    assert order == [task.id, other.id] * 3
