"""Merge two institutions, and take a merge back: a plan first, then a task that moves pledges in batches.

A merge says in the registry that the target has taken the place of the source, so addresses, searches, sites, keys
and webhooks of the source lead to the target from the first batch on; then it moves the pledges. Each moved pledge
has an event with the id of the task. An un-merge reads these events, and moves back what has not moved since.
Nobody is written to. The tallies follow by trigger. A task's ``done`` counts the record and the pledges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, false, func, not_, or_, select, update
from sqlalchemy.orm import aliased

from campaign import audit, jobs, tasks
from campaign.audit import Actor, AuditEvent
from campaign.db import db
from campaign.institutions import corrections, rules
from campaign.institutions.corrections import RegistryBusy
from campaign.institutions.models import SUCCESSOR, Institution
from campaign.institutions.models import Status as InstitutionStatus
from campaign.people.models import Person
from campaign.pledges import queries
from campaign.pledges.effects import official_pledge_locked, record_event
from campaign.pledges.models import Kind, Pledge, PledgeAction, PledgeEvent, Status
from campaign.staff.scopes import Scope
from campaign.tasks import State, Task

BATCH = 1000
# Long enough to say "at any time".
_UNDO_FOR = timedelta(days=3650)
_HELD = ["merged"]


class MergeProblem(StrEnum):
    """Why two institutions cannot be merged."""

    SAME = "same"
    # The target is a part of the source, or a part of its part.
    DESCENDANT = "descendant"
    # Staff have merged the source into another one already.
    SOURCE_MERGED = "source merged"
    # Closed, withdrawn, or merged into another one.
    TARGET_GONE = "target gone"
    # Another merge of one of the two is not finished.
    RUNNING = "running"


class MergeRefused(Exception):
    """These two institutions cannot be merged."""

    def __init__(self, problem: MergeProblem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True)
class Conflict:
    """Two official pledges in one campaign: the source's would be held, the target's stands."""

    held: Pledge
    stands: Pledge


@dataclass(frozen=True)
class MergePlan:
    """What a merge would do to pledges, counted now."""

    source: Institution
    target: Institution
    # All pledges that would move, and those of people among them that count.
    pledges: int
    people: int
    # People who count at the target already.
    people_at_target: int
    conflicts: Sequence[Conflict]


@dataclass(frozen=True)
class UnmergePlan:
    """What taking a merge back would do, counted now."""

    source: Institution
    target: Institution
    # Pledges that would move back; those that have moved on and stay; official ones that would count again.
    back: int
    stay: int
    restored: int


def plan_merge(source: Institution, target: Institution, scope: Scope) -> MergePlan:
    """Return what a merge would do. Raises MergeRefused; OutOfScope, also where a pledge is outside."""
    for one in (source, target):
        scope.check(one.country, one.id)
    if found := problem(source, target):
        raise MergeRefused(found)
    _check_pledges(source.id, scope)
    conflicts = [
        Conflict(held, stands)
        for held in _official(source.id)
        if (stands := queries.official_pledge(held.campaign_id, target.id))
    ]
    people, at_target = _people(source.id), _people(target.id)
    return MergePlan(source, target, _number_at(source.id), people, at_target, conflicts)


def propose(source: Institution, target: Institution, why: str, actor: Actor, scope: Scope) -> Task:
    """Return a task that would merge the source into the target. Raises MergeRefused, OutOfScope."""
    plan = plan_merge(source, target, scope)
    said = {"source": source.id, "target": target.id, "why": why}
    # The record in the registry and each pledge: what moves no pledge can be taken back, too.
    return tasks.plan(MERGE, actor, said, 1 + plan.pledges, scope.to_json())


def plan_unmerge(task: Task, scope: Scope) -> UnmergePlan:
    """Return what taking this merge back would do. Raises OutOfScope."""
    source, target = institutions_of(task)
    for one in (source, target):
        scope.check(one.country, one.id)
    back = _count(_to_go_back(task))
    stay = _count(_moved_by(task).where(not_(_is_back(task)))) - back
    return UnmergePlan(source, target, back, stay, _count(_to_restore(task)))


def institutions_of(task: Task) -> tuple[Institution, Institution]:
    """Return the source and the target of a merge."""
    source, target = (
        db.session.get_one(Institution, task.plan[name]) for name in ("source", "target")
    )
    return source, target


def merges_of(institution_id: str) -> Sequence[Task]:
    """Return the merges that this institution was a part of, the newest first."""
    ours = or_(*(Task.plan[name].astext == institution_id for name in ("source", "target")))
    merges = select(Task).where(Task.kind == MERGE.name, ours).order_by(Task.id.desc())
    return db.session.scalars(merges).all()


def problem(source: Institution, target: Institution) -> MergeProblem | None:
    """Return why the two cannot be merged now, if anything is in the way."""
    if source.id == target.id:
        return MergeProblem.SAME
    if source.id in rules.ancestors([target.id]):
        return MergeProblem.DESCENDANT
    if target.status != InstitutionStatus.ACTIVE:
        return MergeProblem.TARGET_GONE
    if _running({source.id, target.id}):
        return MergeProblem.RUNNING
    is_merged = any(
        one.field == SUCCESSOR and one.value != target.id for one in corrections.of(source.id)
    )
    return MergeProblem.SOURCE_MERGED if is_merged else None


def _running(ids: set[str]) -> bool:
    """Whether a merge of one of these has begun and is not finished."""
    ours = or_(*(Task.plan[name].astext.in_(ids) for name in ("source", "target")))
    unfinished = Task.state.in_([State.RUNNING, State.UNDOING, State.FAILED]) & (Task.done > 0)
    return bool(
        db.session.scalar(select(exists().where(Task.kind == MERGE.name, unfinished, ours)))
    )


def _check_pledges(institution_id: str, scope: Scope) -> None:
    """Raises OutOfScope where a pledge of the institution is outside, since a merge moves all."""
    if scope.is_everything:
        return
    # By columns, past the wall of the session, which hides what is outside.
    table = Pledge.__table__
    countries = select(table.c.country).where(table.c.institution_id == institution_id).distinct()
    for country in db.session.scalars(countries):
        scope.check(country, institution_id)


def _number_at(institution_id: str) -> int:
    ours = select(func.count()).select_from(Pledge).where(Pledge.institution_id == institution_id)
    return db.session.scalar(ours) or 0


def _people(institution_id: str) -> int:
    ours = select(func.count()).select_from(Pledge).where(Pledge.institution_id == institution_id)
    counted = ours.where(Pledge.kind == Kind.PERSON, Pledge.status == Status.CONFIRMED)
    return db.session.scalar(counted) or 0


def _official(institution_id: str) -> Sequence[Pledge]:
    official = select(Pledge).where(
        Pledge.institution_id == institution_id,
        Pledge.kind == Kind.INSTITUTION,
        Pledge.status == Status.CONFIRMED,
    )
    return db.session.scalars(official.order_by(Pledge.campaign_id)).all()


def _merge_batch(task: Task) -> bool:
    """Move the next pledges; the first batch also says in the registry who succeeds the source."""
    source, target = institutions_of(task)
    if not task.cursor:
        try:
            _begin(task, source, target)
        except RegistryBusy:
            return True  # at the next turn
    _hold_official_pledges(task, source.id, target.id)
    moved = _move(_next_at(source.id), source.id, target.id)
    _note(task, PledgeAction.INSTITUTION_MERGED, moved, source.id, target.id)
    return len(moved) == BATCH


def _begin(task: Task, source: Institution, target: Institution) -> None:
    """Name the successor, and note the act, to which the events of all pledges point.

    Raises MergeRefused where the world has moved since the merge was planned, RegistryBusy during an import. Of
    two merges of an institution that begin at once, the second waits here, and then sees the first.
    """
    ours = select(Institution).where(Institution.id.in_([source.id, target.id]))
    locked = ours.order_by(Institution.id).with_for_update(key_share=True)
    db.session.scalars(locked, execution_options={"populate_existing": True}).all()
    plan_merge(source, target, Scope.from_json(task.scope))
    if source.successor_id != target.id or source.status == InstitutionStatus.ACTIVE:
        corrections.succeed(source, target.id, task.actor)
    _point_to_act(task, PledgeAction.INSTITUTION_MERGED, source.id, target.id)


def _point_to_act(task: Task, action: str, from_: str, to: str) -> None:
    details = {"from": from_, "to": to, "merge": str(task.id), "why": task.plan["why"]}
    actor = _undoer(task) if task.is_undoing else task.actor
    act = audit.record_if_staff(actor, action, f"institution:{task.plan['source']}", details)
    db.session.flush()
    task.cursor = {"audit": act and act.id}
    task.done += -1 if task.is_undoing else 1


def _next_at(institution_id: str) -> Sequence[UUID]:
    """Return the ids of the next pledges of an institution, locked."""
    ours = select(Pledge.id).where(Pledge.institution_id == institution_id)
    return db.session.scalars(ours.order_by(Pledge.id).limit(BATCH).with_for_update()).all()


def _move(pledge_ids: Sequence[UUID], from_: str, to: str) -> Sequence[UUID]:
    """Move pledges between institutions and return their ids.

    A mailbox at either is the target's own, so no pledge loses by a merge what was noted of it.
    """
    moved = update(Pledge).where(Pledge.id.in_(pledge_ids), Pledge.institution_id == from_)
    own_mailbox = Pledge.own_mailbox | has_mailbox(to)
    values = moved.where(Person.id == Pledge.person_id).values(
        institution_id=to, own_mailbox=own_mailbox
    )
    return db.session.scalars(values.returning(Pledge.id)).all()


def has_mailbox(*institution_ids: str) -> ColumnElement[bool]:
    """The condition that a person's mailbox is at a domain of one of these; see ``rules.is_own_mailbox``."""
    domains = select(func.unnest(Institution.domains)).where(Institution.id.in_(institution_ids))
    endings = [f"{mark}{domain}" for domain in db.session.scalars(domains) for mark in "@."]
    return or_(false(), *(Person.mailbox.endswith(ending, autoescape=True) for ending in endings))


