"""Finished answers, kept until a number in them changes: one computation per version, however many ask.

What a public page shows follows from its address, its language and the version of the tallies. So a process keeps
the finished answer, compressed, and looks at most once a second whether there is a newer version: the usual request
costs no statement and no template (RFC 9111; RFC 5861 for what others on the way may do with it).
"""

import gzip
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

import brotli
from flask import Flask, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import Accept, Headers, ImmutableMultiDict
from werkzeug.http import parse_accept_header

from campaign import i18n
from campaign.campaigns.queries import newest_text_id
from campaign.db import db
from campaign.http.access import View
from campaign.pledges.queries import has_demo
from campaign.tallies.queries import newest_version

MAX_BYTES = 64_000_000  # in each process
MAX_BYTES_OF_ONE = 4_000_000
ENTRY_BYTES = 2_000  # headers and what Python needs for one, measured generously
# Names of institutions change without any tally.
LONGEST_SECONDS = 600
VERSION_SECONDS = 1.0
MAX_AGE = 5
STALE_IF_ERROR = 86_400
# While pledges come in, an answer may be one fold behind; who asks later must not see whom it showed long ago.
SUPERSEDED_SECONDS = 60.0
# Made once and sent often, so worth more effort than the compression of pages that are sent once.
QUALITY = 6

Key = tuple[str, str, tuple[str | None, ...]]
Version = tuple[int, int, bool]

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Answer:
    """A finished answer in the content codings that were asked for; "" is none."""

    key: Key
    version: Version
    status: int
    headers: list[tuple[str, str]]
    digest: str
    bodies: dict[str, bytes]
    made_at: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        path, _, values = self.key
        asked = len(path) + sum(len(value) for value in values if value)
        return ENTRY_BYTES + asked + sum(map(len, self.bodies.values()))

    @property
    def age(self) -> float:
        return time.monotonic() - self.made_at

    def is_current(self, version: Version) -> bool:
        return self.version == version and self.age < LONGEST_SECONDS

    @property
    def is_compressed(self) -> bool:
        return "br" in self.bodies


class Answers:
    """The answers that a process keeps; the ones used longest ago go first."""

    def __init__(self, max_bytes: int = MAX_BYTES, always_ask: bool = False) -> None:
        self.bytes = 0
        self._max_bytes = max_bytes
        self._always_ask = always_ask
        self._kept: OrderedDict[Key, Answer] = OrderedDict()
        self._making: WeakValueDictionary[Key, Lock] = WeakValueDictionary()
        self._lock = Lock()
        self._version: Version | None = None
        self._ask_at = 0.0
        self._asking = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self.bytes = 0

    def get(self, key: Key, make: Callable[[Version], Answer]) -> Answer:
        """The answer under this key, made if need be, by one thread while the others wait.

        They get the one before where that is no older than ``SUPERSEDED_SECONDS``.
        """
        version = self._current_version()
        if (answer := self._find(key)) and answer.is_current(version):
            return answer
        is_recent = answer is not None and answer.age < SUPERSEDED_SECONDS
        with self._turn(key, may_pass=is_recent) as has_turn:
            if answer and not has_turn:
                return answer
            if (answer := self._find(key)) and answer.is_current(version):
                return answer
            return self._keep(make(version))

    def body(self, answer: Answer, coding: str) -> bytes:
        """The answer's body in a coding, made from the compressed one and kept with it."""
        if coding not in answer.bodies:
            plain = brotli.decompress(answer.bodies["br"])
            made = _gzipped(plain) if coding == "gzip" else plain
            with self._lock:
                before = answer.size
                answer.bodies[coding] = made
                if self._kept.get(answer.key) is answer:
                    self.bytes += answer.size - before
                    self._shrink()
        return answer.bodies[coding]

    def _find(self, key: Key) -> Answer | None:
        with self._lock:
            if answer := self._kept.get(key):
                self._kept.move_to_end(key)
            return answer

    @contextmanager
    def _turn(self, key: Key, *, may_pass: bool) -> Iterator[bool]:
        with self._lock:
            lock = self._making.setdefault(key, Lock())
        has_turn = lock.acquire(blocking=not may_pass)
        try:
            yield has_turn
        finally:
            if has_turn:
                lock.release()

    def _keep(self, answer: Answer) -> Answer:
        if answer.status < 400 and answer.size <= MAX_BYTES_OF_ONE:
            with self._lock:
                if before := self._kept.pop(answer.key, None):
                    self.bytes -= before.size
                self._kept[answer.key] = answer
                self.bytes += answer.size
                self._shrink()
        return answer

    def _shrink(self) -> None:
        while self.bytes > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= oldest.size

    def _current_version(self) -> Version:
        """Asked for once a second by one thread; the others go on with what is known."""
        version = self._version
        if version is None or self._always_ask:
            self._version = version = version_now()
        elif time.monotonic() >= self._ask_at and self._asking.acquire(blocking=False):
            try:
                self._version = version = version_now()
            except SQLAlchemyError:  # what is known goes on being shown while the database is away
                db.session.rollback()
                log.exception("could not ask for the version of the tallies")
            finally:
                self._ask_at = time.monotonic() + VERSION_SECONDS
                self._asking.release()
        return version


