"""Invented pledges: counted while they are there, gone without a trace, real ones untouched."""

from collections import Counter

import pytest
from sqlalchemy import func, select

from campaign import tasks
from campaign.clock import now
from campaign.db import db
from campaign.demo import pledges as demo_pledges
from campaign.i18n import offered
from campaign.mail.models import OutgoingEmail
from campaign.people.models import Person
from campaign.pledges import deciding, operations, queries, queue
from campaign.pledges.deciding import Decision
from campaign.pledges.models import Kind, Pledge, PledgeEvent
from campaign.pledges.queue import NO_FILTER
from campaign.staff.scopes import EVERYTHING
from campaign.tallies import operations as tallies
from campaign.tallies.models import Tally
from campaign.tallies.queries import counts
from tests.factories import STAFF, confirmed, institution, policy

pytestmark = pytest.mark.usefixtures("session")

NUMBER = 600


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def invented():
    return set(db.session.execute(select(Pledge.name, Pledge.country, Pledge.confirmed_at)))


def lit():
    """All tallies that are not zero."""
    shining = select(Tally.campaign_id, Tally.dimension, Tally.key, Tally.kind, Tally.count).where(
        Tally.count != 0
    )
    return set(db.session.execute(shining))


def test_invented_pledges_count_like_real_ones():
    demo_pledges.add(NUMBER, now())
    tallies.fold()

    campaigns = db.session.scalars(select(Pledge.campaign_id).distinct())
    in_all = [counts(campaign_id) for campaign_id in campaigns]
    assert sum(c.people + c.official_pledges for c in in_all) == NUMBER - demo_pledges.WAITING
    assert tallies.differences() == []
    assert queries.has_demo()


def test_who_pledges_for_an_institution_holds_an_office():
    demo_pledges.add(NUMBER, now())
    rows = db.session.execute(select(Pledge.kind, Pledge.office).distinct())
    assert {(kind, office is not None) for kind, office in rows} == {
        (Kind.PERSON, False),
        (Kind.INSTITUTION, True),
    }


def test_removing_them_leaves_nothing():
    demo_pledges.add(NUMBER, now())
    tallies.fold()

    removed = demo_pledges.remove()
    tallies.fold()

    assert removed == NUMBER
    assert (count(Person), count(Pledge), count(PledgeEvent)) == (0, 0, 0)
    assert lit() == set()
    assert not queries.has_demo()


def test_real_pledges_and_their_counts_are_untouched():
    real = confirmed(institution=institution().id)
    tallies.fold()
    before = lit()

    demo_pledges.add(NUMBER, now())
    tallies.fold()
    demo_pledges.remove()
    tallies.fold()

    assert db.session.scalars(select(Pledge)).all() == [real]
    assert [event.action for event in queries.trail(real.id)] == ["submitted", "confirmed"]
    assert db.session.get(Person, real.person_id) is not None
    assert lit() == before


def test_institutions_that_really_pledged_keep_their_word():
    """An institution speaks once, so that nobody invents a second word for it."""
    own = institution(weight=100)  # the first to be thought of
    for slug in ("heart-of-science", "haikou-initiative"):
        confirmed(
            f"rector@{own.domains[0]}",
            slug=slug,
            kind=Kind.INSTITUTION,
            institution=own.id,
            commitments=[],
        )

    demo_pledges.add(NUMBER, now())

    assert count(Pledge) == NUMBER + 2


def test_the_same_seed_invents_the_same_people():
    at = now()
    demo_pledges.add(50, at)
    first = invented()
    demo_pledges.remove()

    demo_pledges.add(50, at)

    assert invented() == first


def test_they_speak_all_languages_and_come_from_many_countries_and_months():
    demo_pledges.add(NUMBER, now())

    pledges = db.session.scalars(select(Pledge)).all()
    assert {pledge.locale for pledge in pledges} == set(offered())
    assert len({pledge.country for pledge in pledges}) > 50
    assert len({pledge.confirmed_at.strftime("%Y-%m") for pledge in pledges}) >= 12
    assert max(pledge.confirmed_at for pledge in pledges) <= now()


def test_they_are_of_both_kinds_and_say_so():
    demo_pledges.add(NUMBER, now())

    kinds = Counter(db.session.scalars(select(Pledge.kind)))
    assert kinds[Kind.PERSON] > kinds[Kind.INSTITUTION] > 0
    for pledge in db.session.scalars(select(Pledge).limit(50)):
        assert set(pledge.commitments) <= set(pledge.text.commitments_for(pledge.kind))


def test_no_letter_is_ever_written_to_invented_people():
    demo_pledges.add(20, now())
    pledge = db.session.scalars(select(Pledge).limit(1)).one()

    operations.withdraw(policy(), pledge, now())

    assert count(OutgoingEmail) == 0


def test_some_official_pledges_are_left_for_staff_to_review():
    demo_pledges.add(NUMBER, now())

    assert {pledge.kind for pledge in queue.held()} == {Kind.INSTITUTION}
    assert len(queue.held()) == demo_pledges.WAITING


def test_what_a_task_changed_goes_with_them():
    demo_pledges.add(NUMBER, now())
    task = deciding.plan(NO_FILTER, Decision(), STAFF, EVERYTHING, now())
    tasks.start(task, STAFF)
    tasks.run(now)
    assert task.done == demo_pledges.WAITING

    assert demo_pledges.remove() == NUMBER
