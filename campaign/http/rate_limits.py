"""Rate limits: how often one network may use a view.

They are generous, since a whole campus may share one network: a suspicious pledge is held for review, not refused.
"""

import ipaddress
import logging
import time
from collections import Counter
from collections.abc import Callable
from functools import cache, wraps
from threading import Lock
from typing import ParamSpec, Protocol, TypeVar

import limits
from flask import Flask, abort, current_app, request
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

P = ParamSpec("P")
R = TypeVar("R")

# How long a request waits for the store of LIMITER_URL, and for how long it is then left alone.
SHARED_SECONDS = 0.25
AWAY_SECONDS = 10.0
SEARCH_LIMIT = "3000 per minute"
FORM_LIMIT = "600 per minute"
# Of a million codes, so few can be tried that guessing one takes months.
WRONG_CODE_LIMIT = "300 per hour"


log = logging.getLogger(__name__)


class StoreAway(Exception):
    """The shared store of the rate limits does not answer."""


class Limiter(Protocol):
    """Counts requests in windows of time, each as long as its limit says."""

    def hit(self, item: limits.RateLimitItem, *identifiers: str) -> bool:
        """Count one request under these identifiers; return False if it is one too many."""
        ...

    def test(self, item: limits.RateLimitItem, *identifiers: str) -> bool:
        """Whether one more request may be counted under these identifiers."""
        ...


def init_app(app: Flask) -> None:
    app.extensions["limiter"] = _limiter(app.config["SETTINGS"].limiter_url)


def rate_limited(limit: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Answer 429 to a network that uses a view more often than its limit, such as "600 per minute".

    Each endpoint is counted separately.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def limited_view(*args: P.args, **kwargs: P.kwargs) -> R:
            count_request(limit)
            return view(*args, **kwargs)

        return limited_view

    return decorate


def count_request(limit: str) -> None:
    """Count this request for its endpoint and network. Answers 429 if it is one too many."""
    limiter: Limiter = current_app.extensions["limiter"]
    if not limiter.hit(_parsed(limit), *_counted_under()):
        abort(429)


def check_limit(limit: str) -> None:
    """Answer 429 where one more request for this endpoint and network would be one too many; count nothing."""
    limiter: Limiter = current_app.extensions["limiter"]
    if not limiter.test(_parsed(limit), *_counted_under()):
        abort(429)


def _counted_under() -> tuple[str, str]:
    return request.endpoint or "", network_of(request.remote_addr or "")


def contact_store() -> None:
    """Ask the store of LIMITER_URL for a sign of life. Raises StoreAway."""
    limiter: Limiter = current_app.extensions["limiter"]
    if isinstance(limiter, WithFallback) and not limiter.is_store_there():
        raise StoreAway


@cache
def _parsed(limit: str) -> limits.RateLimitItem:
    return limits.parse(limit)


def _limiter(url: str) -> Limiter:
    if url.startswith("memory:"):
        return InMemoryFixedWindows()
    storage = storage_from_string(
        url,
        wrap_exceptions=True,
        socket_timeout=SHARED_SECONDS,
        socket_connect_timeout=SHARED_SECONDS,
    )
    return WithFallback(FixedWindowRateLimiter(storage))


class WithFallback:
    """A Limiter that counts with others in a shared store and, while that is away, by itself.

    Limits are a courtesy to the machine; a store that hangs must not keep people from pledging.
    """

    def __init__(self, shared: FixedWindowRateLimiter) -> None:
        self._shared = shared
        self._own = InMemoryFixedWindows()
        self._ask_again_at = 0.0

    def hit(self, item: limits.RateLimitItem, *identifiers: str) -> bool:
        return self._ask("hit", item, *identifiers)

    def test(self, item: limits.RateLimitItem, *identifiers: str) -> bool:
        return self._ask("test", item, *identifiers)

    def _ask(self, method: str, item: limits.RateLimitItem, *identifiers: str) -> bool:
        if time.monotonic() >= self._ask_again_at:
            try:
                return bool(getattr(self._shared, method)(item, *identifiers))
            except StorageError as error:
                self._ask_again_at = time.monotonic() + AWAY_SECONDS
                log.warning("rate limits are counted by each process for a while: %s", error)
        return bool(getattr(self._own, method)(item, *identifiers))

    def is_store_there(self) -> bool:
        return self._shared.storage.check()


class InMemoryFixedWindows:
    """A Limiter in the memory of one process.

    The library's own goes through all its counts at nearly every request: 4 ms of processor time with 20,000
    networks. Here all networks share the window of a limit, which is dropped as a whole when it ends.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[limits.RateLimitItem, tuple[float, Counter[tuple[str, ...]]]] = {}

    def hit(self, item: limits.RateLimitItem, *identifiers: str) -> bool:
        with self._lock:
            counter = self._window(item)
            counter[identifiers] += 1
            return counter[identifiers] <= item.amount

    def test(self, item: limits.RateLimitItem, *identifiers: str) -> bool:
        with self._lock:
            return self._window(item)[identifiers] < item.amount

    def _window(self, item: limits.RateLimitItem) -> Counter[tuple[str, ...]]:
        """The counts of a limit in the window of now, which is begun if need be."""
        now = time.monotonic()
        end, counter = self._windows.get(item, (now, Counter()))
        if end <= now:
            counter = Counter()
            self._windows[item] = now + item.get_expiry(), counter
        return counter


def network_of(address: str) -> str:
    """Return what counts as one network: an IPv4 address, or the /64 of an IPv6 site (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:  # IPv4 as a server that listens on both sees it (RFC 4291, 2.5.5.2)
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