def _note(
    task: Task, action: PledgeAction, pledge_ids: Sequence[UUID], from_: str, to: str
) -> None:
    """Add an event to the trail of each pledge that moved, and count them."""
    details = {"from": from_, "to": to, "merge": str(task.id)}
    db.session.add_all(
        PledgeEvent(
            pledge_id=id_,
            actor=_undoer(task) if task.is_undoing else task.actor,
            action=action,
            details=details,
            audit_id=task.cursor["audit"],
        )
        for id_ in pledge_ids
    )
    task.done += -len(pledge_ids) if task.is_undoing else len(pledge_ids)
    db.session.flush()
    jobs.wake("fold_tallies")


def _hold_official_pledges(task: Task, source_id: str, target_id: str) -> None:
    """Hold the source's official pledges where the target has its own, until staff decide or the merge is undone.

    Before the others are locked: people are locked before their pledges; see ``queries.locked``.
    """
    for official in _official(source_id):
        if official_pledge_locked(official.campaign_id, target_id):
            pledge = queries.get_locked(official.id)
            if pledge and pledge.status == Status.CONFIRMED:
                pledge.status, pledge.hold_reasons = Status.HELD, [*_HELD]
                record_event(
                    pledge, task.actor, PledgeAction.HELD, reasons=_HELD, merge=str(task.id)
                )
    db.session.flush()


