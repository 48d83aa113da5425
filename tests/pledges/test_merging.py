"""Merging two institutions and taking it back: planned first, and only what has not moved since goes back."""

import pytest
from sqlalchemy.orm import Session

from campaign import tasks
from campaign.audit import Actor, ActorKind
from campaign.clock import now
from campaign.db import db
from campaign.institutions import corrections
from campaign.institutions.models import Institution
from campaign.institutions.queries import resolve
from campaign.pledges import merging, operations, queries, reviewing
from campaign.pledges.merging import MergeProblem, MergeRefused
from campaign.pledges.models import Pledge, Status
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope, enclose
from campaign.tasks import State, Task, WrongState
from tests.factories import (
    STAFF,
    accepted,
    confirmed,
    done,
    draft,
    institution,
    merged,
    policy,
    submitted,
)
from tests.pledges.tools import actions, speaking, templates

pytestmark = pytest.mark.usefixtures("session")

OTHER = Actor(ActorKind.STAFF, "grace")
KENYA, CHILE = (Scope(countries=frozenset({code})) for code in ("KE", "CL"))


def unmerged(task: Task) -> Task:
    tasks.undo(task, OTHER, now())
    return done(task)


def official(one: Institution) -> Pledge:
    return accepted(**speaking(one, f"rector@{one.domains[0]}"))


def people(one: Institution, *names: str) -> list[Pledge]:
    return [confirmed(f"{name}@example.org", institution=one.id) for name in names]


def test_a_merge_moves_every_pledge_and_the_address_to_the_target() -> None:
    old, new = institution(), institution()
    moved, (stays,) = people(old, "a", "b"), people(new, "c")

    task = merged(old, new)

    assert (task.state, task.done) == (State.DONE, 3)
    assert {pledge.institution_id for pledge in (*moved, stays)} == {new.id}
    assert actions(moved[0])[-1] == "institution merged"
    assert "institution merged" not in actions(stays)
    assert resolve(old.id) is new


def test_a_plan_says_what_would_happen_and_does_nothing() -> None:
    old, new = institution(), institution()
    people(old, "a", "b")
    people(new, "c")
    submitted("d@example.org", institution=old.id)
    held, stands = official(old), official(new)

    plan = merging.plan_merge(old, new, EVERYTHING)

    assert (plan.pledges, plan.people, plan.people_at_target) == (4, 2, 1)
    assert [(one.held, one.stands) for one in plan.conflicts] == [(held, stands)]
    assert (held.institution_id, held.status) == (old.id, Status.CONFIRMED)


def refused(source: Institution, target: Institution) -> MergeProblem:
    with pytest.raises(MergeRefused) as refused:
        merging.plan_merge(source, target, EVERYTHING)
    return refused.value.problem


def test_what_makes_no_sense_is_refused() -> None:
    whole = institution()
    part = institution(parents=[whole.id])
    lab = institution(parents=[part.id])
    gone, other = institution(status="inactive"), institution()
    assert refused(whole, whole) is MergeProblem.SAME
    assert refused(whole, lab) is MergeProblem.DESCENDANT
    assert refused(whole, gone) is MergeProblem.TARGET_GONE
    merged(part, whole)
    assert refused(part, other) is MergeProblem.SOURCE_MERGED
    assert refused(other, part) is MergeProblem.TARGET_GONE


def test_one_merge_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "BATCH", 1)
    old, new, third = institution(), institution(), institution()
    people(old, "a", "b")
    first, second = (merging.propose(old, to, "", STAFF, EVERYTHING) for to in (new, third))
    for task in (first, second):
        tasks.start(task, STAFF)
    merging.MERGE.step(first)

    assert refused(new, third) is MergeProblem.RUNNING
    assert refused(third, new) is MergeProblem.RUNNING
    with pytest.raises(MergeRefused):
        merging.MERGE.step(second)


def test_a_merge_reaches_no_further_than_its_scope() -> None:
    chilean, kenyan, other = institution(country="CL"), institution(), institution()
    confirmed("abroad@example.org", country="CL", institution=other.id)
    for source, target in ((chilean, kenyan), (kenyan, chilean), (other, kenyan)):
        with pytest.raises(OutOfScope):
            merging.plan_merge(source, target, KENYA)
    enclose(KENYA)
    with pytest.raises(OutOfScope):
        merging.propose(other, kenyan, "", STAFF, KENYA)
    enclose(EVERYTHING)
    task = merged(other, kenyan)
    with pytest.raises(OutOfScope):
        merging.plan_unmerge(task, CHILE)


def test_many_pledges_move_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "BATCH", 2)
    old, new = institution(), institution()
    moved = people(old, *"abcde")

    task = merged(old, new)
    assert {pledge.institution_id for pledge in moved} == {new.id}
    unmerged(task)

    db.session.expire_all()
    assert {pledge.institution_id for pledge in moved} == {old.id}
    acts = {event.audit for pledge in moved for event in queries.trail(pledge.id)} - {None}
    assert {act.actor for act in acts if act} == {STAFF, OTHER}
    assert len(acts) == 2


