"""One verdict for many held pledges: for those that were ticked at once, for all that match by a task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from uuid import UUID

from sqlalchemy import Select

from campaign import tasks
from campaign.audit import Actor
from campaign.i18n import fallback_chain
from campaign.pledges import bulk, queries, queue
from campaign.pledges.effects import flush_and_fold
from campaign.pledges.models import NotAwaiting, Pledge, PledgeEvent, Status
from campaign.pledges.policy import PledgePolicy, current_policy
from campaign.pledges.queue import HeldFilter
from campaign.pledges.reviewing import UNDO_FOR, Disputed, accept, refuse, take_back
from campaign.staff.scopes import Scope
from campaign.tasks import Task

# As many pledges as are decided at once; more are a task's work.
MAX_AT_ONCE = 200


class Outcome(StrEnum):
    """What became of one of many pledges."""

    DONE = "done"
    CHANGED = "changed"
    NOT_AWAITING = "not awaiting"
    DISPUTED = "disputed"
    MISSING = "missing"


@dataclass(frozen=True)
class Decision:
    """One verdict for many pledges: reasons, by language, refuse them; none accept them."""

    reasons: Mapping[str, str] = field(default_factory=dict)

    def carry_out(
        self, policy: PledgePolicy, pledge: Pledge, actor: Actor, **noted: object
    ) -> PledgeEvent:
        """Raises NotAwaiting and Disputed."""
        if not self.reasons:
            return accept(policy, pledge, actor, **noted)
        known = (tag for tag in fallback_chain(pledge.locale) if tag in self.reasons)
        return refuse(policy, pledge, actor, self.reasons[next(known)], **noted)


def decide_many(
    policy: PledgePolicy,
    versions: Mapping[UUID, int],
    decision: Decision,
    actor: Actor,
    scope: Scope,
) -> dict[UUID, Outcome]:
    """Decide about some held pledges, given the version of each that staff have read; say what became of each."""
    assert len(versions) <= MAX_AT_ONCE, "more are a task's work"
    outcomes = dict.fromkeys(versions, Outcome.MISSING)
    pledges = queries.some_locked(versions, scope)
    current = queries.versions_of(versions)  # only now, since a correction may have been waited for
    for pledge in pledges:
        if current[pledge.id] != versions[pledge.id]:
            outcomes[pledge.id] = Outcome.CHANGED
        elif pledge.status != Status.HELD:
            outcomes[pledge.id] = Outcome.NOT_AWAITING
        else:
            outcomes[pledge.id] = _outcome(policy, pledge, decision, actor)
    return outcomes


def _outcome(policy: PledgePolicy, pledge: Pledge, decision: Decision, actor: Actor) -> Outcome:
    try:
        decision.carry_out(policy, pledge, actor)
    except Disputed:
        return Outcome.DISPUTED
    return Outcome.DONE


def plan(only: HeldFilter, decision: Decision, actor: Actor, scope: Scope, now: datetime) -> Task:
    """Plan one verdict for all held pledges that match; what is sent later is not touched: nobody read it."""
    asked = {"only": only.to_json(), "reasons": dict(decision.reasons), "until": now.isoformat()}
    return tasks.plan(DECIDE, actor, asked, queue.count(scope, only), scope.to_json())


def _step(task: Task) -> bool:
    decision, policy = Decision(task.plan["reasons"]), current_policy()
    ids = bulk.next_ids(task, _matching(task))
    for pledge in bulk.locked(task, ids):
        if pledge.status != Status.HELD:  # a colleague was faster
            bulk.count(task, "left")
            continue
        try:
            event = decision.carry_out(policy, pledge, task.actor, task=str(task.id))
        except (Disputed, NotAwaiting):
            bulk.count(task, "left")
        else:
            bulk.note(task, pledge, event)
    flush_and_fold()
    return len(ids) == bulk.BATCH


def _matching(task: Task) -> Select[Pledge]:
    until = datetime.fromisoformat(task.plan["until"])
    only = HeldFilter(**task.plan["only"])
    return queue.matching(Scope.from_json(task.scope), only).where(Pledge.submitted_at <= until)


def _take_back(task: Task, pledge: Pledge, event: PledgeEvent) -> None:
    take_back(pledge, event, task.actor)


DECIDE = tasks.register(
    tasks.Kind("decide held pledges", _step, partial(bulk.undo_step, _take_back), UNDO_FOR)
)
