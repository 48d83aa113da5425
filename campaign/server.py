"""How the site talks to clients: waitress in each of gunicorn's processes.

gunicorn keeps the processes running. Its own threads would read and write at a client's pace, so that sixteen slow
clients stop the site. Here one loop reads whole requests and sends what is answered, and a thread is busy only
while it makes an answer.
"""

import logging
import os
import resource
import time
from collections.abc import Iterable
from types import FrameType
from typing import TYPE_CHECKING

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer, create_server
from waitress.task import WSGITask
from werkzeug.wsgi import _RangeWrapper

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_SECONDS = 30.0
"""The time for a whole request, from its first byte to its last; the largest form needs 9 kB a second.

An application that takes larger ones has its own in its configuration, like BODY_BYTES.
"""
LAP_SECONDS, LAP_BYTES = 60.0, 30_000
"""What a client has to take of an answer in such a time: half a kilobyte a second."""
LINGER_SECONDS = 2.0
"""How long a process that stops still takes requests that are on their way."""
HEAD_BYTES, BODY_BYTES = 64 * 1024, 1024 * 1024
"""What is read at all. Up to here, a body larger than MAX_CONTENT_LENGTH is refused by a page of ours."""
NO_LIMIT = 1 << 62


class StrictParser(HTTPRequestParser):
    """Refuses a request that another server on the way may read as two (RFC 9112, 5.2, 6.1 and 11.2)."""

    def parse_header(self, header_plus: bytes) -> None:
        if b"\n " in header_plus or b"\n\t" in header_plus:
            raise ParsingError("A header is folded")
        super().parse_header(header_plus)
        # Transfer-Encoding is still there only in HTTP/1.0, which does not have it.
        if "TRANSFER_ENCODING" in self.headers or (
            self.chunked and "CONTENT_LENGTH" in self.headers
        ):
            raise ParsingError("The length of the body is ambiguous")


class Answer(WSGITask):
    """The answer to one request."""

    def start(self) -> None:
        super().start()
        if self.channel.server.worker.is_last_request():
            self.set_close_on_finish()

    def build_response_header(self) -> bytes:
        """Keep the head until it can be sent together with the first part of the body."""
        self.channel.head = super().build_response_header()
        return b""

    def finish(self) -> None:
        super().finish()
        self.channel.send_head()  # there was no body

    def set_close_on_finish(self) -> None:
        """Close the connection after this answer, but not because a 204 or 304 has no length: it needs none."""
        if self.has_body or self.request.connection_close:
            super().set_close_on_finish()


class Connection(HTTPChannel):
    """A client's connection."""

    parser_class = StrictParser
    task_class = Answer
    head = b""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._request_at: float = self.creation_time
        self._lap_at: float = self.creation_time
        self._lap_bytes = 0

    def received(self, data: bytes) -> bool:
        """Read on, and note when a request begins."""
        earlier = self.request
        is_open: bool = super().received(data)
        if self.request is not earlier:
            self._request_at = time.time()
        return is_open

    def write_soon(self, data: bytes | ReadOnlyFileBasedBuffer) -> int:
        if self.head and isinstance(data, bytes):
            data, self.head = self.head + data, b""
        self.send_head()
        written: int = super().write_soon(data)
        return written

    def send_head(self) -> None:
        """Send the head that was kept, if it was not sent with a body."""
        if self.head:
            head, self.head = self.head, b""
            super().write_soon(head)

    def send(self, data: bytes, do_close: bool = True) -> int:
        sent: int = super().send(data, do_close)
        self._lap_bytes += sent
        return sent

    def is_idle(self) -> bool:
        return not (self.request or self.requests or self.total_outbufs_len)

    def is_too_slow(self, now: float, keep_alive: float) -> bool:
        """Whether to close it; to be called about once a second."""
        if self.request:
            longest: float = getattr(self.server, "request_seconds", REQUEST_SECONDS)
            return now - self._request_at > longest
        if self.total_outbufs_len:
            return self._takes_too_little(now)
        self._lap_at, self._lap_bytes = now, 0
        idle_seconds: float = now - self.last_activity
        return self.is_idle() and idle_seconds > keep_alive

    def _takes_too_little(self, now: float) -> bool:
        if now - self._lap_at < LAP_SECONDS:
            return False
        taken = self._lap_bytes
        self._lap_at, self._lap_bytes = now, 0
        return taken < LAP_BYTES


