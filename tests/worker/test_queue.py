"""The database as the queue: silent while nothing happens, and no message waits because of it."""

import time
from collections.abc import Iterator

import dramatiq
import pytest

from campaign import queue
from campaign.config import Settings


@pytest.fixture
def broker(app, settings: Settings, committing) -> Iterator[queue.PostgresBroker]:
    """A broker of its own, with one queue that has no consumer yet."""
    broker = queue.PostgresBroker(url=settings.database_url.replace("+psycopg", ""), results=False)
    broker.declare_queue("errands")
    yield broker
    broker.close()


@pytest.fixture
def consumer(broker: queue.PostgresBroker) -> Iterator[queue.Consumer]:
    """A consumer that has looked once, in vain."""
    consumer = broker.consume("errands", prefetch=2, timeout=10)
    assert next(consumer) is None
    yield consumer
    consumer.close()


def send(broker: queue.PostgresBroker, number: int = 1) -> None:
    for _ in range(number):
        broker.enqueue(
            dramatiq.Message(queue_name="errands", actor_name="run", args=(), kwargs={}, options={})
        )


def consume(consumer: queue.Consumer, number: int = 1) -> float:
    """Consume so many messages; return the seconds that took."""
    started = time.monotonic()
    while number:
        if message := next(consumer):
            consumer.ack(message)
            number -= 1
        assert time.monotonic() < started + 2 * queue.POLL_SECONDS
    return time.monotonic() - started


def test_an_idle_consumer_asks_only_now_and_then(broker, consumer) -> None:
    broker.notify = False
    send(broker)

    assert [next(consumer) for _ in range(5)] == [None] * 5
    consume(consumer)


def test_a_message_is_consumed_as_soon_as_it_is_there(broker, consumer) -> None:
    send(broker)

    assert consume(consumer) < queue.POLL_SECONDS - 1


def test_a_consumer_goes_on_until_the_queue_is_empty(broker, consumer) -> None:
    send(broker, 7)

    assert consume(consumer, 7) < queue.POLL_SECONDS - 1
