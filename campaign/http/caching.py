"""The cache of finished responses: each is made once per version of its content, however many requests come.

A public page follows from its address, its language and the topics it depends on (``campaign.topics``). So each
process keeps the finished response, compressed, and checks at most once a second for newer versions of the topics:
a typical request costs no statement and no template (RFC 9111; RFC 5861 for what caches on the way may do).

Addresses with a query are without number: anyone can invent words to search for, days and cursors. Their responses
have a space of their own, in which they take room only from each other, never from the pages that everybody reads.
"""

import gzip
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from threading import Lock
from typing import ParamSpec, TypeAlias
from weakref import WeakValueDictionary

import brotli
from cachetools import LRUCache
from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from werkzeug.datastructures import Accept, Headers, ImmutableMultiDict
from werkzeug.http import parse_accept_header

from campaign import i18n, topics
from campaign.db import db
from campaign.http.rate_limits import count_request
from campaign.topics import Topic

# In each process.
MAX_BYTES = 48_000_000
MAX_BYTES_OF_QUERIES = 16_000_000
MAX_BYTES_OF_ONE = 4_000_000
ENTRY_BYTES = 2_000  # headers and Python's overhead of one response, measured generously
# Some pages name the day or the month, which no topic follows.
LONGEST_SECONDS = 600
VERSION_SECONDS = 1.0
MAX_AGE = 5
STALE_IF_ERROR = 86_400
# How old an outdated response may be and still be served while its successor is made. To be one fold behind is
# harmless; to show a person who withdrew long ago is not.
SUPERSEDED_SECONDS = 60.0
# Higher than for pages that are compressed for one request: these are sent often.
QUALITY = 6

Key = tuple[str, str, tuple[str | None, ...]]
Version = tuple[int, ...]
Versions = Mapping[Topic, int]
P = ParamSpec("P")

log = logging.getLogger(__name__)


@dataclass(eq=False)
class CachedResponse:
    """A finished response, with its body in the content codings requested so far; "" is none."""

    key: Key
    version: Version
    status: int
    headers: list[tuple[str, str]]
    digest: str
    bodies: dict[str, bytes]
    made_at: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        """Its part of the cache, in bytes."""
        path, _, values = self.key
        key_size = len(path) + sum(len(value) for value in values if value)
        return ENTRY_BYTES + key_size + sum(map(len, self.bodies.values()))

    @property
    def age(self) -> float:
        """In seconds."""
        return time.monotonic() - self.made_at

    def is_current(self, version: Version) -> bool:
        return self.version == version and self.age < LONGEST_SECONDS

    @property
    def is_compressed(self) -> bool:
        return "br" in self.bodies


Space: TypeAlias = LRUCache[Key, CachedResponse]


def _space(max_bytes: int) -> Space:
    return LRUCache(max_bytes, getsizeof=lambda response: response.size)


class ResponseCache:
    """The responses that a process keeps; the least recently used go first, those with a query apart."""

    def __init__(
        self,
        max_bytes: int = MAX_BYTES,
        max_bytes_of_queries: int = MAX_BYTES_OF_QUERIES,
        *,
        polls_always: bool = False,
    ) -> None:
        self._responses = _space(max_bytes)
        self._with_query = _space(max_bytes_of_queries)
        self._lock = Lock()
        # Weak, so that the lock of a key goes once no thread makes its response or waits for it.
        self._build_locks: WeakValueDictionary[Key, Lock] = WeakValueDictionary()
        self._versions: Versions | None = None
        self._polls_always = polls_always
        self._next_poll = 0.0
        self._poll_lock = Lock()

    def __len__(self) -> int:
        return len(self._responses) + len(self._with_query)

    @property
    def size(self) -> int:
        """In bytes."""
        return int(self._responses.currsize + self._with_query.currsize)

    def clear(self) -> None:
        with self._lock:
            self._responses.clear()
            self._with_query.clear()

    def get(
        self, key: Key, followed: Sequence[Topic], make: Callable[[Version], CachedResponse]
    ) -> CachedResponse:
        """Return the response under this key, made by ``make`` if it is missing or outdated.

        Only one thread makes it. The others wait for it, or get the outdated one at once if that is younger than
        ``SUPERSEDED_SECONDS``: a burst of requests after a change costs one rendering, and no waiting.
        """
        versions = self._current_versions()
        version = tuple(versions[topic] for topic in followed)
        if (response := self._find(key)) and response.is_current(version):
            return response
        is_recent = response is not None and response.age < SUPERSEDED_SECONDS
        with self._build_lock(key, may_pass=is_recent) as is_builder:
            if response and not is_builder:
                return response
            # Another thread may have made it while this one waited for the lock.
            if (response := self._find(key)) and response.is_current(version):
                return response
            return self._made(make, version, response)

    def _made(
        self,
        make: Callable[[Version], CachedResponse],
        version: Version,
        outdated: CachedResponse | None,
    ) -> CachedResponse:
        """The response that ``make`` makes; while the database is away, the outdated one (RFC 5861, 4)."""
        try:
            return self._keep(make(version))
        except OperationalError:
            if outdated is None or outdated.age > STALE_IF_ERROR:
                raise
            db.session.rollback()
            log.exception("could not make a newer response")
            return outdated

    def body(self, response: CachedResponse, coding: str) -> bytes:
        """Return the body in a content coding, recoded from the compressed one the first time."""
        if coding not in response.bodies:
            plain = brotli.decompress(response.bodies["br"])
            recoded = _gzipped(plain) if coding == "gzip" else plain
            space = self._space_of(response.key)
            with self._lock:
                is_kept = space.pop(response.key, None) is response
                response.bodies[coding] = recoded
                if is_kept:  # stored anew, since the cache measures an entry only when it is stored
                    space[response.key] = response
        return response.bodies[coding]

    def _space_of(self, key: Key) -> Space:
        """Where the response under this key is kept."""
        _, _, values = key
        has_query = any(value is not None for value in values)
        return self._with_query if has_query else self._responses

    def _find(self, key: Key) -> CachedResponse | None:
        with self._lock:
            return self._space_of(key).get(key)

    @contextmanager
    def _build_lock(self, key: Key, *, may_pass: bool) -> Iterator[bool]:
        """Yield whether this thread is to make the response, after waiting its turn; with ``may_pass``, at once."""
        with self._lock:
            lock = self._build_locks.setdefault(key, Lock())
        is_builder = lock.acquire(blocking=not may_pass)
        try:
            yield is_builder
        finally:
            if is_builder:
                lock.release()

    def _keep(self, response: CachedResponse) -> CachedResponse:
        """Store the response, unless it is an error or so large that it would displace many others."""
        if response.status < 400 and response.size <= MAX_BYTES_OF_ONE:
            with self._lock:
                self._space_of(response.key)[response.key] = response
        return response

    def _current_versions(self) -> Versions:
        """Return the version of each topic. Each second one thread polls; the others go on with those known."""
        versions = self._versions
        if versions is None or self._polls_always:
            self._versions = versions = topics.versions()
        elif time.monotonic() >= self._next_poll and self._poll_lock.acquire(blocking=False):
            try:
                self._versions = versions = topics.versions()
            except SQLAlchemyError:  # kept responses are still served while the database is away
                db.session.rollback()
                log.exception("could not read the versions of the topics")
            finally:
                self._next_poll = time.monotonic() + VERSION_SECONDS
                self._poll_lock.release()
        return versions


