"""The server between the site and its clients, over a raw socket: one thread, and more than one client."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from waitress import wasyncore
from waitress.server import create_server

from campaign.local.processes import wait_gone
from campaign.server import LAP_BYTES, LAP_SECONDS, NO_LIMIT, REQUEST_SECONDS, Connection
from tests.scripted_person import wait_for
from tests.small_site import FILE, small_site
from tests.stacks import descendants

HOST = "Host: localhost\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, int]]:
    """The port and pid of gunicorn with one process of one thread."""
    with small_site() as served:
        yield served


@pytest.fixture
def client(server: tuple[int, int]) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server[0]), timeout=20) as connection:
        yield connection


def answer(client: socket.socket, request: str = "") -> tuple[int, bytes, bytes]:
    """Send a request as written; return status, head and body of an answer whose length is told."""
    client.sendall(request.encode())
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(1)
    head = received.partition(b"\r\n\r\n")[0]
    length = re.search(rb"(?i)content-length: (\d+)", head)
    body = client.makefile("rb").read(int(length[1])) if length and "HEAD" not in request else b""
    return int(head.split()[1]), head, body


def is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:  # it had not read all that was sent
        return True


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Content-Length: 5\r\n Transfer-Encoding: chunked",
    ],
)
def test_a_request_whose_length_is_ambiguous_is_refused(client: socket.socket, lines: str) -> None:
    """Kind: two servers that see different requests in the same bytes (request smuggling)."""
    status, _, _ = answer(client, f"POST /length HTTP/1.1\r\n{HOST}{lines}\r\n\r\n0\r\n\r\n")
    assert status in {400, 501}
    assert is_closed(client)


def test_http_1_0_has_no_chunks(client: socket.socket) -> None:
    request = f"POST /length HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert answer(client, request)[0] == 400
    assert is_closed(client)


def test_no_header_with_an_underscore_is_believed(client: socket.socket) -> None:
    """Kind: two spellings that become the same variable (X_Forwarded_For and X-Forwarded-For)."""
    lines = "X_Forwarded_For: 203.0.113.7\r\nSCRIPT_NAME: //evil.example\r\n"
    _, _, body = answer(client, f"GET /headers HTTP/1.1\r\n{HOST}{lines}\r\n")
    assert b"203.0.113.7" not in body
    assert b"evil.example" not in body


def test_a_client_that_expects_to_be_told_to_go_on_is(client: socket.socket) -> None:
    head = f"POST /length HTTP/1.1\r\n{HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    assert answer(client, head)[0] == 100
    assert answer(client, "12345")[2] == b"5"


def test_chunks_are_put_together(client: socket.socket) -> None:
    request = f"POST /length HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n"
    assert answer(client, f"{request}3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")[2] == b"7"


@pytest.mark.parametrize("length", [2_000_000, 10**30])
def test_a_body_that_is_far_too_large_is_refused_by_its_head(
    client: socket.socket, length: int
) -> None:
    request = f"POST /length HTTP/1.1\r\n{HOST}Content-Length: {length}\r\n\r\n"
    assert answer(client, request)[0] == 413
    assert is_closed(client)


def test_a_head_that_is_far_too_large_is_refused(client: socket.socket) -> None:
    request = f"GET /headers HTTP/1.1\r\n{HOST}X-Long: {'x' * 70_000}\r\n\r\n"
    assert answer(client, request)[0] == 431
    assert is_closed(client)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [("GET /headers", 200), ("HEAD /headers", 200), ("HEAD /file", 200), ("GET /file", 200),
     ("GET /not-modified", 304), ("GET /nowhere", 404)],
)  # fmt: skip
def test_a_connection_serves_one_request_after_another(
    client: socket.socket, request_line: str, status: int
) -> None:
    for _ in range(3):
        assert answer(client, f"{request_line} HTTP/1.1\r\n{HOST}\r\n")[0] == status


def test_a_part_of_a_file_is_that_part(client: socket.socket) -> None:
    for first, last in ((0, 0), (5, 999_999), (9_999_990, 9_999_999)):
        request = f"GET /file HTTP/1.1\r\n{HOST}Range: bytes={first}-{last}\r\n\r\n"
        status, _, body = answer(client, request)
        assert (status, body) == (206, FILE[first : last + 1])


def test_the_server_says_nothing_of_itself(client: socket.socket) -> None:
    _, head, _ = answer(client, f"GET /headers HTTP/1.1\r\n{HOST}\r\n")
    assert not re.search(rb"(?i)server:|via:|gunicorn|waitress", head)


def test_an_answer_made_in_pieces_waits_for_no_reader(
    client: socket.socket, server: tuple[int, int]
) -> None:
    """Kind: a thread that waits until a client has taken its answer. There is one thread."""
    client.sendall(f"GET /long HTTP/1.1\r\n{HOST}\r\n".encode())
    assert client.recv(12) == b"HTTP/1.1 200"
    with socket.create_connection(("127.0.0.1", server[0]), timeout=20) as other:
        assert answer(other, f"GET /headers HTTP/1.1\r\n{HOST}\r\n")[0] == 200
    rest = client.makefile("rb").read()
    assert rest.count(b"x" * 1000) == 30_000
    assert rest.endswith(b"\r\n0\r\n\r\n")


def test_a_process_that_stops_answers_what_was_asked(
    client: socket.socket, server: tuple[int, int]
) -> None:
    """Also a request of which a part has come, on a connection that was kept."""
    (process,) = descendants(server[1])
    assert answer(client, f"GET /headers HTTP/1.1\r\n{HOST}\r\n")[0] == 200
    client.sendall(f"POST /length HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\n123".encode())
    os.kill(process.pid, signal.SIGTERM)
    status, head, body = answer(client, "45")
    assert (status, body) == (200, b"5")
    assert b"connection: close" in head.lower()
    assert is_closed(client)
    assert wait_gone([process], 10) == []


Step = Callable[[], Connection]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Step]]:
    """A client, and the server's end of its connection after another turn of the server's loop."""
    sockets: dict[int, wasyncore.dispatcher] = {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = create_server(
            lambda *_: [], map=sockets, sockets=[listener], outbuf_high_watermark=NO_LIMIT
        )
        server.channel_class = Connection

        def step() -> Connection:
            wasyncore.loop(timeout=0.05, map=sockets, count=1, use_poll=True)
            return next(iter(server.active_channels.values()), None)

        with socket.create_connection(listener.getsockname()) as client:
            wait_for(step, "the connection")
            yield client, step
        for connection in list(server.active_channels.values()):
            connection.handle_close()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)


def test_a_request_has_so_much_time_in_all(pair: tuple[socket.socket, Step]) -> None:
    client, step = pair
    client.sendall(b"POST /length HTTP/1.1\r\nContent-Length: 9\r\n\r\n1")
    connection = wait_for(lambda: (step().request and step()) or None, "the request")
    began = time.time()
    client.sendall(b"2")  # another byte does not make it longer
    wait_for(lambda: (step().request.body_bytes_received == 2) or None, "the byte")

    assert not connection.is_too_slow(began + REQUEST_SECONDS - 1, keep_alive=1)
    assert connection.is_too_slow(began + REQUEST_SECONDS + 1, keep_alive=999)


def test_a_connection_without_a_request_is_kept_for_a_while(
    pair: tuple[socket.socket, Step],
) -> None:
    connection = pair[1]()
    assert not connection.is_too_slow(time.time() + 14, keep_alive=15)
    assert connection.is_too_slow(time.time() + 16, keep_alive=15)


def fill_the_kernels_buffers(step: Step) -> None:
    before = -1
    while step().total_outbufs_len != before:
        before = step().total_outbufs_len


@pytest.mark.parametrize(("taken", "is_too_slow"), [(0, True), (LAP_BYTES, False)])
def test_an_answer_must_be_taken_at_some_pace(
    pair: tuple[socket.socket, Step], taken: int, is_too_slow: bool
) -> None:
    client, step = pair
    connection = step()
    connection.is_too_slow(now := time.time(), keep_alive=15)
    connection.write_soon(b"x" * 20_000_000)
    fill_the_kernels_buffers(step)
    assert not connection.is_too_slow(now + LAP_SECONDS + 1, keep_alive=15)  # the kernel took some

    left = connection.total_outbufs_len
    while left - connection.total_outbufs_len < taken:
        client.recv(65536)
        step()
    assert connection.is_too_slow(now + 2 * LAP_SECONDS + 2, keep_alive=15) == is_too_slow
