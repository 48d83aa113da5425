"""What happens at the same moment, on several real connections."""

from functools import partial
from threading import Event
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.institutions import corrections
from campaign.institutions.queries import resolve
from campaign.mail.models import OutgoingEmail
from campaign.people.models import Consent, Person
from campaign.people.queries import fingerprint, spellings_locked
from campaign.people.rules import parse_address
from campaign.pledges import emails, intake, merging, operations, queries, reviewing, submitting
from campaign.pledges.intake import FormUsed
from campaign.pledges.models import NotAwaiting, Pledge, ReceivedForm, Status
from campaign.pledges.operations import SupersededSubmission, WrongCode
from campaign.pledges.submission import submission_id
from campaign.staff.scopes import EVERYTHING
from tests.factories import (
    STAFF,
    accepted,
    confirmed,
    context,
    done,
    institution,
    policy,
    submitted,
    take_forms,
)
from tests.factories import submission as a_submission
from tests.pledges.tools import ask_for_link, speaking

ADDRESS = "wanjiru@example.org"


def receive(submission=None, **different):
    submitting.submit(policy(), a_submission(ADDRESS, id=submission, **different), now())
    jobs.commit()


def take():
    take_forms()
    jobs.commit()


def submit(submission=None, **different):
    receive(submission, **different)
    take()


def confirm(pledge_id, submission):
    operations.confirm(policy(), pledge_id, submission, now())
    jobs.commit()


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_one_form_sent_by_eight_clicks_is_one_pledge_and_one_letter(elsewhere):
    submission = uuid4()

    for click in [elsewhere(lambda: submit(submission)) for _ in range(8)]:
        click.result(20)

    assert (count(Person), count(Pledge), count(OutgoingEmail)) == (1, 1, 1)


def test_eight_forms_for_one_address_are_one_pledge(elsewhere):
    for tab in [elsewhere(submit) for _ in range(8)]:
        tab.result(20)

    assert (count(Person), count(Pledge)) == (1, 1)
    # A form that a later one has overtaken brings no letter.
    assert 1 <= count(OutgoingEmail) <= policy().mails_per_address


def test_eight_presses_of_the_button_confirm_once(elsewhere):
    pledge = submitted(locale="en")
    pledge_id, submission = pledge.id, pledge.submission
    jobs.commit()

    for press in [elsewhere(lambda: confirm(pledge_id, submission)) for _ in range(8)]:
        press.result(20)

    assert [event.action for event in queries.trail(pledge_id)] == ["submitted", "confirmed"]
    assert count(Consent) == 1


def test_guesses_at_the_same_moment_are_all_counted(elsewhere):
    pledge = submitted()
    submission = pledge.submission
    jobs.commit()

    def guess():
        with pytest.raises(WrongCode):
            operations.confirm_by_code(policy(), submission, "wrong", now())
        jobs.commit()

    for guessing in [elsewhere(guess) for _ in range(8)]:
        guessing.result(20)

    db.session.refresh(pledge)
    assert pledge.code_attempts == 8


def test_a_form_sent_while_the_person_confirms_changes_nothing(elsewhere, until_blocked):
    pledge = submitted()
    jobs.commit()
    operations.confirm(policy(), pledge.id, pledge.submission, now())
    db.session.flush()

    other = elsewhere(lambda: submit(name="Somebody Else"))
    until_blocked()
    jobs.commit()
    other.result(20)

    db.session.refresh(pledge)
    assert (pledge.status, pledge.name) == (Status.CONFIRMED, "Wanjiru Kamau")


def test_confirming_while_another_form_comes_in_waits_and_sees_it(elsewhere, until_blocked):
    """Both lock the address first; in different orders they would wait for each other for ever."""
    pledge = submitted()
    pledge_id, submission = pledge.id, pledge.submission
    jobs.commit()
    receive(name="What It Says Now")
    spellings_locked(fingerprint(policy().signer, parse_address(ADDRESS)))

    button = elsewhere(lambda: confirm(pledge_id, submission))
    until_blocked()
    take()

    with pytest.raises(SupersededSubmission):
        button.result(20)


