"""Waking the worker: after the commit or not at all, and never at the expense of what was committed."""

import time
from dataclasses import replace

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from campaign import jobs
from campaign.db import db
from campaign.schedules import Schedule
from tests.mail.conftest import free_port


@pytest.fixture
def broker(session, monkeypatch):
    """A broker of our own that remembers what was sent; nothing is held back from an earlier test."""
    monkeypatch.setattr(jobs, "_last_sent", {})
    broker, before = StubBroker(), dramatiq.get_broker()
    broker.declare_queue(jobs.QUEUE)
    dramatiq.set_broker(broker)
    yield broker
    dramatiq.set_broker(before)


def sent(broker, number):
    """The jobs woken, once there are so many; a thread sends them."""
    queue, deadline = broker.queues[jobs.QUEUE], time.monotonic() + 10
    while queue.qsize() < number:
        assert time.monotonic() < deadline, f"{queue.qsize()} calls, not {number}"
    return sorted(dramatiq.Message.decode(queue.get()).actor_name for _ in range(queue.qsize()))


def sent_by_now(broker):
    """What was sent before one more call."""
    jobs.wake("a call of the test")
    jobs.commit()
    return [job for job in sent(broker, 1) if job != "a call of the test"]


def test_a_job_is_woken_after_the_commit(broker):
    jobs.wake("fold_tallies")
    assert broker.queues[jobs.QUEUE].empty()

    jobs.commit()

    assert sent(broker, 1) == ["fold_tallies"]


def test_each_job_is_woken_once_for_a_transaction(broker):
    for job in ("fold_tallies", "send_letters", "fold_tallies"):
        jobs.wake(job)
    jobs.commit()

    assert sent(broker, 2) == ["fold_tallies", "send_letters"]


def test_a_rollback_forgets(broker):
    jobs.wake("fold_tallies")

    jobs.rollback()

    assert sent_by_now(broker) == []


def test_the_end_of_a_savepoint_is_no_commit(broker):
    with db.session.begin_nested():
        jobs.wake("fold_tallies")

    jobs.rollback()

    assert sent_by_now(broker) == []


def test_a_commit_that_fails_wakes_nobody(broker):
    db.session.execute(insert(Schedule).values(job="a"))
    db.session.add(Schedule(job="a"))
    jobs.wake("fold_tallies")

    with pytest.raises(IntegrityError):
        jobs.commit()
    jobs.rollback()

    assert sent_by_now(broker) == []


def test_a_burst_needs_one_call(broker):
    for _ in range(20):
        jobs.wake("fold_tallies")
        jobs.commit()

    assert sent(broker, 1) == ["fold_tallies"]
    assert sent_by_now(broker) == []


def test_after_a_moment_a_job_is_woken_again(broker, monkeypatch):
    monkeypatch.setattr(jobs, "WAKE_INTERVAL_SECONDS", 0)
    for _ in range(2):
        jobs.wake("fold_tallies")
        jobs.commit()

    assert sent(broker, 2) == ["fold_tallies"] * 2


@pytest.mark.parametrize("scheme", ["redis", "amqp", "postgresql"])
def test_a_broker_that_is_down_neither_fails_nor_delays_the_commit(broker, settings, scheme):
    nowhere = replace(settings, broker_url=f"{scheme}://nobody:secret@127.0.0.1:{free_port()}/none")
    dramatiq.set_broker(away := jobs.broker_for(nowhere))
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
