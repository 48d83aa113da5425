"""Long work as a row: planned, started, done in batches with a cursor, cancelled, undone.

Each kind of task is registered once by its domain. A batch and the cursor behind it are committed together, so a
worker that is killed leaves a task that goes on where it was. Between two batches it can be cancelled: what is
done stays done, and can be undone where its kind knows how.

    planned → running → done → undoing → undone
                ↘ cancelled ↗      (failed: the error is told, and it can be started again)
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, Index, exists, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from campaign import jobs
from campaign.audit import Actor, actor_columns, actor_constraint, record
from campaign.db import Model, db, uuid_key

# Far below the time limit of the job.
RUN_SECONDS = 60.0
_KEPT = timedelta(days=30)

log = logging.getLogger(__name__)


class State(StrEnum):
    """Where a task is on its way."""

    PLANNED = "planned"
    RUNNING = "running"
    CANCELLED = "cancelled"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"


class WrongState(Exception):
    """The task's state does not allow what was asked for."""


class Task(Model):
    """One long piece of work. ``plan``, ``cursor`` and ``result`` are its kind's own."""

    __tablename__ = "tasks"
    __table_args__ = (
        actor_constraint(),
        CheckConstraint(
            "state IN ('planned', 'running', 'cancelled', 'done', 'undoing', 'undone', 'failed')",
            name="state",
        ),
        Index("ix_tasks_running", "id", postgresql_where=text("state IN ('running', 'undoing')")),
        Index(None, "kind", "id"),
    )

    id: Mapped[UUID] = uuid_key()
    kind: Mapped[str]
    actor: Mapped[Actor] = actor_columns()
    state: Mapped[str] = mapped_column(default=State.PLANNED)
    # In which direction it goes on after a failure.
    is_undoing: Mapped[bool] = mapped_column(default=False)
    # What is to be done; never changed, so that what was read is what is done.
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # The scope of who planned it: {} for everything. See ``staff.scopes``.
    scope: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    cursor: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # When a batch was last done: tasks take turns.
    worked_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


# Does the next batch, moves the task's cursor and counts; returns whether more is to be done. Never commits.
Step = Callable[[Task], bool]


@dataclass(frozen=True)
class Kind:
    """How one kind of task is done and, if it can be, undone; for how long it can be, and under which condition."""

    name: str
    step: Step
    undo_step: Step | None = None
    undo_for: timedelta = _KEPT
    may_undo: Callable[[Task], bool] = lambda _task: True


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Register a kind of task, when its module is imported."""
    assert kind.name not in _kinds, f"two kinds of tasks are called {kind.name}"
    _kinds[kind.name] = kind
    return kind


def plan(
    kind: Kind, actor: Actor, plan: Mapping[str, Any], total: int, scope: Mapping[str, Any]
) -> Task:
    """Add a task that says what would be done; nothing happens before ``start``."""
    task = Task(kind=kind.name, actor=actor, plan=dict(plan), total=total, scope=dict(scope))
    db.session.add(task)
    db.session.flush()
    return task


def get(task_id: UUID) -> Task | None:
    """Return the task with this id."""
    return db.session.get(Task, task_id)


def get_locked(task_id: UUID) -> Task | None:
    """Return the task, its row locked and read anew."""
    return db.session.get(Task, task_id, with_for_update=True, populate_existing=True)


def start(task: Task, actor: Actor) -> None:
    """Have the worker begin, or go on after a failure. Raises WrongState."""
    state = State.UNDOING if task.is_undoing else State.RUNNING
    _move(task, actor, {State.PLANNED, State.FAILED}, state)
    jobs.wake("run_tasks")


def cancel(task: Task, actor: Actor, now: datetime) -> None:
    """Stop before the next batch, or after an error; what is done stays. Raises WrongState."""
    if task.is_undoing:
        raise WrongState
    _move(task, actor, {State.PLANNED, State.RUNNING, State.FAILED}, State.CANCELLED)
    task.finished_at = now


def undo(task: Task, actor: Actor, now: datetime) -> None:
    """Have the worker undo what was done, from the beginning. Raises WrongState."""
    if not can_be_undone(task, now):
        raise WrongState
    _move(task, actor, {State.DONE, State.CANCELLED}, State.UNDOING)
    task.is_undoing, task.cursor = True, {}
    jobs.wake("run_tasks")


def can_be_undone(task: Task, now: datetime) -> bool:
    """Whether something was done that its kind knows how to undo, not too long ago, and nothing is in the way."""
    until = undo_until(task)
    return until is not None and now < until and _kinds[task.kind].may_undo(task)


def undo_until(task: Task) -> datetime | None:
    """Return until when the task can be undone; None where it cannot."""
    kind = _kinds[task.kind]
    ended = task.state in {State.DONE, State.CANCELLED} and task.done
    return (
        task.finished_at + kind.undo_for if kind.undo_step and ended and task.finished_at else None
    )


def _move(task: Task, actor: Actor, allowed: set[State], state: State) -> None:
    if task.state not in allowed:
        raise WrongState
    task.state, task.error = state, None
    record(actor, f"task {state}", f"task:{task.id}", {"kind": task.kind, "done": task.done})


def has_running() -> ColumnElement[bool]:
    """Return the condition that a task waits for the worker."""
    return exists().where(_is_running())


def _is_running() -> ColumnElement[bool]:
    return Task.state.in_([State.RUNNING, State.UNDOING])


def run(
    now: Callable[[], datetime],
    before_batch: Callable[[Task], None] = lambda _task: None,
    seconds: float = RUN_SECONDS,
) -> None:
    """Do the batches of tasks that run, by turns, for at most so many seconds. Commits each batch."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and (task := _next()):
        task_id = task.id
        try:
            before_batch(task)
            _do_batch(task, now())
        except Exception as error:
            log.exception("task %s failed", task_id)
            jobs.rollback()
            _fail(task_id, error, now())
        jobs.commit()


def _next() -> Task | None:
    """Return a task that runs, locked; others may be in the hands of other workers."""
    turns = (Task.worked_at.asc().nulls_first(), Task.id)
    next_ = select(Task).where(_is_running()).order_by(*turns).limit(1)
    return db.session.scalar(
        next_.with_for_update(skip_locked=True), execution_options={"populate_existing": True}
    )


def _do_batch(task: Task, now: datetime) -> None:
    kind = _kinds[task.kind]
    step = kind.undo_step if task.is_undoing else kind.step
    assert step is not None, "only what can be undone is being undone"
    task.worked_at = now
    if not step(task):
        task.state = State.UNDONE if task.is_undoing else State.DONE
        task.finished_at = now
        record(task.actor, f"task {task.state}", f"task:{task.id}", {"done": task.done})
    db.session.flush()


def _fail(task_id: UUID, error: Exception, now: datetime) -> None:
    if task := get_locked(task_id):
        task.state, task.error, task.finished_at = State.FAILED, type(error).__name__, now


def recent(limit: int = 50) -> list[Task]:
    """Return the newest tasks."""
    return list(db.session.scalars(select(Task).order_by(Task.id.desc()).limit(limit)))
