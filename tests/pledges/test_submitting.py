"""Taking a pledge: what a form stores, whom it writes to, and what it may not touch."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.people import queries as people_queries
from campaign.people.models import Person
from campaign.people.rules import parse_address
from campaign.pledges import operations, queries
from campaign.pledges.models import Status
from tests.factories import confirmed, institution, policy, submitted, text
from tests.pledges.tools import ADDRESS, STRANGER, actions, pledges, speaking, submit, templates

pytestmark = pytest.mark.usefixtures("session")


def test_a_submitted_pledge_waits_for_its_person_and_counts_for_nothing():
    pledge = submitted()

    assert pledge.status == Status.UNCONFIRMED
    assert pledge.confirmed_at is None
    assert templates() == ["confirm"]
    assert queries.signatories(pledge.campaign_id) == []


def test_a_pledge_points_at_the_text_and_language_that_were_shown():
    shown = text(locale="fr")

    pledge = submitted(locale="fr")

    assert (pledge.text_id, pledge.locale) == (shown.id, shown.locale)


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.HELD, Status.REFUSED])
def test_a_form_for_an_address_that_pledged_changes_nothing_but_writes_to_it(status):
    pledge = confirmed()
    pledge.status = status
    db.session.flush()

    submit(name="Somebody Else", country="FR", listed=False)

    db.session.refresh(pledge)
    assert (pledge.status, pledge.name, pledge.country, pledge.listed) == (
        status,
        "Wanjiru Kamau",
        "KE",
        True,
    )
    assert templates() == ["confirm", "known"]
    assert len(pledges()) == 1


def test_spellings_of_one_address_are_one_person():
    submitted("Wanjiru+a@example.org")
    submit("wanjiru+b@EXAMPLE.org")

    assert len(pledges()) == len(db.session.scalars(select(Person)).all()) == 1


def test_a_form_sent_twice_is_one_pledge_and_one_letter():
    submission = uuid4()

    submit(id=submission)
    submit(id=submission)

    assert len(pledges()) == 1
    assert templates() == ["confirm"]
    assert actions(pledges()[0]) == ["submitted"]


def test_of_two_tabs_the_later_form_counts_and_brings_a_letter_of_its_own():
    first, second = uuid4(), uuid4()

    submit(id=first, name="First Tab")
    submit(id=second, name="Second Tab")

    (pledge,) = pledges()
    assert (pledge.name, pledge.submission) == ("Second Tab", second)
    assert templates() == ["confirm", "confirm"]


def test_one_person_can_pledge_in_both_campaigns_and_for_their_institution():
    confirmed()
    confirmed(slug="haikou-initiative")
    confirmed(**speaking(institution(), ADDRESS))

    assert len(pledges()) == 3
    assert len(db.session.scalars(select(Person)).all()) == 1


def test_nobody_has_consented_before_they_confirmed():
    pledge = submitted(newsletter=True)

    assert people_queries.consents(pledge.person_id) == []
    assert not people_queries.has_consented(pledge.person_id, "newsletter")


def test_who_withdrew_can_pledge_again():
    pledge = confirmed()
    operations.withdraw(policy(), pledge, now())

    again = confirmed(name="Wanjiru K. Kamau")

    assert again.person is pledge.person
    assert [p.name for p in queries.signatories(pledge.campaign_id)] == ["Wanjiru K. Kamau"]
    assert (pledge.status, pledge.name) == (Status.WITHDRAWN, "Wanjiru Kamau")
    assert actions(pledge) == ["submitted", "confirmed", "withdrawn"]


def test_who_withdrew_has_one_word_at_a_time_like_everybody():
    operations.withdraw(policy(), confirmed(), now())

    submit(name="First Tab")
    submit(name="Second Tab")

    assert sorted(pledge.name for pledge in pledges()) == ["Second Tab", "Wanjiru Kamau"]


def test_an_address_gets_no_more_letters_a_day_than_allowed():
    for _ in range(policy().mails_per_address + 3):
        submit()
        operations.send_my_link(policy(), parse_address(ADDRESS), "en", now())

    assert len(templates()) == policy().mails_per_address


def test_after_a_day_an_address_gets_letters_again():
    for _ in range(policy().mails_per_address + 1):
        submit()
    db.session.execute(
        update(OutgoingEmail).values(
            queued_at=OutgoingEmail.queued_at - timedelta(days=1, seconds=1)
        )
    )

    submit()

    assert len(templates()) == policy().mails_per_address + 1


def test_one_address_does_not_use_up_the_letters_of_another():
    for _ in range(policy().mails_per_address + 1):
        submit()

    submit(STRANGER)

    assert (
        db.session.scalars(select(OutgoingEmail.recipient).order_by(OutgoingEmail.id)).all()[-1]
        == STRANGER
    )