def test_after_a_merge_a_mailbox_at_either_is_the_institutions() -> None:
    old, new = institution(), institution(domains=["new_name.ac.ke", "nn.ac.ke"])
    domains = [old.domains[0], "nn.ac.ke", "cs.nn.ac.ke", "newxname.ac.ke", "notnn.ac.ke"]
    noted = [confirmed(f"w@{domain}", institution=old.id) for domain in domains]
    earlier = [confirmed(f"e@{domain}", institution=old.id) for domain in domains]
    for pledge in earlier:
        pledge.own_mailbox = None  # nobody noted it then

    task = merged(old, new)
    db.session.expire_all()
    assert [pledge.own_mailbox for pledge in noted] == [True, True, True, False, False]
    assert [pledge.own_mailbox for pledge in earlier] == [None, True, True, None, None]

    unmerged(task)
    db.session.expire_all()
    assert [pledge.own_mailbox for pledge in noted] == [True, False, False, False, False]


def test_a_merge_into_an_institution_without_domains_keeps_what_was_noted() -> None:
    old, new = institution(), institution(domains=[])
    moved = [confirmed(f"w@{domain}", institution=old.id) for domain in (*old.domains, "a.org")]

    merged(old, new)

    db.session.expire_all()
    assert [pledge.own_mailbox for pledge in moved] == [True, False]


def test_where_both_spoke_the_sources_word_is_held_and_nobody_written_to() -> None:
    old, new = institution(), institution()
    held, stands = official(old), official(new)
    written = templates()

    task = merged(old, new)
    db.session.refresh(held)
    assert (held.status, held.hold_reasons) == (Status.HELD, ["merged"])
    assert queries.official_pledge(stands.campaign_id, new.id) == stands
    assert merging.plan_unmerge(task, EVERYTHING).restored == 1

    unmerged(task)
    db.session.refresh(held)
    assert (held.status, held.institution_id) == (Status.CONFIRMED, old.id)
    assert queries.official_pledge(stands.campaign_id, new.id) == stands
    assert templates() == written


def test_what_staff_decided_about_a_held_word_is_not_undone() -> None:
    old, new = institution(), institution()
    held, _ = official(old), official(new)
    task = merged(old, new)
    db.session.refresh(held)
    reviewing.refuse(policy(), held, STAFF, "The other one speaks for both.")

    unmerged(task)

    db.session.refresh(held)
    assert (held.status, held.institution_id) == (Status.REFUSED, old.id)


def test_only_what_has_not_moved_since_goes_back() -> None:
    old, new, third = institution(), institution(), institution()
    stays, leaves, erased, comes = *people(old, "a", "b", "c"), *people(new, "d")
    task = merged(old, new)
    operations.correct(policy(), leaves, draft(institution=third.id), "en", now())
    operations.correct(policy(), leaves, draft(institution=new.id), "en", now())
    operations.erase_person(erased.person)

    plan = merging.plan_unmerge(task, EVERYTHING)
    assert (plan.back, plan.stay) == (1, 1)
    unmerged(task)

    for pledge in (stays, leaves, comes):
        db.session.refresh(pledge)
    assert [p.institution_id for p in (stays, leaves, comes)] == [old.id, new.id, new.id]
    assert (task.state, resolve(old.id), actions(stays)[-1]) == (
        State.UNDONE,
        old,
        "institution unmerged",
    )


def test_what_a_later_merge_moved_on_stays_until_that_is_taken_back() -> None:
    first, second, third = institution(), institution(), institution()
    (pledge,) = people(first, "a")
    one = merged(first, second)
    two = merged(second, third)
    assert merging.plan_unmerge(one, EVERYTHING).stay == 1

    unmerged(two)
    assert merging.plan_unmerge(one, EVERYTHING).back == 1
    unmerged(one)

    db.session.refresh(pledge)
    assert pledge.institution_id == first.id


def test_a_merge_is_taken_back_once_and_can_be_made_again() -> None:
    old, new = institution(), institution()
    (pledge,) = people(old, "a")
    task = unmerged(merged(old, new))
    with pytest.raises(WrongState):
        tasks.undo(task, STAFF, now())

    again = merged(old, new)

    db.session.refresh(pledge)
    assert pledge.institution_id == new.id
    assert merging.merges_of(new.id) == [again, task]


def test_what_ror_says_of_a_successor_is_not_corrected(session: Session) -> None:
    new = institution()
    old = institution(status="withdrawn", successor_id=new.id)
    task = merged(old, new)
    assert corrections.of(old.id) == []
    unmerged(task)
    session.refresh(old)
    assert old.successor_id == new.id
