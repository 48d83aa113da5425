"""Invalidation by rule: counted, looked at, done in batches, cancelled, undone; the tallies follow."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaign import tasks
from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.pledges import bulk, invalidation, operations, queries
from campaign.pledges.invalidation import Rule, TooWide
from campaign.pledges.models import Kind, Pledge, Status
from campaign.staff.scopes import EVERYTHING, Scope, enclose
from campaign.tallies import operations as tally_operations
from campaign.tasks import State, Task
from tests.factories import STAFF, confirmed, context, institution
from tests.pledges.tools import HELD, actions, templates

pytestmark = pytest.mark.usefixtures("session")

SPAM = Rule(domain="spam.example.com")
KENYA = Scope(countries=frozenset({"KE"}))


@pytest.fixture(autouse=True)
def small_batches(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bulk, "BATCH", 2)
    yield
    enclose(EVERYTHING)


@pytest.fixture
def spam() -> list[Pledge]:
    return [confirmed(f"s{number}@spam.example.com") for number in range(5)]


def planned(rule: Rule = SPAM, *, letters: bool = False, scope: Scope = EVERYTHING) -> Task:
    return invalidation.plan(rule, letters, STAFF, scope, now())


def run(task: Task) -> Task:
    tasks.start(task, STAFF)
    tasks.run(now, lambda task: enclose(Scope.from_json(task.scope)))
    enclose(EVERYTHING)
    return task


def undone(task: Task) -> Task:
    tasks.undo(task, STAFF, now())
    tasks.run(now)
    assert task.state == State.UNDONE, task.error
    return task


def statuses(pledges: list[Pledge]) -> list[str]:
    db.session.expire_all()
    return [pledge.status for pledge in pledges]


def test_a_plan_counts_and_changes_nothing(spam: list[Pledge]) -> None:
    confirmed("other@example.org")
    task = planned()
    assert (task.total, task.state) == (5, State.PLANNED)
    assert set(statuses(spam)) == {"confirmed"}


def test_what_the_rule_means_stops_counting_and_nobody_gets_a_letter(spam: list[Pledge]) -> None:
    other = confirmed("other@example.org")
    task = run(planned())
    assert (task.state, task.done) == (State.DONE, 5)
    assert (set(statuses(spam)), other.status) == ({"refused"}, "confirmed")
    assert tally_operations.differences() == []
    assert set(templates()) == {"confirm"}
    assert actions(spam[0])[-1] == "invalidated"
    assert bulk.task_of(spam[0].id) == task.id


def test_each_gets_a_letter_if_the_plan_says_so(spam: list[Pledge]) -> None:
    run(planned(letters=True))
    assert templates().count("refused") == 5


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ({"domain": "spam.example.com"}, "ad"),
        ({"domain": "example.com"}, "ad"),
        ({"domain": "pam.example.com"}, ""),
        ({"name": "MÖLLER"}, "ab"),
        ({"name": "anna*"}, "b"),
        ({"name": "*moller"}, "ab"),
        ({"name": "j*moller"}, "a"),
        ({"name": "%"}, None),
        ({"name": "*"}, None),
        ({"country": "CL"}, None),
        ({"country": "CL", "name": "mol"}, "b"),
        ({"since": now() - timedelta(hours=1), "until": now() + timedelta(hours=1)}, "abd"),
        ({"since": now() + timedelta(hours=1)}, ""),
        ({"until": now() - timedelta(days=1)}, None),
    ],
)
def test_rules_by_domain_name_country_and_time(rule: dict[str, Any], matches: str | None) -> None:
    pledges = {
        "a": confirmed("a@spam.example.com", name="Jürgen Möller"),
        "b": confirmed("b@example.org", name="Anna Moller", country="CL"),
        "c": confirmed("c@example.org", name="An Old One", country="CL"),
        "d": confirmed("d@a.spam.example.com", name="Ben Idi"),
    }
    pledges["c"].submitted_at -= timedelta(days=2)
    if matches is None:
        with pytest.raises(TooWide):
            planned(Rule(**rule))
        return
    run(planned(Rule(**rule)))
    assert {key for key, one in pledges.items() if one.status == "refused"} == set(matches)


def test_a_network_is_named_by_one_of_its_pledges() -> None:
    network = b"one network"
    two = [confirmed(f"{n}@example.org", context=context(network_hash=network)) for n in "ab"]
    other = confirmed("c@example.org")
    task = planned(Rule(network_of=two[0].id))
    assert "network_hash" not in str(task.plan)
    run(task)
    assert statuses([*two, other]) == ["refused", "refused", "confirmed"]


def test_an_address_at_ones_own_university_is_spared_unless_asked_otherwise() -> None:
    home = institution()
    colleague = confirmed(f"w@{home.domains[0]}", institution=home.id)
    stranger = confirmed("w@example.org", institution=home.id)
    since = Rule(since=now() - timedelta(hours=1))
    preview = invalidation.preview(since, EVERYTHING)
    assert (preview.total, preview.spared) == (1, 1)
    assert invalidation.sample(since, EVERYTHING) == [stranger]
    everyone = Rule(since=since.since, spare_own_mailbox=False)
    assert set(invalidation.sample(everyone, EVERYTHING)) == {stranger, colleague}


def test_the_preview_counts_by_country_institution_and_minutes(spam: list[Pledge]) -> None:
    home = institution(country="CL")
    elsewhere = confirmed("x@spam.example.com", country="CL", institution=home.id)
    elsewhere.submitted_at -= timedelta(days=1)
    spam[0].status = Status.HELD
    preview = invalidation.preview(SPAM, EVERYTHING)
    assert (preview.total, preview.held) == (6, 1)
    assert preview.busiest >= 3  # ten minutes may end in the midst of the test
    assert preview.countries == [("KE", 5), ("CL", 1)]
    assert preview.institutions == [(None, 5), (home, 1)]


def test_the_most_different_ones_are_seen_first(spam: list[Pledge]) -> None:
    real = confirmed("r@spam.example.com", orcid="0000-0002-1825-0097", words="For our rivers.")
    assert invalidation.sample(SPAM, EVERYTHING)[0] == real
    assert real not in invalidation.sample(SPAM, EVERYTHING, offset=1)


def test_a_coordinator_invalidates_in_their_country_only(spam: list[Pledge]) -> None:
    abroad = confirmed("x@spam.example.com", country="CL")
    task = run(planned(scope=KENYA))
    assert (task.total, task.done) == (5, 5)
    assert statuses([abroad]) == ["confirmed"]


def test_what_comes_after_the_plan_is_not_touched(spam: list[Pledge]) -> None:
    task = planned()
    late = confirmed("late@spam.example.com")
    late.submitted_at = now() + timedelta(seconds=1)
    run(task)
    assert (task.done, late.status) == (5, "confirmed")


def test_undoing_brings_back_exactly_what_it_changed(spam: list[Pledge]) -> None:
    spam[0].status, spam[0].hold_reasons = Status.HELD, ["network"]
    refused = confirmed("x@spam.example.com")
    refused.status = Status.REFUSED
    task = undone(run(planned()))
    assert statuses([*spam, refused]) == ["held", *["confirmed"] * 4, "refused"]
    assert (spam[0].hold_reasons, task.result) == (["network"], {"restored": 5})
    assert actions(spam[1])[-1] == "counted again"
    assert tally_operations.differences() == []


def test_what_was_erased_or_changed_since_is_counted_and_left(spam: list[Pledge]) -> None:
    task = run(planned())
    operations.erase_person(spam[0].person)
    queries.get_locked(spam[1].id)
    operations.record_event(spam[1], STAFF, operations.PledgeAction.CORRECTED)
    undone(task)
    assert task.result == {"erased": 1, "changed": 1, "restored": 3}
    assert statuses(spam[1:]) == ["refused", *["confirmed"] * 3]


@pytest.mark.parametrize(("attempts", "told"), [(0, 0), (1, 5)])
def test_who_was_told_is_told_again(spam: list[Pledge], attempts: int, told: int) -> None:
    task = run(planned(letters=True))
    db.session.execute(update(OutgoingEmail).values(attempts=attempts))
    undone(task)
    assert templates().count("accepted") == told
    assert templates().count("refused") == told


def test_a_cancelled_one_can_be_undone(spam: list[Pledge], monkeypatch: pytest.MonkeyPatch) -> None:
    task = planned()
    step = invalidation._step

    def cancel_after(task: Task) -> bool:
        step(task)
        tasks.cancel(task, STAFF, now())
        return True

    monkeypatch.setitem(
        tasks._kinds,
        task.kind,
        tasks.Kind(task.kind, cancel_after, invalidation.INVALIDATE.undo_step),
    )
    run(task)
    assert (task.state, task.done) == (State.CANCELLED, 2)
    assert undone(task).result == {"restored": 2}
    assert set(statuses(spam)) == {"confirmed"}


def test_a_batch_that_fails_midway_leaves_nothing_half_done(
    spam: list[Pledge], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker that is killed: what is not committed with its cursor did not happen."""
    task, seen = planned(), []
    note = bulk.note

    def fail_at_fourth(*args: Any) -> None:
        note(*args)
        seen.append(args)
        assert len(seen) != 4

    monkeypatch.setattr(bulk, "note", fail_at_fourth)
    run(task)
    assert (task.state, task.done, statuses(spam).count("refused")) == (State.FAILED, 2, 2)
    assert tally_operations.differences() == []

    monkeypatch.setattr(bulk, "note", note)
    run(task)
    assert (task.state, task.done, statuses(spam).count("refused")) == (State.DONE, 5, 5)
    assert tally_operations.differences() == []


def test_an_institution_that_speaks_by_another_now_keeps_that_one(session: Session) -> None:
    own = institution(domains=["own.example.com"])
    common = {"kind": Kind.INSTITUTION, "office": "Rector", "institution": own.id}
    first = confirmed("r@spam.example.com", **common, **HELD)
    second = confirmed("d@own.example.com", **common)
    first.status, first.hold_reasons = Status.CONFIRMED, []
    db.session.flush()
    task = run(planned())
    second.status, second.hold_reasons = Status.CONFIRMED, []
    undone(task)
    assert (task.result, statuses([first, second])) == ({"changed": 1}, ["refused", "confirmed"])


def test_a_rule_is_read_from_its_plan_as_it_was() -> None:
    rule = Rule(
        domain="a.example", country="CL", since=now(), network_of=confirmed().id, name="x*y"
    )
    assert Rule.from_json(rule.to_json()) == rule
    assert db.session.scalar(select(Pledge.network_hash)) is not None
