"""What staff decide: each act, its letter, the trail and the audit log it leaves."""

import pytest
from sqlalchemy import select

from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.pledges import operations, queries, reviewing
from campaign.pledges.models import Kind, NotAwaiting, Pledge, Status
from campaign.staff.scopes import OutOfScope, Scope
from tests.factories import STAFF, accepted, confirmed, draft, institution, policy, submitted
from tests.pledges.tools import HELD, STRANGER, actions, speaking, submit, templates

CHILE = Scope(countries=frozenset({"CL"}))

pytestmark = pytest.mark.usefixtures("session")


def test_accepting_a_held_pledge_makes_it_count_and_tells_its_person():
    pledge = confirmed(**HELD)

    reviewing.accept(policy(), pledge, STAFF)

    assert (pledge.status, pledge.hold_reasons) == (Status.CONFIRMED, [])
    assert templates() == ["confirm", "held", "accepted"]
    assert str(queries.trail(pledge.id)[-1].actor) == "staff:ada"


def test_accepting_before_the_person_confirmed_still_leaves_it_to_them():
    pledge = submitted(**HELD)

    reviewing.accept(policy(), pledge, STAFF)
    assert pledge.status == Status.UNCONFIRMED
    operations.confirm(policy(), pledge.id, pledge.submission, now())

    assert pledge.status == Status.CONFIRMED
    assert templates() == ["confirm"]


def test_what_is_not_held_cannot_be_accepted():
    for pledge in (submitted(), confirmed(STRANGER)):
        with pytest.raises(NotAwaiting):
            reviewing.accept(policy(), pledge, STAFF)


def test_a_pledge_withdrawn_while_it_was_held_cannot_be_accepted():
    pledge = confirmed(**HELD)
    operations.withdraw(policy(), pledge, now())

    with pytest.raises(NotAwaiting):
        reviewing.accept(policy(), pledge, STAFF)


def test_a_refused_person_reads_the_reason():
    pledge = confirmed(**HELD)

    reviewing.refuse(policy(), pledge, STAFF, "This is not a person's name.")

    letter = db.session.scalars(
        select(OutgoingEmail).where(OutgoingEmail.template == "refused")
    ).one()
    assert letter.facts["reason"] == "This is not a person's name."
    assert pledge.status == Status.REFUSED


def test_refusing_what_nobody_confirmed_writes_to_nobody():
    pledge = submitted(**HELD)

    reviewing.refuse(policy(), pledge, STAFF, "Spam.")

    assert templates() == ["confirm"]


def test_settling_a_free_text_names_the_institution():
    found = institution()
    pledge = confirmed(institution_text="Example Univ.")

    reviewing.link_institution(pledge, found, STAFF)

    assert (pledge.institution_id, pledge.institution_text) == (found.id, None)
    assert actions(pledge)[-1] == "institution settled"


def test_settling_a_free_text_looks_at_the_mailbox():
    found = institution()
    pledges = [
        confirmed(f"w@{domain}", institution_text="Example Univ.")
        for domain in (found.domains[0], "example.org")
    ]

    for pledge in pledges:
        reviewing.link_institution(pledge, found, STAFF)

    assert [pledge.own_mailbox for pledge in pledges] == [True, False]


def test_texts_that_are_not_listed_come_in_pages_and_within_a_scope():
    for number, (written, country) in enumerate(
        [("Ndoto", "KE"), ("Ndoto", "KE"), ("Soto", "KE"), ("Ndoto", "CL"), ("Azul", "CL")]
    ):
        confirmed(f"p{number}@example.org", institution_text=written, country=country)
    first = queries.not_listed(limit=2)
    rest = queries.not_listed(after=first[-1])

    assert [tuple(one) for one in first] == [("Ndoto", "KE", 2), ("Azul", "CL", 1)]
    assert [tuple(one) for one in rest] == [("Ndoto", "CL", 1), ("Soto", "KE", 1)]
    assert {one.country for one in queries.not_listed(CHILE)} == {"CL"}


def test_settling_reaches_no_further_than_its_scope():
    pledges = [
        confirmed(f"{code}@example.org", institution_text="Ndoto", country=code)
        for code in ("KE", "CL")
    ]
    found = institution()

    with pytest.raises(OutOfScope):
        reviewing.settle("Ndoto", "KE", found, STAFF, CHILE)
    assert reviewing.settle("Ndoto", "CL", found, STAFF, CHILE) == [pledges[1]]
    assert [pledge.institution_id for pledge in pledges] == [None, found.id]


def two_representatives() -> tuple[Pledge, Pledge]:
    """The first was accepted, the second came later."""
    own = institution()
    student, rector = (f"{who}@{own.domains[0]}" for who in ("student", "rector"))
    return accepted(**speaking(own, student)), confirmed(**speaking(own, rector))


def test_of_two_representatives_staff_say_which_one_speaks():
    first, second = two_representatives()

    with pytest.raises(reviewing.Disputed) as disputed:
        reviewing.accept(policy(), second, STAFF)

    assert disputed.value.other is first
    assert (first.status, second.status) == (Status.CONFIRMED, Status.HELD)


def test_the_second_can_take_the_place_of_the_first_who_is_told():
    first, second = two_representatives()

    reviewing.accept_instead(policy(), second, STAFF)

    assert queries.official_pledge(second.campaign_id, second.institution_id) is second
    assert (first.status, first.hold_reasons) == (Status.HELD, ["replaced"])
    assert templates()[-2:] == ["held", "accepted"]


def test_whoever_takes_a_place_must_be_waiting_for_it():
    first, second = two_representatives()
    operations.withdraw(policy(), second, now())

    with pytest.raises(NotAwaiting):
        reviewing.accept_instead(policy(), second, STAFF)

    assert first.status == Status.CONFIRMED


def test_when_the_first_word_is_withdrawn_the_second_can_be_accepted():
    first, second = two_representatives()
    operations.withdraw(policy(), first, now())

    reviewing.accept(policy(), second, STAFF)

    assert queries.official_pledge(second.campaign_id, second.institution_id) == second


def test_what_was_corrected_since_staff_read_it_is_not_accepted():
    _, second = two_representatives()
    read = queries.version_of(second.id)
    said = draft(
        kind=Kind.INSTITUTION, institution=second.institution_id, name="Unread Words", office="Dean"
    )
    operations.correct(policy(), second, said, "en", now())

    with pytest.raises(reviewing.ChangedMeanwhile):
        reviewing.check_version(second, read)
    reviewing.check_version(second, queries.version_of(second.id))


def test_an_official_pledge_is_not_accepted_before_its_mailbox_has_answered():
    own = institution()
    with pytest.raises(NotAwaiting):
        reviewing.accept(policy(), submitted(**speaking(own, f"rector@{own.domains[0]}")), STAFF)


def test_what_staff_decided_is_told_even_to_a_flooded_address():
    """Nobody can keep a person from learning that they were refused by sending forms with their address."""
    pledge = confirmed(**HELD)
    for _ in range(policy().mails_per_address):
        submit()

    reviewing.refuse(policy(), pledge, STAFF, "Spam.")

    assert templates()[-1] == "refused"
