"""What tasks over many pledges have in common: batches by id, a note of each change, and undoing what can be."""

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import Select, select

from campaign.db import db
from campaign.pledges import queries
from campaign.pledges.effects import flush_and_fold
from campaign.pledges.models import Pledge, PledgeEvent, TaskPledge
from campaign.pledges.reviewing import TooLate
from campaign.staff.scopes import Scope
from campaign.tasks import Task

# As many as one transaction takes: about a second's work.
BATCH = 200


def next_ids(task: Task, matching: Select[Pledge]) -> Sequence[UUID]:
    """The ids of the next batch; the task's cursor moves behind them."""
    ids = matching.with_only_columns(Pledge.id).order_by(Pledge.id).limit(BATCH)
    if "after" in task.cursor:
        ids = ids.where(Pledge.id > UUID(task.cursor["after"]))
    batch = db.session.scalars(ids).all()
    if batch:
        task.cursor = {"after": str(batch[-1])}
    return batch


def locked(task: Task, ids: Sequence[UUID]) -> Sequence[Pledge]:
    """The pledges of a batch that are within the task's scope, locked."""
    return queries.some_locked(ids, Scope.from_json(task.scope)) if ids else ()


def note(task: Task, pledge: Pledge, event: PledgeEvent) -> None:
    """Note what a task did to a pledge, and count it."""
    db.session.add(TaskPledge(task_id=task.id, pledge_id=pledge.id, event=event))
    task.done += 1


def count(task: Task, what: str) -> None:
    """Count in the task's result what became of one pledge."""
    task.result = {**task.result, what: task.result.get(what, 0) + 1}


# Gives a pledge back what an event of the task took. Raises TooLate.
GiveBack = Callable[[Task, Pledge, PledgeEvent], None]


def undo_step(give_back: GiveBack, task: Task) -> bool:
    """Undo a batch: "restored", "changed" since by something else, or "erased", each counted in the result."""
    rows = _next_rows(task)
    ids = [row.pledge_id for row in rows]
    pledges = {pledge.id: pledge for pledge in locked(task, ids)}
    versions = queries.versions_of(ids)
    for row in rows:
        pledge = pledges.get(row.pledge_id)
        is_same = versions[row.pledge_id] == row.event_id
        count(task, _undone(give_back, task, pledge, row.event) if is_same else _gone(pledge))
    flush_and_fold()
    return len(rows) == BATCH


def _next_rows(task: Task) -> Sequence[TaskPledge]:
    rows = select(TaskPledge).where(TaskPledge.task_id == task.id)
    if "after" in task.cursor:
        rows = rows.where(TaskPledge.pledge_id > UUID(task.cursor["after"]))
    batch = db.session.scalars(rows.order_by(TaskPledge.pledge_id).limit(BATCH)).all()
    if batch:
        task.cursor = {"after": str(batch[-1].pledge_id)}
    return batch


def _gone(pledge: Pledge | None) -> str:
    return "changed" if pledge else "erased"


def _undone(give_back: GiveBack, task: Task, pledge: Pledge | None, event: PledgeEvent) -> str:
    if pledge is None:
        return "erased"
    try:
        give_back(task, pledge, event)
    except TooLate:
        return "changed"
    return "restored"


def task_of(pledge_id: UUID) -> UUID | None:
    """The newest task that changed a pledge."""
    tasks_ = select(TaskPledge.task_id).where(TaskPledge.pledge_id == pledge_id)
    return db.session.scalar(tasks_.order_by(TaskPledge.event_id.desc()).limit(1))
