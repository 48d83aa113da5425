"""Long work: as a plan that can be read and shown to a colleague, then under way, then done and undoable.

Each kind of task says here which permission it needs and which template describes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, url_for

from campaign import jobs, tasks
from campaign.clock import now
from campaign.desk.access import freshly, signed_in
from campaign.desk.signed_in import account, actor
from campaign.http.rendering import Page
from campaign.staff import queries
from campaign.staff.rules import Permission
from campaign.staff.scopes import Scope
from campaign.tasks import Task, WrongState

blueprint = Blueprint("tasks", __name__, url_prefix="/tasks")


@dataclass(frozen=True)
class Description:
    """How the desk shows one kind of task.

    ``template`` extends "desk/tasks/task.html". ``title`` names a task in lists. ``context`` adds values for the
    template, such as a count made anew.
    """

    permission: Permission
    template: str
    title: Callable[[Task], str]
    context: Callable[[Task], Mapping[str, Any]] = field(default=lambda _task: {})


_descriptions: dict[str, Description] = {}


def describe(kind: str, description: Description) -> None:
    """Say how the desk shows tasks of this kind."""
    _descriptions[kind] = description


@blueprint.get("/")
@signed_in
def listed() -> Page:
    found = [task for task in tasks.recent(200) if _may_see(task)]
    names = queries.names(task.actor.id for task in found)
    return render_template("desk/tasks/list.html", tasks=found, title_of=_title, names=names)


@blueprint.get("/<uuid:task_id>/")
@signed_in
def task(task_id: UUID) -> Page:
    found = _find(tasks.get(task_id))
    description = _descriptions[found.kind]
    return render_template(
        description.template,
        task=found,
        title=description.title(found),
        by=queries.names([found.actor.id]).get(found.actor.id or "", found.actor.id),
        can_undo=tasks.can_be_undone(found, now()),
        undo_until=tasks.undo_until(found),
        **description.context(found),
    )


@blueprint.post("/<uuid:task_id>/start/")
@signed_in
@freshly
def start(task_id: UUID) -> Page:
    return _moved(task_id, lambda found: tasks.start(found, actor()))


@blueprint.post("/<uuid:task_id>/cancel/")
@signed_in
def cancel(task_id: UUID) -> Page:
    return _moved(task_id, lambda found: tasks.cancel(found, actor(), now()))


@blueprint.post("/<uuid:task_id>/undo/")
@signed_in
@freshly
def undo(task_id: UUID) -> Page:
    return _moved(task_id, lambda found: tasks.undo(found, actor(), now()))


def _moved(task_id: UUID, move: Callable[[Task], None]) -> Page:
    """Move the task on, unless it has moved meanwhile; its page shows what it has become."""
    found = _find(tasks.get_locked(task_id))
    try:
        move(found)
    except WrongState:
        jobs.rollback()
    jobs.commit()
    return redirect(url_for("tasks.task", task_id=task_id), 303)


def _find(found: Task | None) -> Task:
    if found is None or not _may_see(found):
        abort(404)
    return found


def _may_see(found: Task) -> bool:
    """Whether the account may do what the task does, everywhere where it does it."""
    description = _descriptions.get(found.kind)
    if description is None or not account().may(description.permission):
        return False
    return account().scope.is_everything or Scope.from_json(found.scope) == account().scope


def _title(found: Task) -> str:
    return _descriptions[found.kind].title(found)
