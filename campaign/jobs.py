"""Waking the worker. A job's message carries no data and may be lost or doubled: the tables are the truth.

A change of a table calls ``wake`` inside its transaction; ``commit`` sends the messages once that has succeeded.
The scheduler's sweep wakes the same jobs again, so a lost message costs seconds and no row.
"""

import logging
import time
from contextlib import suppress
from functools import cache
from queue import Full, Queue
from threading import Lock, Thread

from dramatiq import Message
from dramatiq.broker import Broker
from dramatiq.brokers.stub import StubBroker
from flask import Flask, current_app

from campaign.config import Settings
from campaign.db import db

QUEUE = "campaign"
# A burst of pledges needs one call, not one each; the sweep picks up what comes after a suppressed one.
WAKE_INTERVAL_SECONDS = 0.5

log = logging.getLogger(__name__)


class Waker:
    """Sends wake-up calls from a thread of its own: a broker may hang for minutes, and a saved pledge must not."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._last_calls: dict[str, float] = {}
        self._lock = Lock()
        self._outgoing: Queue[str] = Queue(maxsize=20)
        self._thread: Thread | None = None

    def call(self, job: str) -> None:
        """Send a call soon, unless the job was called a moment ago or too many calls are waiting."""
        with self._lock:
            if time.monotonic() - self._last_calls.get(job, 0) < WAKE_INTERVAL_SECONDS:
                return
            self._last_calls[job] = time.monotonic()
            self._start()
        with suppress(Full):  # the sweep wakes what is not heard now
            self._outgoing.put_nowait(job)

    def _start(self) -> None:
        """Once in a process, and only when there is something to send: a thread does not survive a fork."""
        if self._thread is None:
            self._thread = Thread(target=self._send, name="wake-up calls", daemon=True)
            self._thread.start()

    def _send(self) -> None:
        while True:
            self._enqueue(self._outgoing.get())

    def _enqueue(self, job: str) -> None:
        """Enqueue the job's message; log and go on where the broker cannot be reached."""
        message: Message[None] = Message(
            queue_name=QUEUE, actor_name=job, args=(), kwargs={}, options={}
        )
        try:
            self._broker.enqueue(message)
        except Exception:
            log.exception("could not wake %s; the sweep will", job)


def init_app(app: Flask) -> None:
    app.extensions["broker"] = broker = broker_for(app.config["SETTINGS"])
    app.extensions["waker"] = Waker(broker)


def broker_of(app: Flask) -> Broker:
    """The application's queue of wake-up calls."""
    broker: Broker = app.extensions["broker"]
    return broker


def wake(job: str) -> None:
    """Ask for a job to run once the current transaction is committed."""
    db.session().info.setdefault("wake", set()).add(job)


def commit() -> None:
    """Commit the session, then send the wake-up calls collected in it.

    A broker that is down must not turn a saved pledge into an error page, so its failure is only logged.
    """
    db.session.commit()
    waker: Waker = current_app.extensions["waker"]
    for job in db.session().info.pop("wake", ()):
        waker.call(job)


def rollback() -> None:
    db.session.rollback()
    db.session().info.pop("wake", None)


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
    from campaign.queue import PostgresBroker

    url = settings.database_url if settings.broker_url == "postgresql:" else settings.broker_url
    return PostgresBroker(url=url.replace("postgresql+psycopg:", "postgresql:"), results=False)