def init_app(app: Flask) -> None:
    app.extensions["response_cache"] = ResponseCache(polls_always=app.config["TESTING"])


def cached(
    *parameters: str,
    follows: Sequence[Topic] | None = None,
    max_age: int = MAX_AGE,
    limit: str | None = None,
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, Response]]:
    """Keep a view's finished responses until a topic changes: any topic, or one of those in ``follows``.

    The view may depend on nothing but its path, the language and these query parameters. It sees the first value
    of each; all other parameters are hidden from it, so that invented ones cannot fill the cache. A parameter that
    only chooses the language is none of them: it has many spellings for a few languages. Browsers and
    caches on the way may use a response for ``max_age`` seconds, and twice as long again while they fetch a newer
    one. ``limit`` is how often one network may have a response made (see ``rate_limits``); kept ones are free.
    """

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
        @wraps(view)
        def cached_view(*args: P.args, **kwargs: P.kwargs) -> Response:
            cache: ResponseCache = current_app.extensions["response_cache"]
            values = tuple(map(request.args.get, parameters)) if parameters else ()
            key = (request.path, i18n.current(), values)

            def make(version: Version) -> CachedResponse:
                if limit:
                    count_request(limit)
                request.args = ImmutableMultiDict(
                    (name, value)
                    for name, value in zip(parameters, values, strict=True)
                    if value is not None
                )
                response = current_app.make_response(view(*args, **kwargs))
                return _finished(response, key, version, max_age)

            followed = topics.registered() if follows is None else follows
            return _respond(cache, cache.get(key, followed, make))

        return cached_view

    return decorate


def _finished(response: Response, key: Key, version: Version, max_age: int) -> CachedResponse:
    """The response as it is kept: with the headers for caches, its body read and compressed."""
    response.direct_passthrough = False  # lets get_data read a file
    body = response.get_data()
    headers = response.headers
    headers.pop("Content-Length", None)
    response.vary.add("Accept-Encoding")
    if response.status_code < 400:
        headers.setdefault(
            "Cache-Control",
            f"public, max-age={max_age}, stale-while-revalidate={2 * max_age},"
            f" stale-if-error={STALE_IF_ERROR}",
        )
    is_compressible = (
        response.mimetype in current_app.config["COMPRESS_MIMETYPES"]
        and len(body) >= current_app.config["COMPRESS_MIN_SIZE"]
    )
    return CachedResponse(
        key=key,
        version=version,
        status=response.status_code,
        headers=list(headers),
        # Of the content, not of the version: a page that a new version left as it was need not be sent again.
        digest=hashlib.sha256(body).hexdigest()[:20],
        bodies={"br": brotli.compress(body, quality=QUALITY)} if is_compressible else {"": body},
    )


def _respond(cache: ResponseCache, response: CachedResponse) -> Response:
    """The response to this request: 304 if the client has the content already, else the body in its best coding."""
    accepted = request.headers.get("Accept-Encoding", "")
    coding = _coding(accepted) if response.is_compressed else ""
    etag = f"{response.digest}-{coding}" if coding else response.digest
    headers = Headers(response.headers)
    headers["ETag"] = f'"{etag}"'
    # Looked up before it is parsed, since most requests have none.
    if "HTTP_IF_NONE_MATCH" in request.environ and request.if_none_match.contains_weak(etag):
        return Response(status=304, headers=headers)
    if coding:
        headers["Content-Encoding"] = coding
    body = cache.body(response, coding)
    headers["Content-Length"] = str(len(body))
    return Response([body], response.status, headers)


@lru_cache(256)  # browsers send a handful of different headers
def _coding(accepted: str) -> str:
    """The best of our content codings for an Accept-Encoding header (RFC 9110, 12.5.3); "" is none."""
    return parse_accept_header(accepted, Accept).best_match(("br", "gzip")) or ""


def _gzipped(plain: bytes) -> bytes:
    return gzip.compress(plain, QUALITY, mtime=0)