def test_the_quick_way_to_confirm_waits_for_another_form_as_well(elsewhere, until_blocked):
    pledge = submitted()
    pledge_id, submission = pledge.id, pledge.submission
    jobs.commit()
    receive(name="What It Says Now")
    spellings_locked(fingerprint(policy().signer, parse_address(ADDRESS)))

    button = elsewhere(lambda: intake.confirm_plain_pledge(pledge_id, submission, now()))
    until_blocked()
    take()

    assert button.result(20) is False


def test_two_representatives_accepted_at_once_leave_one_word(elsewhere, until_blocked):
    own = institution()
    first, second = (
        confirmed(**speaking(own, f"{who}@{own.domains[0]}")) for who in ("rector", "dean")
    )
    second_id = second.id
    jobs.commit()
    reviewing.accept(policy(), first, STAFF)

    other = elsewhere(lambda: reviewing.accept(policy(), queries.get_locked(second_id), STAFF))
    until_blocked()
    jobs.commit()
    with pytest.raises(reviewing.Disputed):
        other.result(20)

    db.session.refresh(second)
    assert (first.status, second.status) == (Status.CONFIRMED, Status.HELD)


def test_accepting_while_the_person_withdraws_leaves_it_withdrawn(elsewhere, until_blocked):
    pledge = confirmed(context=context(honeypot_filled=True))
    pledge_id = pledge.id
    jobs.commit()
    operations.withdraw(policy(), queries.get_locked(pledge_id), now())
    db.session.flush()

    staff = elsewhere(lambda: reviewing.accept(policy(), queries.get_locked(pledge_id), STAFF))
    until_blocked()
    jobs.commit()

    with pytest.raises(NotAwaiting):
        staff.result(20)


def test_a_form_sent_while_its_person_is_erased_is_a_new_pledge(elsewhere, until_blocked):
    pledge = confirmed()
    jobs.commit()
    operations.erase_person(pledge.person)

    other = elsewhere(submit)
    until_blocked()
    jobs.commit()
    other.result(20)

    assert db.session.scalars(select(Pledge.status)).all() == [Status.UNCONFIRMED]


def test_disowning_both_pledges_at_once_leaves_no_person(elsewhere, until_blocked):
    first, second = submitted(), submitted(slug="haikou-initiative")
    second_id = second.id
    jobs.commit()

    def disown_second():
        operations.disown(queries.get_locked(second_id))
        jobs.commit()

    operations.disown(queries.get_locked(first.id))
    other = elsewhere(disown_second)
    until_blocked()
    jobs.commit()
    other.result(20)

    assert (count(Pledge), count(Person)) == (0, 0)


def test_links_to_ones_own_page_asked_for_at_once_do_not_flood(elsewhere):
    confirmed()
    jobs.commit()

    def ask():
        ask_for_link()
        jobs.commit()

    for asking in [elsewhere(ask) for _ in range(8)]:
        asking.result(20)

    templates = db.session.scalars(select(OutgoingEmail.template)).all()
    assert templates.count("my_link") == policy().mails_per_address


def test_a_form_that_comes_with_many_addresses_at_once_serves_one(elsewhere):
    form = uuid4()

    def send(number):
        sent = a_submission(f"p{number}@example.org", id=submission_id(form, b"%d" % number))
        try:
            submitting.submit(policy(), sent, now())
        except FormUsed:
            jobs.rollback()
            return False
        jobs.commit()
        return True

    taken = [sending.result(20) for sending in [elsewhere(partial(send, n)) for n in range(8)]]

    assert taken.count(True) == count(Pledge) == count(OutgoingEmail) == 1


ALIAS = "wanjiru+x@example.org"


def fetch_status(id_):
    return db.session.scalar(select(Pledge.status).where(Pledge.id == id_))


