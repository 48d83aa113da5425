"""The periodic loop: every job at its time, once however many schedulers there are, and not without need."""

import logging
import time
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import exists, select, update

from campaign import jobs, schedules
from campaign.app import create_site
from campaign.campaigns.models import ScheduledText
from campaign.clock import now
from campaign.db import db
from campaign.partners import webhooks
from campaign.partners.rules import EVENTS
from campaign.pledges import submitting
from campaign.pledges.models import Pledge
from campaign.schedules import Schedule
from campaign.staff.operations import request_reset
from campaign.staff.policy import current_policy as staff_policy
from campaign.tasks import State, Task
from tests.factories import STAFF, confirmed, policy, submission, text
from tests.ports import free_port
from worker import scheduler
from worker.registry import JOBS, Job

HOUR = timedelta(hours=1)
ALWAYS_NEEDED = [
    "keep_retention",
    "publish_details",
    "publish_records",
    "queue_daily_webhooks",
    "reconcile_tallies",
    "remind_unconfirmed",
    "seal_audit",
]


@pytest.fixture(autouse=True)
def _no_call_is_held_back(monkeypatch):
    monkeypatch.setattr(jobs, "WAKE_INTERVAL_SECONDS", 0)


def take_due(name, every):
    """Whether this job, asked about alone, is due and ours."""
    return name in schedules.take_due({name: Job(lambda: None, every)})


def time_passes(passed):
    db.session.execute(update(Schedule).values(due_at=Schedule.due_at - passed))


def test_a_job_is_due_at_once_and_then_after_its_time(session):
    schedules.add(["tidy"])

    assert [take_due("tidy", HOUR), take_due("tidy", HOUR)] == [True, False]
    time_passes(HOUR)
    assert [take_due("tidy", HOUR), take_due("tidy", HOUR)] == [True, False]


def test_adding_a_job_again_does_not_make_it_due(session):
    schedules.add(["tidy"])
    take_due("tidy", HOUR)

    schedules.add(["tidy", "sweep"])

    assert [take_due("tidy", HOUR), take_due("sweep", HOUR)] == [False, True]


def test_an_unknown_job_is_never_due(session):
    assert not take_due("nobody", HOUR)


def test_a_job_that_found_no_work_takes_it_as_soon_as_it_comes(session):
    schedules.add(["tidy"])
    waiting = Job(lambda: None, HOUR, exists(select(Pledge.id)))
    before = schedules.take_due({"tidy": waiting})

    confirmed()

    assert (before, schedules.take_due({"tidy": waiting})) == (set(), {"tidy"})


def test_looking_takes_nothing(session):
    schedules.add(["tidy"])
    looking = schedules.any_due({"tidy": Job(lambda: None, HOUR)})

    assert [db.session.scalar(looking), db.session.scalar(looking)] == [True, True]
    assert take_due("tidy", HOUR)
    assert not db.session.scalar(looking)


def test_many_schedulers_take_a_job_once(elsewhere):
    schedules.add(["tidy"])
    jobs.commit()

    def take():
        taken = take_due("tidy", HOUR)
        jobs.commit()
        return taken

    assert sum(taking.result(20) for taking in [elsewhere(take) for _ in range(16)]) == 1


def test_a_scheduler_passes_by_what_another_one_is_taking(elsewhere):
    schedules.add(["tidy"])
    jobs.commit()
    assert take_due("tidy", HOUR)

    assert elsewhere(lambda: take_due("tidy", HOUR)).result(20) is False


def test_a_scheduler_killed_before_it_commits_leaves_the_job_to_another(elsewhere):
    schedules.add(["tidy"])
    jobs.commit()
    assert take_due("tidy", HOUR)

    jobs.rollback()

    assert elsewhere(lambda: take_due("tidy", HOUR)).result(20) is True


@pytest.fixture
def scheduled():
    """Every job is due for the first time."""
    schedules.add(JOBS)
    jobs.commit()


def test_jobs_without_work_are_not_woken(session, scheduled, woken):
    scheduler.tick()

    assert woken() == ALWAYS_NEEDED


def test_jobs_with_work_are_woken(session, scheduled, woken):
    confirmed()
    submitting.submit(policy(), submission(), now())
    hook = webhooks.add("https://hooks.uni.ac.ke/", None, EVENTS, STAFF, now())
    webhooks.queue_test(hook, now())
    request_reset(staff_policy(), "staff@example.org", now())
    task = Task(kind="of a test", actor=STAFF, state=State.RUNNING, plan={})
    campaign_id = text().campaign_id
    texts = ScheduledText(campaign_id=campaign_id, texts={}, due_at=now() - HOUR, actor=STAFF)
    db.session.add_all([task, texts])
    db.session.flush()
    db.session().info.clear()  # the calls of both are lost

    scheduler.tick()

    assert woken() == sorted(JOBS)


def test_a_job_that_is_not_due_is_not_woken(session, scheduled, woken):
    scheduler.tick()
    woken()

    scheduler.tick()

    assert woken() == []


def test_ticks_of_many_schedulers_wake_each_job_once(elsewhere, scheduled, woken):
    for ticking in [elsewhere(scheduler.tick) for _ in range(8)]:
        ticking.result(20)

    assert woken() == ALWAYS_NEEDED


def test_the_loop_ticks_until_it_is_told_to_stop(app, committing, woken, monkeypatch):
    monkeypatch.setattr(scheduler, "LOOK_SECONDS", 0.01)
    stopping = Event()
    loop = Thread(target=scheduler.run, args=(app, stopping))
    loop.start()

    found, deadline = [], time.monotonic() + 10
    while found != ALWAYS_NEEDED:
        found = sorted(found + woken())
        assert time.monotonic() < deadline
    stopping.set()
    loop.join(10)

    assert not loop.is_alive()


def test_a_database_that_is_away_is_waited_for(settings, monkeypatch, caplog):
    monkeypatch.setattr(scheduler, "LOOK_SECONDS", 0.01)
    nowhere = create_site(
        replace(settings, database_url=f"postgresql+psycopg://x@127.0.0.1:{free_port()}/x")
    )
    stopping = Event()
    with caplog.at_level(logging.WARNING):
        loop = Thread(target=scheduler.run, args=(nowhere, stopping))
        loop.start()
        deadline = time.monotonic() + 10
        while caplog.text.count("database is away") < 2:
            assert loop.is_alive()
            assert time.monotonic() < deadline
        stopping.set()
        loop.join(10)

    assert not loop.is_alive()
