"""Waking the worker: after the commit or not at all, and never at the expense of what was committed."""

import time
from dataclasses import replace

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from campaign import jobs
from campaign.db import db
from campaign.schedules import Schedule
from tests.ports import free_port

pytestmark = pytest.mark.usefixtures("session")


def test_a_job_is_woken_after_the_commit(woken):
    jobs.wake("fold_tallies")
    assert woken() == []

    jobs.commit()

    assert woken() == ["fold_tallies"]


def test_each_job_is_woken_once_for_a_transaction(woken):
    for job in ("fold_tallies", "send_emails", "fold_tallies"):
        jobs.wake(job)
    jobs.commit()

    assert woken() == ["fold_tallies", "send_emails"]


def test_a_rollback_forgets(woken):
    jobs.wake("fold_tallies")

    jobs.rollback()

    assert woken() == []


def test_the_end_of_a_savepoint_is_no_commit(woken):
    with db.session.begin_nested():
        jobs.wake("fold_tallies")

    jobs.rollback()

    assert woken() == []


def test_a_commit_that_fails_wakes_nobody(woken):
    db.session.execute(insert(Schedule).values(job="a"))
    db.session.add(Schedule(job="a"))
    jobs.wake("fold_tallies")

    with pytest.raises(IntegrityError):
        jobs.commit()
    jobs.rollback()

    assert woken() == []


def test_a_burst_needs_one_call(woken):
    for _ in range(20):
        jobs.wake("fold_tallies")
        jobs.commit()

    assert woken() == ["fold_tallies"]


def test_after_a_moment_a_job_is_woken_again(woken, monkeypatch):
    monkeypatch.setattr(jobs, "WAKE_INTERVAL_SECONDS", 0)
    for _ in range(2):
        jobs.wake("fold_tallies")
        jobs.commit()

    assert woken() == ["fold_tallies"] * 2


@pytest.mark.parametrize("scheme", ["redis", "amqp", "postgresql"])
def test_a_broker_that_is_down_neither_fails_nor_delays_the_commit(
    app, session, monkeypatch, settings, scheme
):
    nowhere = replace(settings, broker_url=f"{scheme}://nobody:secret@127.0.0.1:{free_port()}/none")
    away = jobs.broker_for(nowhere)
    monkeypatch.setitem(app.extensions, "waker", jobs.Waker(away))
    db.session.add(Schedule(job="a"))
    jobs.wake("fold_tallies")

    started = time.monotonic()
    jobs.commit()

    assert time.monotonic() - started < 1
    assert db.session.get(Schedule, "a") is not None
    away.close()


def test_the_broker_of_the_setting_is_used(settings):
    brokers = {
        "memory:": "StubBroker", "redis://localhost": "RedisBroker", "rediss://localhost": "RedisBroker",
        "amqp://localhost": "RabbitmqBroker", "postgresql:": "PostgresBroker",
    }  # fmt: skip
    for url, name in brokers.items():
        broker = jobs.broker_for(replace(settings, broker_url=url))
        assert type(broker).__name__ == name
        broker.close()


def test_rabbitmq_confirms_what_it_took(settings):
    """Without it every message is lost when the server is killed."""
    assert jobs.broker_for(replace(settings, broker_url="amqp://localhost")).confirm_delivery
