"""A server to measure, and a client that costs little: raw requests over kept connections."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from campaign.app import create_site
from campaign.catalogues import compile_catalogues
from campaign.cli.running import gunicorn
from campaign.config import Settings
from campaign.local.postgres import EmbeddedPostgres
from campaign.local.supervisor import answers
from campaign.paths import TRANSLATIONS
from tests.factories import prepare
from tests.ports import free_port

SECRET = "a secret of the benchmarks, long enough for it"
CONNECTIONS = 16


@contextmanager
def database() -> Iterator[Settings]:
    """Settings for a migrated database that is as careful about power cuts as a real one."""
    compile_catalogues(TRANSLATIONS)
    with (
        tempfile.TemporaryDirectory(prefix="lightup-bench-") as folder,
        EmbeddedPostgres(Path(folder)) as server,
    ):
        settings = Settings(
            database_url=server.url, secret_key=SECRET, trusted_proxies=1, testing=False
        )
        with create_site(settings).app_context():
            prepare()
        yield settings


@contextmanager
def site(settings: Settings) -> Iterator[int]:
    """The site as `lightup web` starts it; yields its port."""
    port = free_port()
    environment = {
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "TRUSTED_PROXIES": "1",
    }
    server = subprocess.Popen(
        gunicorn("tests.benchmarks.server:app", f"127.0.0.1:{port}", settings),
        env=os.environ | environment,
        start_new_session=True,
    )
    try:
        while not answers(f"http://127.0.0.1:{port}/health"):
            time.sleep(0.05)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n".encode()


def post(path: str, fields: Mapping[str, str], network: int) -> bytes:
    """A form as a browser behind a proxy sends it, from one of many networks."""
    body = urlencode(fields).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
        f"X-Forwarded-For: 10.{network >> 16 & 255}.{network >> 8 & 255}.{network & 255}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def requests_per_second(port: int, requests: Sequence[bytes], expected: bytes) -> float:
    """Send all requests over CONNECTIONS kept connections; every answer must have the expected status."""
    shares = [requests[start::CONNECTIONS] for start in range(CONNECTIONS)]
    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for _ in pool.map(lambda share: _send_all(port, share, expected), shares):
            pass
    return len(requests) / (time.perf_counter() - started)


def _send_all(port: int, requests: Sequence[bytes], expected: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            connection.sendall(request)
            answer = _receive(connection)
            assert answer.startswith(b"HTTP/1.1 " + expected), answer[:2000]


def _receive(connection: socket.socket) -> bytes:
    """One answer with its body, whose length is always told."""
    answer = connection.recv(65536)
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += connection.recv(65536)
    head = answer[:end].lower()
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    while len(answer) < end + 4 + length:
        answer += connection.recv(65536)
    return answer
