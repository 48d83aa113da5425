"""What time does to pledges: reminders, and what is forgotten."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.people.models import Person
from campaign.pledges import queries, retention
from tests.factories import confirmed, policy, submitted
from tests.pledges.tools import HELD, STRANGER, pledges, templates

pytestmark = pytest.mark.usefixtures("session")


def test_who_forgot_to_confirm_is_reminded_once():
    submitted()
    later = now() + retention.REMINDER_AFTER + timedelta(minutes=1)

    reminded = [
        retention.remind(policy(), later),
        retention.remind(policy(), later + timedelta(days=9)),
    ]

    assert reminded == [1, 0]
    assert templates() == ["confirm", "reminder"]


def test_nobody_is_reminded_too_early_or_without_need():
    submitted()
    confirmed(STRANGER)

    assert retention.remind(policy(), now() + retention.REMINDER_AFTER - timedelta(minutes=1)) == 0
    assert retention.remind(policy(), now() + timedelta(days=9)) == 1


def test_nobody_is_reminded_of_what_a_stranger_may_have_sent():
    submitted(**HELD)

    assert retention.remind(policy(), now() + timedelta(days=9)) == 0
    assert templates() == ["confirm"]


def test_the_reminder_tells_how_many_days_are_left():
    submitted()

    retention.remind(policy(), now() + timedelta(days=10))

    letter = db.session.scalars(
        select(OutgoingEmail).where(OutgoingEmail.template == "reminder")
    ).one()
    assert letter.facts["days"] == policy().unconfirmed_days - 10


def test_what_nobody_confirmed_is_forgotten_with_its_person():
    stale, kept = submitted(), confirmed(STRANGER)
    stale_id = stale.id

    forgotten = retention.forget_unconfirmed(now() + timedelta(minutes=1))

    assert forgotten == 1
    assert pledges() == [kept]
    assert db.session.scalars(select(Person.id)).all() == [kept.person_id]
    assert [event.action for event in queries.trail(stale_id)] == ["submitted", "expired"]


def test_network_hashes_are_forgotten_when_old():
    old, new = confirmed(), confirmed(STRANGER)
    old.submitted_at -= timedelta(days=31)

    retention.forget_networks(now() - timedelta(days=30))

    db.session.refresh(old)
    db.session.refresh(new)
    assert old.network_hash is None
    assert new.network_hash is not None
