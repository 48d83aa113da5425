"""What the periodic jobs do to the tables."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.people.models import Person
from campaign.pledges.models import Pledge, Status
from campaign.tallies import operations as tallies
from campaign.tallies.models import Tally
from tests.factories import confirmed, submitted
from worker import actors

pytestmark = pytest.mark.usefixtures("session")


def passed(days):
    """Let so many days pass for all pledges and e-mails."""
    earlier = timedelta(days=days)
    db.session.execute(update(Pledge).values(submitted_at=Pledge.submitted_at - earlier))
    db.session.execute(update(OutgoingEmail).values(sent_at=now() - earlier))


def test_what_nobody_confirmed_goes_when_its_days_are_over(settings):
    submitted()
    kept = confirmed("b@example.org")

    passed(settings.unconfirmed_days - 1)
    actors.keep_retention()
    assert len(db.session.scalars(select(Pledge)).all()) == 2

    passed(2)
    actors.keep_retention()
    assert db.session.scalars(select(Pledge)).all() == [kept]
    assert db.session.scalars(select(Person.id)).all() == [kept.person_id]


def test_network_hashes_and_sent_emails_go_when_their_days_are_over(settings):
    pledge = confirmed()

    passed(settings.network_hash_days + 1)
    actors.keep_retention()

    db.session.refresh(pledge)
    assert (pledge.network_hash, pledge.status) == (None, Status.CONFIRMED)
    assert db.session.scalars(select(OutgoingEmail)).all() == []


def test_reminders_go_out_once():
    submitted()
    passed(4)

    actors.remind_unconfirmed()
    actors.remind_unconfirmed()

    assert db.session.scalars(select(OutgoingEmail.template).order_by(OutgoingEmail.id)).all() == [
        "confirm",
        "reminder",
    ]


def test_a_wrong_tally_is_shouted_about_and_repaired(caplog):
    confirmed()
    actors.fold_tallies()
    db.session.execute(update(Tally).values(count=Tally.count + 1))

    with caplog.at_level(logging.ERROR):
        actors.reconcile_tallies()

    assert "tally repaired" in caplog.text
    assert tallies.differences() == []


def test_right_tallies_are_passed_over_in_silence(caplog):
    confirmed()
    actors.fold_tallies()

    with caplog.at_level(logging.ERROR):
        actors.reconcile_tallies()

    assert "tally repaired" not in caplog.text