def _unmerge_batch(task: Task) -> bool:
    """Move the next pledges back; the first batch also says in the registry that the source stands for itself."""
    source, target = institutions_of(task)
    if not task.cursor:
        db.session.refresh(source)
        try:
            if source.successor_id == target.id:
                corrections.succeed(source, None, _undoer(task))
        except RegistryBusy:
            return True  # at the next turn
        _point_to_act(task, PledgeAction.INSTITUTION_UNMERGED, target.id, source.id)
        _restore_official_pledges(task, source.id, target.id)
    ids = db.session.scalars(
        _to_go_back(task).order_by(Pledge.id).limit(BATCH).with_for_update(of=Pledge)
    ).all()
    _move_back(task, ids, source.id, target.id)
    return len(ids) == BATCH


def _undoer(task: Task) -> Actor:
    """Return who takes the merge back: somebody else, perhaps, than who merged."""
    acts = select(AuditEvent).where(
        AuditEvent.subject == f"task:{task.id}", AuditEvent.action == f"task {State.UNDOING}"
    )
    newest = db.session.scalar(acts.order_by(AuditEvent.id.desc()).limit(1))
    return newest.actor if newest else task.actor


def _move_back(task: Task, ids: Sequence[UUID], source_id: str, target_id: str) -> None:
    """Move pledges back to the source; whose mailbox is its own is looked up again."""
    before = select(Institution.id).where(Institution.successor_id == source_id)
    own_mailbox = has_mailbox(source_id, *db.session.scalars(before))
    moved = (
        update(Pledge)
        .where(Pledge.id.in_(ids), Person.id == Pledge.person_id)
        .values(institution_id=source_id, own_mailbox=own_mailbox)
    )
    db.session.execute(moved)
    _note(task, PledgeAction.INSTITUTION_UNMERGED, ids, target_id, source_id)


