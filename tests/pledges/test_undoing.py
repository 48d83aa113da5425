"""Verdicts can be undone as long as their letters wait; many at once each have an outcome of their own."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaign import tasks
from campaign.audit import AuditEvent
from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.pledges import deciding, operations, queries, queue, reviewing
from campaign.pledges.deciding import Decision, Outcome
from campaign.pledges.models import Pledge, Status
from campaign.pledges.queue import HeldFilter
from campaign.staff.scopes import EVERYTHING, Scope
from campaign.tallies import operations as tally_operations
from campaign.tasks import State
from tests.factories import STAFF, accepted, confirmed, institution, policy, submitted
from tests.pledges.tools import HELD, actions, speaking, templates

pytestmark = pytest.mark.usefixtures("session")

KENYA = Scope(countries=frozenset({"KE"}))


def held(address: str = "a@example.org", **different: object) -> Pledge:
    return confirmed(address, **(HELD | different))


def test_a_letter_about_a_verdict_waits_two_minutes() -> None:
    reviewing.accept(policy(), held(), STAFF)
    letter = db.session.scalars(select(OutgoingEmail).filter_by(template="accepted")).one()
    db.session.refresh(letter)
    assert letter.due_at - letter.queued_at == reviewing.UNDO_FOR


@pytest.mark.parametrize("decision", [Decision(), Decision({"en": "This is no name."})])
def test_an_undone_verdict_leaves_no_letter_and_the_pledge_as_it_was(decision: Decision) -> None:
    pledge = held()
    decision.carry_out(policy(), pledge, STAFF)

    reviewing.undo_decision(pledge, STAFF, now())

    assert (pledge.status, pledge.hold_reasons) == (Status.HELD, ["honeypot"])
    assert templates() == ["confirm", "held"]
    assert actions(pledge)[-1] == "decision undone"
    audited = select(AuditEvent.action).where(AuditEvent.subject == f"pledge:{pledge.id}")
    assert db.session.scalars(audited.order_by(AuditEvent.id)).all()[-1] == "decision undone"
    assert tally_operations.differences() == []


def test_refusing_what_counts_can_be_undone() -> None:
    pledge = confirmed()
    reviewing.refuse(policy(), pledge, STAFF, "Spam.")
    reviewing.undo_decision(pledge, STAFF, now())
    assert pledge.status == Status.CONFIRMED


def test_accepting_what_is_not_confirmed_can_be_undone() -> None:
    pledge = submitted(**HELD)
    reviewing.accept(policy(), pledge, STAFF)
    reviewing.undo_decision(pledge, STAFF, now())
    assert (pledge.status, pledge.hold_reasons) == (Status.UNCONFIRMED, ["honeypot"])


def test_who_was_replaced_speaks_again_when_that_is_undone() -> None:
    own = institution()
    first = accepted(**speaking(own, f"student@{own.domains[0]}"))
    second = confirmed(**speaking(own, f"rector@{own.domains[0]}"))
    reviewing.accept_instead(policy(), second, STAFF)

    reviewing.undo_decision(second, STAFF, now())

    assert (first.status, first.hold_reasons) == (Status.CONFIRMED, [])
    assert (second.status, second.hold_reasons) == (Status.HELD, ["official"])
    assert templates().count("held") == 2  # when each was confirmed
    assert queries.official_pledge(first.campaign_id, own.id) is first


def test_after_two_minutes_it_is_too_late() -> None:
    pledge = held()
    reviewing.accept(policy(), pledge, STAFF)
    with pytest.raises(reviewing.TooLate):
        reviewing.undo_decision(pledge, STAFF, now() + reviewing.UNDO_FOR)


def test_a_letter_on_its_way_is_not_called_back() -> None:
    pledge = held()
    reviewing.accept(policy(), pledge, STAFF)
    db.session.execute(update(OutgoingEmail).values(attempts=1))
    with pytest.raises(reviewing.TooLate):
        reviewing.undo_decision(pledge, STAFF, now())
    assert pledge.status == Status.CONFIRMED


def test_what_happened_since_is_not_undone() -> None:
    pledge = held()
    reviewing.accept(policy(), pledge, STAFF)
    operations.withdraw(policy(), pledge, now())
    with pytest.raises(reviewing.TooLate):
        reviewing.undo_decision(pledge, STAFF, now())


def test_of_many_each_has_an_outcome() -> None:
    fine, read_before, settled, foreign = (
        held(f"{number}@example.org", country=country)
        for number, country in enumerate(("KE", "KE", "KE", "CL"))
    )
    reviewing.refuse(policy(), settled, STAFF, "Spam.")
    pledges = (fine, read_before, settled, foreign)
    versions = queries.versions_of([pledge.id for pledge in pledges])
    versions[read_before.id] -= 1

    outcomes = deciding.decide_many(policy(), versions, Decision(), STAFF, KENYA)

    expected = [Outcome.DONE, Outcome.CHANGED, Outcome.NOT_AWAITING, Outcome.MISSING]
    assert [outcomes[pledge.id] for pledge in pledges] == expected
    assert [pledge.status for pledge in pledges] == ["confirmed", "held", "refused", "held"]


def test_accepting_two_for_one_institution_disputes_the_second() -> None:
    own = institution()
    both = [confirmed(**speaking(own, f"{who}@{own.domains[0]}")) for who in ("dean", "rector")]
    versions = queries.versions_of([pledge.id for pledge in both])
    outcomes = deciding.decide_many(policy(), versions, Decision(), STAFF, EVERYTHING)
    assert sorted(outcomes.values()) == [Outcome.DISPUTED, Outcome.DONE]


def run(task: tasks.Task) -> None:
    tasks.start(task, STAFF)
    tasks.run(now)
    assert task.state == State.DONE, task.error


def test_all_that_match_are_decided_by_a_task_and_undone(session: Session) -> None:
    mine = [held(f"{number}@example.org") for number in range(3)]
    foreign, fast = held("cl@example.org", country="CL"), confirmed("c@example.org")
    task = deciding.plan(
        HeldFilter(reason="honeypot"), Decision({"en": "Spam."}), STAFF, KENYA, now()
    )
    run(task)
    assert (task.done, task.total) == (3, 3)
    assert [p.status for p in (*mine, foreign, fast)] == ["refused"] * 3 + ["held", "confirmed"]

    operations.erase_person(mine[0].person)
    tasks.undo(task, STAFF, now())
    tasks.run(now)

    assert task.result == {"erased": 1, "restored": 2}
    assert queue.count(KENYA) == 2
    assert templates().count("refused") == 1  # of the erased one, stopped with their address


def test_the_audit_log_has_no_word_of_a_note_and_no_address() -> None:
    pledge = held()
    reviewing.add_note(pledge, STAFF, "I have phoned Wanjiru.", now())
    assert reviewing.show_address(pledge, STAFF) == "a@example.org"
    assert [note.text for note in queries.notes(pledge.id)] == ["I have phoned Wanjiru."]
    logged = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(2)).all()
    assert [event.action for event in logged] == ["address shown", "note added"]
    assert all(event.details == {} for event in logged)


def test_a_note_goes_with_its_pledge() -> None:
    pledge = held()
    reviewing.add_note(pledge, STAFF, "Look again.", now())
    operations.erase_person(pledge.person)
    assert queries.notes(pledge.id) == []


def test_a_verdict_an_hour_later_is_not_undone_by_its_age() -> None:
    event = reviewing.accept(policy(), held(), STAFF)
    db.session.flush()
    db.session.refresh(event)
    assert reviewing.can_be_undone(event, now())
    assert not reviewing.can_be_undone(event, now() + timedelta(hours=1))
