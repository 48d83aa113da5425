"""The worker: every job that anybody wakes is there, each call stands alone, and none keeps the others waiting."""

import ast
import inspect
import socket
import time
from dataclasses import replace

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from flask import current_app, g
from sqlalchemy import func, select

from campaign import i18n, jobs
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.pledges.models import Pledge
from campaign.tallies import operations as tallies
from campaign.tallies.queries import counts
from tests.factories import confirmed, submitted
from tests.structure.rooms import modules
from worker import actors, registry
from worker.registry import JOBS, register

THREADS = 4


def woken_anywhere():
    """Every job named in a call of ``jobs.wake``."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "jobs.wake":
                yield path.name, node.args[0]


def test_every_job_that_is_woken_exists():
    named = {
        argument.value for _, argument in woken_anywhere() if isinstance(argument, ast.Constant)
    }

    assert named == {
        "take_forms", "send_emails", "send_resets", "send_webhooks", "fold_tallies", "run_tasks",
    }  # fmt: skip
    assert named <= JOBS.keys()


def test_only_the_scheduler_wakes_jobs_by_a_variable():
    """Else the test above could not see them."""
    by_variable = {name for name, named in woken_anywhere() if not isinstance(named, ast.Constant)}

    assert by_variable == {"scheduler.py"}


def test_every_function_of_the_worker_is_a_job():
    functions = inspect.getmembers(actors, inspect.isfunction)

    of_the_module = {name for name, function in functions if function.__module__ == "worker.actors"}
    assert {name for name in of_the_module if not name.startswith("_")} == JOBS.keys()


@pytest.fixture
def work(app, monkeypatch):
    """Start a worker with this broker, stop it in the end; messages are sent by ``jobs``."""
    started = []

    def start(broker):
        monkeypatch.setitem(app.extensions, "broker", broker)
        monkeypatch.setitem(app.extensions, "waker", jobs.Waker(broker))
        register(app)
        started.append(dramatiq.Worker(broker, worker_timeout=50, worker_threads=THREADS))
        started[-1].start()
        return broker

    yield start
    for worker in started:
        worker.stop()
        worker.broker.close()


def send(broker, *names):
    for name in names:
        broker.enqueue(
            dramatiq.Message(queue_name=jobs.QUEUE, actor_name=name, args=(), kwargs={}, options={})
        )


def until(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        db.session.rollback()
        time.sleep(0.02)


def test_all_jobs_are_actors_of_one_queue(work):
    broker = work(StubBroker())

    assert broker.get_declared_actors() == set(JOBS)
    assert {broker.get_actor(name).queue_name for name in JOBS} == {jobs.QUEUE}


def test_what_reads_all_pledges_may_take_its_time(work):
    """Dramatiq ends the others after the ten minutes that it gives by default."""
    broker = work(StubBroker())

    limits = {name: broker.get_actor(name).options["time_limit"] for name in JOBS}

    longer = {name for name, milliseconds in limits.items() if milliseconds > 10 * 60 * 1000}
    assert longer == {"publish_details", "publish_records", "reconcile_tallies"}


def test_each_call_has_a_context_of_its_own(app, work, monkeypatch):
    seen = []

    def look_around():
        seen.append((current_app.name, g.get("left"), i18n.current(), g._get_current_object()))
        g.left = "something"
        g.locale = "fr"

    monkeypatch.setattr(registry, "JOBS", {"look_around": registry.Job(look_around, None)})
    broker = work(StubBroker())

    send(broker, *["look_around"] * 6)
    broker.join(jobs.QUEUE, timeout=10_000)

    assert len(seen) == 6
    assert {tuple(found) for *found, _ in seen} == {(app.name, None, "en")}
    assert len({id(context) for *_, context in seen}) == 6


def test_a_job_that_fails_leaves_no_open_transaction(app, work, monkeypatch, committing):
    def fail():
        db.session.execute(select(Pledge).with_for_update())
        done.append("fail")
        raise ZeroDivisionError

    def lock():
        db.session.execute(select(Pledge).with_for_update())
        done.append("lock")

    done = []
    submitted()
    jobs.commit()
    monkeypatch.setattr(
        registry, "JOBS", {run.__name__: registry.Job(run, None) for run in (fail, lock)}
    )
    broker = work(StubBroker())

    send(broker, "fail")
    until(lambda: done == ["fail"])
    send(broker, "lock")

    until(lambda: done == ["fail", "lock"])


def test_a_confirmed_pledge_is_counted_by_way_of_postgresql(work, settings, committing):
    """The whole way: commit, message in the database, worker, tallies."""
    work(jobs.broker_for(replace(settings, broker_url="postgresql:", web_threads=3)))

    campaign_id = confirmed().campaign_id
    jobs.commit()

    until(lambda: counts(campaign_id).people == 1)


def test_a_mail_server_that_hangs_keeps_no_tally_waiting(
    app, work, settings, committing, monkeypatch
):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never says a word
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setitem(app.config, "SETTINGS", replace(settings, smtp_url=url))
        monkeypatch.setattr("campaign.mail.transport.TIMEOUT_SECONDS", 6)
        pledged = [confirmed(f"{n}@example.org") for n in range(2 * THREADS)]
        db.session.commit()  # which wakes nobody
        broker = work(StubBroker())

        send(broker, *["send_emails"] * 2 * THREADS)
        until(lambda: db.session.scalar(select(func.sum(OutgoingEmail.attempts))) >= 2)
        send(broker, "fold_tallies")

        until(lambda: counts(pledged[0].campaign_id).people == 2 * THREADS, seconds=5)


def test_emails_are_sent_by_the_job(app, work, settings, committing, monkeypatch, postbox):
    monkeypatch.setitem(app.config, "SETTINGS", replace(settings, smtp_url=postbox.url))
    submitted()
    jobs.commit()

    send(work(StubBroker()), "send_emails")

    until(lambda: db.session.scalar(select(OutgoingEmail.sent_at)) is not None)
    assert len(postbox.messages) == 1


def test_jobs_may_run_twice(app, committing):
    campaign_id = confirmed().campaign_id
    jobs.commit()

    for name in ("fold_tallies", "reconcile_tallies", "remind_unconfirmed", "keep_retention"):
        for _ in range(2):
            JOBS[name].run()

    assert counts(campaign_id).people == 1
    assert tallies.differences() == []