def init_app(app: Flask) -> None:
    app.extensions["answers"] = Answers(always_ask=app.config["TESTING"])


def by_tally(*parameters: str, max_age: int = MAX_AGE) -> Callable[[View], View]:
    """Keep a view's finished answers until the tallies change.

    The view may depend on nothing but its path, the language and these query parameters, of which it sees the first
    value each; all others are hidden from it, so that nobody can fill the memory with them. Browsers and caches
    on the way may use an answer for ``max_age`` seconds, and twice as long again while they ask for a newer one.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def kept(*args: Any, **kwargs: Any) -> Response:
            answers: Answers = current_app.extensions["answers"]
            values = tuple(map(request.args.get, parameters)) if parameters else ()
            key = (request.path, i18n.current(), values)

            def make(version: Version) -> Answer:
                request.args = ImmutableMultiDict(
                    (name, value)
                    for name, value in zip(parameters, values, strict=True)
                    if value is not None
                )
                response = current_app.make_response(view(*args, **kwargs))
                return _finished(response, key, version, max_age)

            return _respond(answers, answers.get(key, make))

        return kept  # type: ignore[return-value]

    return decorate


def version_now() -> Version:
    """What all public numbers and names stand for at this moment: it rises with any of them."""
    return newest_version(), newest_text_id(), has_demo()


def _finished(response: Response, key: Key, version: Version, max_age: int) -> Answer:
    response.direct_passthrough = False  # a file is read here and now
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
    is_worth_it = (
        response.mimetype in current_app.config["COMPRESS_MIMETYPES"]
        and len(body) >= current_app.config["COMPRESS_MIN_SIZE"]
    )
    return Answer(
        key=key,
        version=version,
        status=response.status_code,
        headers=list(headers),
        # Of the content, not of the version: what did not change need not be sent again.
        digest=hashlib.sha256(body).hexdigest()[:20],
        bodies={"br": brotli.compress(body, quality=QUALITY)} if is_worth_it else {"": body},
    )


def _respond(answers: Answers, answer: Answer) -> Response:
    coding = _coding(request.headers.get("Accept-Encoding", "")) if answer.is_compressed else ""
    etag = f"{answer.digest}-{coding}" if coding else answer.digest
    headers = Headers(answer.headers)
    headers["ETag"] = f'"{etag}"'
    if "HTTP_IF_NONE_MATCH" in request.environ and request.if_none_match.contains_weak(etag):
        return Response(status=304, headers=headers)
    if coding:
        headers["Content-Encoding"] = coding
    body = answers.body(answer, coding)
    headers["Content-Length"] = str(len(body))
    return Response([body], answer.status, headers)


@lru_cache(256)  # browsers send a handful of different ones
def _coding(accepted: str) -> str:
    """The best of our content codings for an Accept-Encoding header (RFC 9110, 12.5.3); "" is none."""
    return parse_accept_header(accepted, Accept).best_match(("br", "gzip")) or ""


def _gzipped(plain: bytes) -> bytes:
    return gzip.compress(plain, QUALITY, mtime=0)