class BufferingWorker(Worker):
    """A process of the site."""

    _looked_at = 0.0

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.request_seconds = self._configured("REQUEST_SECONDS", REQUEST_SECONDS)
        self.body_bytes = int(self._configured("BODY_BYTES", BODY_BYTES))
        self._server = listen(self)

    def _configured(self, name: str, default: float) -> float:
        """Return a value of the application's own configuration, if it has one."""
        value: float = getattr(self.wsgi, "config", {}).get(name, default)
        return value

    def run(self) -> None:
        """Serve until a signal, the death of gunicorn or the number of requests ends it; finish what has begun."""
        _open_many_files()
        while self.alive and self.ppid == os.getppid():
            self._step()
        self._server.accepting = False
        stopped_at = time.time()
        while self._has_work(time.time() - stopped_at):
            self._step()

    def is_last_request(self) -> bool:
        """Count a request; return whether the process ends, so that its connection has to."""
        self.nr += 1
        if self.nr >= self.max_requests:
            self.alive = False
        return not self.alive

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self.booted:
            self._server.pull_trigger()  # ends the wait for clients

    def _step(self) -> None:
        """Serve what comes within a second."""
        wasyncore.loop(timeout=1, use_poll=True, map=self._server._map, count=1)
        if (now := time.time()) >= self._looked_at + 1:
            self._looked_at = now
            self.notify()
            self._close_slow(now)

    def _close_slow(self, now: float) -> None:
        for connection in self._server.active_channels.values():
            if connection.is_too_slow(now, self.cfg.keepalive):
                connection.will_close = True

    def _has_work(self, seconds: float) -> bool:
        """Whether someone may wait for an answer, so many seconds after the end began."""
        connections = self._server.active_channels.values()
        if seconds < LINGER_SECONDS:
            return bool(connections)
        return seconds < self.cfg.graceful_timeout and not all(
            connection.is_idle() for connection in connections
        )


def listen(worker: BufferingWorker) -> TcpWSGIServer:
    """Return waitress, ready to serve the worker's application on its socket."""
    logging.getLogger("waitress").setLevel(
        logging.ERROR
    )  # not a line for every client that waits or leaves
    (listener,) = worker.sockets
    server = create_server(
        sending_files(worker.wsgi),
        sockets=[listener.sock],
        threads=worker.cfg.threads,
        backlog=worker.cfg.backlog,
        connection_limit=worker.cfg.worker_connections,
        max_request_header_size=HEAD_BYTES,
        max_request_body_size=worker.body_bytes,
        # A thread never waits for a client: of an answer, what is more than a megabyte waits in a temporary file.
        outbuf_high_watermark=NO_LIMIT,
        channel_timeout=NO_LIMIT,  # a connection knows better
        clear_untrusted_proxy_headers=False,  # ProxyFix says which of them count
        log_socket_errors=False,
        ident=None,
    )
    server.channel_class, server.worker = Connection, worker
    server.request_seconds = worker.request_seconds
    return server


def sending_files(app: "WSGIApplication") -> "WSGIApplication":
    """Have parts of files sent like whole ones: from the file, not by way of a temporary copy."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        body: Iterable[bytes] = app(environ, start_response)
        if isinstance(body, _RangeWrapper) and isinstance(body.iterable, ReadOnlyFileBasedBuffer):
            body.iterable.seek(body.start_byte)
            body = body.iterable  # as much of it as Content-Length says
        return body

    return answer


def _open_many_files() -> None:
    """Raise the process's limit of open files, which is often 1,024, as far as the system lets it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