def test_another_spelling_taken_while_the_first_confirms_cannot_remove_the_confirmed_pledge(
    elsewhere, until_blocked
):
    own = submitted()
    own_id, own_form = own.id, own.submission
    jobs.commit()
    submitting.submit(policy(), a_submission(ALIAS, name="Somebody Else"), now())
    jobs.commit()
    assert submitting.take_next(policy(), now())  # the worker, not committed yet
    strange = db.session.scalar(select(Pledge).where(Pledge.name == "Somebody Else"))
    strange_id, strange_form = strange.id, strange.submission

    button = elsewhere(lambda: confirm(own_id, own_form))
    until_blocked()
    jobs.commit()
    button.result(20)
    assert fetch_status(own_id) == Status.CONFIRMED

    with pytest.raises(NotAwaiting):
        operations.confirm(policy(), strange_id, strange_form, now())
    jobs.rollback()
    assert fetch_status(own_id) == Status.CONFIRMED  # the first to confirm stays


def test_accepting_instead_while_the_other_withdraws_leaves_it_withdrawn(elsewhere, until_blocked):
    own = institution()
    first = accepted(**speaking(own, f"rector@{own.domains[0]}"))
    second = confirmed(**speaking(own, f"dean@{own.domains[0]}"))
    first_id, second_id = first.id, second.id
    jobs.commit()
    operations.withdraw(policy(), queries.get_locked(first_id), now())
    db.session.flush()

    def accept():
        reviewing.accept_instead(policy(), queries.get_locked(second_id), STAFF)
        jobs.commit()

    staff = elsewhere(accept)
    until_blocked()
    jobs.commit()
    staff.result(20)
    assert fetch_status(first_id) == Status.WITHDRAWN


def test_of_two_forms_taken_at_once_the_later_one_counts(elsewhere):
    submitted()
    jobs.commit()
    for name in ("First Form", "Second Form"):
        submitting.submit(policy(), a_submission(ADDRESS, name=name), now())
        jobs.commit()
    # A thread of the worker has claimed the first form and has not come to the person's row yet.
    first = (
        select(ReceivedForm)
        .where(ReceivedForm.address.is_not(None))
        .order_by(ReceivedForm.due_at)
        .limit(1)
    )
    db.session.scalar(first.with_for_update())

    elsewhere(take).result(20)
    take()
    assert db.session.scalars(select(Pledge.name)).all() == ["Second Form"]


def test_two_spellings_confirmed_by_code_at_once_wait_in_one_order(elsewhere, until_blocked):
    """The address is locked before any of its rows: in another order the two would wait for each other."""
    first, second = submitted(), submitted(ALIAS)
    codes = {p.submission: emails.code_of(policy().signer, p.id) for p in (first, second)}
    jobs.commit()
    spellings_locked(fingerprint(policy().signer, parse_address(ADDRESS)))

    def enter(submission):
        operations.confirm_by_code(policy(), submission, codes[submission], now())
        jobs.commit()

    entering = [elsewhere(partial(enter, submission)) for submission in codes]
    until_blocked()
    jobs.rollback()
    outcomes = [type(one.exception(20)) for one in entering]

    assert sorted(outcome.__name__ for outcome in outcomes) == ["NoneType", "WrongCode"]
    assert count(Pledge) == count(Person) == 1


def test_during_an_import_a_merge_waits_for_its_next_turn(elsewhere, monkeypatch):
    monkeypatch.setattr(corrections, "_WAIT", "50ms")
    old, new = institution(), institution()
    task = merging.propose(old, new, "", STAFF, EVERYTHING)
    jobs.commit()
    began, ended = Event(), Event()

    def do_import():
        corrections.take_lock()
        began.set()
        ended.wait(10)

    importing = elsewhere(do_import)
    began.wait(10)
    assert merging.MERGE.step(task)
    assert (task.done, task.cursor) == (0, {})
    ended.set()
    importing.result()
    done(task)
    assert resolve(old.id) is new
