"""Waking the worker. A job's message carries no data and may be lost or doubled: the tables are the truth.

Whoever changes a table calls ``wake`` inside the transaction; ``commit`` sends the messages after it
succeeded. The scheduler's sweep wakes the same jobs again, so a lost message costs seconds and no row.
"""

import logging
import time
from contextlib import suppress
from functools import cache
from queue import Full, Queue
from threading import Lock, Thread

import dramatiq
from dramatiq.broker import Broker
from dramatiq.brokers.stub import StubBroker

from campaign.config import Settings
from campaign.db import db

QUEUE = "campaign"
# A burst of pledges needs one call, not one each; the sweep picks up what comes after a suppressed one.
WAKE_INTERVAL_SECONDS = 0.5

log = logging.getLogger(__name__)


def wake(job: str) -> None:
    """Ask for a job to run once the current transaction is committed."""
    db.session().info.setdefault("wake", set()).add(job)


def commit() -> None:
    """Commit the session, then send the wake-up calls collected in it.

    A broker that is down must not turn a saved pledge into an error page, so its failure is only logged.
    """
    db.session.commit()
    for job in db.session().info.pop("wake", ()):
        _send(job)


def rollback() -> None:
    db.session.rollback()
    db.session().info.pop("wake", None)


_last_sent: dict[str, float] = {}
_lock = Lock()
_outgoing: Queue[str] = Queue(maxsize=20)


def _send(job: str) -> None:
    """Leave the call to a thread: a broker may hang for minutes, and a saved pledge must not wait for it."""
    with _lock:
        if time.monotonic() - _last_sent.get(job, 0) < WAKE_INTERVAL_SECONDS:
            return
        _last_sent[job] = time.monotonic()
        _start_sending()
    with suppress(Full):  # the sweep wakes what is not heard now
        _outgoing.put_nowait(job)


@cache
def _start_sending() -> None:
    """Once in a process, and only when there is something to send: a thread does not survive a fork."""
    Thread(target=_send_outgoing, name="wake-up calls", daemon=True).start()


def _send_outgoing() -> None:
    while True:
        _enqueue(_outgoing.get())


def _enqueue(job: str) -> None:
    """Enqueue the job's message; log and go on where the broker cannot be reached."""
    try:
        dramatiq.get_broker().enqueue(
            dramatiq.Message(queue_name=QUEUE, actor_name=job, args=(), kwargs={}, options={})
        )
    except Exception:
        log.exception("could not wake %s; the sweep will", job)


@cache
def broker_for(settings: Settings) -> Broker:
    """The broker that BROKER_URL names."""
    scheme = settings.broker_url.partition(":")[0]
    if scheme == "memory":
        return StubBroker()
    if scheme in {"redis", "rediss"}:
        from dramatiq.brokers.redis import RedisBroker

        return RedisBroker(url=settings.broker_url)  # type: ignore[no-untyped-call]
    if scheme in {"amqp", "amqps"}:
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        return RabbitmqBroker(url=settings.broker_url, confirm_delivery=True)
    return _postgres_broker(settings)


def _postgres_broker(settings: Settings) -> Broker:
    from dramatiq_postgres import PostgresBroker

    url = settings.database_url if settings.broker_url == "postgresql:" else settings.broker_url
    broker: Broker = PostgresBroker(
        url=url.replace("postgresql+psycopg:", "postgresql:"), results=False
    )
    return broker