def _restore_official_pledges(task: Task, source_id: str, target_id: str) -> None:
    """Let official pledges of the source count again that only this merge had held; they are locked first, too."""
    held = queries.locked().where(Pledge.id.in_(_to_restore(task)))
    for pledge in db.session.scalars(held).all():
        _move_back(task, [pledge.id], source_id, target_id)
        if official_pledge_locked(pledge.campaign_id, source_id) is None:
            pledge.status, pledge.hold_reasons = Status.CONFIRMED, []
            record_event(pledge, _undoer(task), PledgeAction.ACCEPTED, merge=str(task.id))
            db.session.flush()


# The event of a merge, one that came later, and the one that took a merge back.
_moved, _later, _back = (aliased(PledgeEvent) for _ in range(3))
_MERGED, _UNMERGED = PledgeAction.INSTITUTION_MERGED, PledgeAction.INSTITUTION_UNMERGED


def _merge_in(event: type[PledgeEvent]) -> ColumnElement[str]:
    merge: ColumnElement[str] = event.details["merge"].astext
    return merge


_WAS_TAKEN_BACK = exists().where(
    _back.pledge_id == _later.pledge_id,
    _back.action == _UNMERGED,
    _merge_in(_back) == _merge_in(_later),
)
# Whether the institution changed after the event, other than by a merge that was taken back.
_HAS_MOVED_ON = exists().where(
    _later.pledge_id == _moved.pledge_id,
    _later.id > _moved.id,
    or_(
        _later.action == PledgeAction.INSTITUTION_LINKED,
        (_later.action == PledgeAction.CORRECTED)
        & _later.details["fields"].has_key("institution_id"),
        (_later.action == _MERGED) & not_(_WAS_TAKEN_BACK),
    ),
)


def _moved_by(task: Task) -> Select[UUID]:
    """Return the ids of the pledges that a merge moved, without those erased since."""
    is_ours = (_moved.action == _MERGED) & (_merge_in(_moved) == str(task.id))
    return select(Pledge.id).join(_moved, (_moved.pledge_id == Pledge.id) & is_ours)


def _to_go_back(task: Task) -> Select[UUID]:
    """Return the ids of those that are where the merge put them."""
    is_there = Pledge.institution_id == task.plan["target"]
    return _moved_by(task).where(is_there, not_(_HAS_MOVED_ON))


def _to_restore(task: Task) -> Select[UUID]:
    """Return the ids of those that only this merge keeps from counting."""
    by_merge = select(PledgeEvent.pledge_id).where(
        PledgeEvent.action == PledgeAction.HELD, _merge_in(PledgeEvent) == str(task.id)
    )
    is_held = (Pledge.status == Status.HELD) & (Pledge.hold_reasons == _HELD)
    return _to_go_back(task).where(is_held, Pledge.id.in_(by_merge))


def _is_back(task: Task) -> ColumnElement[bool]:
    back = select(PledgeEvent.pledge_id).where(
        PledgeEvent.action == _UNMERGED, _merge_in(PledgeEvent) == str(task.id)
    )
    return Pledge.id.in_(back)


def _count(ids: Select[UUID]) -> int:
    return db.session.scalar(select(func.count()).select_from(ids.subquery())) or 0


MERGE = tasks.register(
    tasks.Kind("merge institutions", _merge_batch, _unmerge_batch, undo_for=_UNDO_FOR)
)
