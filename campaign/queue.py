"""The database as the queue of wake-up calls: dramatiq-postgres, with fewer polls.

Its two consumers (of messages and of delayed ones) poll once a second each, although PostgreSQL notifies them of
every message. Ours poll when they are notified, and otherwise only every POLL_SECONDS.
"""

import time
from threading import Event

import dramatiq_postgres
from dramatiq_postgres.broker import PostgresConsumer

# For messages without a notification: delayed ones that have become due, those sent while the listening connection
# was broken, and all of them behind a pooler that passes on no notifications.
POLL_SECONDS = 5.0


class PostgresBroker(dramatiq_postgres.PostgresBroker):
    """A broker whose consumers wait for notifications."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30_000) -> "Consumer":
        """Return a consumer; `timeout` is in milliseconds."""
        return Consumer(broker=self, queue_name=queue_name, prefetch=prefetch, timeout=timeout)


class Consumer(PostgresConsumer):
    """Claims when notified, until nothing is left, and every POLL_SECONDS."""

    def __init__(
        self, *, broker: PostgresBroker, queue_name: str, prefetch: int, timeout: int
    ) -> None:
        super().__init__(broker=broker, queue_name=queue_name, prefetch=prefetch, timeout=timeout)
        self._claim_at = 0.0
        # `wakeup`, which ends the wait, is cleared after each claim, and a notification during the claim with it.
        self._notified = Event()
        broker.notifier.subscribe(self.channel, self._notified)

    def claim(self, limit: int) -> None:
        """Claim up to `limit` messages, if there is a reason to look."""
        if self._notified.is_set() or time.monotonic() >= self._claim_at:
            self._notified.clear()
            super().claim(limit)
            self._claim_at = 0.0 if self.buffer else time.monotonic() + POLL_SECONDS

    def close(self) -> None:
        """Give back the connection and stop listening."""
        self.broker.notifier.unsubscribe(self.channel, self._notified)
        super().close()
