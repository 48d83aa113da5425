"""Slow clients keep only themselves waiting: eight times as many as there are threads, and pages still answer."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from campaign.config import Settings
from tests.scripted_person import fetch

SLOW = 64
FORM = "/en/campaigns/heart-of-science/pledge/"
BIG = 64_000_000
"""Bytes of a download: far more than the kernel keeps for a client that does not read."""


@contextmanager
def connected(port: int, start: str, count: int = SLOW) -> Iterator[list[socket.socket]]:
    """Clients that have sent the start of a request, and take little of an answer."""
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.socket()) for _ in range(count)]
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(10)
            client.connect(("127.0.0.1", port))
            client.sendall(start.replace("\n", "\r\n").encode())
        yield clients


@contextmanager
def dripping(clients: Sequence[socket.socket]) -> Iterator[None]:
    """Another byte from each client ten times a second."""
    enough = Event()

    def drip() -> None:
        while not enough.wait(0.1):
            for client in clients:
                client.sendall(b"x")

    thread = Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def assert_pages_answer(port: int) -> None:
    for path in ("/health", "/en/", FORM, "/en/numbers/") * 3:
        fetch(f"http://localhost:{port}{path}")  # within 20 s, or it raises


def test_slow_heads_and_bodies_stop_no_page(port: int) -> None:
    """Kind: a thread that waits for the rest of a request (Slowloris, R-U-Dead-Yet)."""
    head = f"GET /en/ HTTP/1.1\nHost: localhost:{port}\nX-Slow: "
    body = f"POST {FORM} HTTP/1.1\nHost: localhost:{port}\nContent-Length: 100000\n\nname="
    with connected(port, head) as heads, connected(port, body) as bodies, dripping(heads + bodies):
        assert_pages_answer(port)


def test_a_slow_body_in_chunks_stops_no_page(port: int) -> None:
    """Kind: a thread that waits for the rest of a request, whose length nobody told."""
    start = f"POST {FORM} HTTP/1.1\nHost: localhost:{port}\nTransfer-Encoding: chunked\n\nFFFF\nx"
    with connected(port, start) as clients, dripping(clients):
        assert_pages_answer(port)


@pytest.fixture
def download(settings: Settings) -> Iterator[str]:
    """The address of a large file of the newest dataset."""
    folder = Path(settings.data_folder) / "2999-12-31"
    folder.mkdir()
    file = folder / "pledges.csv"
    with file.open("wb") as sparse:
        sparse.truncate(BIG)
    yield "/data/pledges.csv"
    file.unlink()
    folder.rmdir()


@pytest.mark.parametrize("part", ["", "Range: bytes=1000-\n"])
def test_slow_readers_of_a_download_stop_no_page(port: int, download: str, part: str) -> None:
    """Kind: a thread that waits until a client has taken its answer (slow read)."""
    request = f"GET {download} HTTP/1.1\nHost: localhost:{port}\n{part}\n"
    with connected(port, request) as clients:
        for client in clients:
            assert client.recv(12) in {b"HTTP/1.1 200", b"HTTP/1.1 206"}
        assert_pages_answer(port)
