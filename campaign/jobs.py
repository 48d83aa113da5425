"""Wake-up calls to the worker. They carry no data and may be lost or doubled: the tables are the truth.

Code that changes a table calls ``wake`` inside the transaction; ``commit`` sends the calls once that has succeeded.
The scheduler wakes the same jobs periodically (the sweep), so a lost call costs seconds and no row.
"""

import logging
import time
from contextlib import suppress
from functools import cache
from queue import Full, Queue
from threading import Lock, Thread

import psycopg
from dramatiq import Message
from dramatiq.broker import Broker
from dramatiq.brokers.stub import StubBroker
from flask import Flask, current_app

from campaign.config import Settings, current_settings
from campaign.db import db

QUEUE = "campaign"
# A burst of pledges needs one call, not one each. The sweep picks up what comes after a suppressed call.
WAKE_INTERVAL_SECONDS = 0.5
CONTACT_SECONDS = 2

log = logging.getLogger(__name__)


class Waker:
    """Sends wake-up calls from a thread of its own: a broker may hang for minutes, but a request must not."""

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
        with suppress(Full):  # the broker hangs; the sweep will wake the job
            self._outgoing.put_nowait(job)

    def _start(self) -> None:
        """Start the thread, once, at the first call: one started earlier would not survive gunicorn's fork."""
        if self._thread is None:
            self._thread = Thread(target=self._send, name="wake-up calls", daemon=True)
            self._thread.start()

    def _send(self) -> None:
        while True:
            self._enqueue(self._outgoing.get())

    def _enqueue(self, job: str) -> None:
        """Enqueue the job's message; a broker that cannot be reached is only logged."""
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
    """Return the application's queue of wake-up calls."""
    broker: Broker = app.extensions["broker"]
    return broker


def contact_broker() -> None:
    """Ask the application's broker for a sign of life. Raises what its client raises."""
    url = current_settings().broker_url
    if url.startswith("redis"):
        import redis

        with redis.Redis.from_url(url, socket_timeout=CONTACT_SECONDS) as client:
            client.ping()
    elif url.startswith("amqp"):
        import pika

        pika.BlockingConnection(pika.URLParameters(url)).close()
    elif url != "postgresql:" and not url.startswith("memory:"):  # the first is the site's own
        psycopg.connect(url, connect_timeout=CONTACT_SECONDS).close()


def wake(job: str) -> None:
    """Have a job run once the current transaction is committed."""
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
    """Roll the session back, and drop the wake-up calls collected in it."""
    db.session.rollback()
    db.session().info.pop("wake", None)


@cache
def broker_for(settings: Settings) -> Broker:
    """Return the broker of BROKER_URL, one for all applications of a process with the same settings."""
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
