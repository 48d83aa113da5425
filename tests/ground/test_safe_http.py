"""Posting to addresses of others: only to the open Internet, and never further than asked."""

import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import pytest

from campaign import safe_http as out
from campaign.safe_http import InvalidUrl, Outbound, PrivateAddress, is_public, parse_url
from tests.partners.conftest import partner

__all__ = ["partner"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:7f00:1::1",
        "::8.8.8.8",
        "fec0::1",
    ],
)
def test_addresses_that_are_not_on_the_open_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_that_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_nothing_is_posted_into_our_own_network(partner, name):
    url = partner.url.replace("127.0.0.1", name)

    with Outbound(may_be_private=False) as outbound, pytest.raises(PrivateAddress):
        outbound.post(url, b"{}", {})

    assert partner.got == []


def test_a_name_that_changes_its_mind_gains_nothing(partner, monkeypatch):
    """What was looked at is what is connected to, so the second answer of the DNS is never asked for."""
    asked, really = [], socket.getaddrinfo

    def resolve(host, port, *more, **named):
        if host != "hooks.example.org":
            return really(host, port, *more, **named)
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with Outbound(may_be_private=True) as outbound:
        status = outbound.post(partner.url.replace("127.0.0.1", "hooks.example.org"), b"{}", {})

    assert (status, len(asked)) == (204, 1)
    assert partner.got[0][0]["host"].startswith("hooks.example.org:")


@pytest.fixture
def secure_port(tmp_path, monkeypatch):
    """A server with a certificate of its own for hooks.example.org; all names of example.org lead to it."""
    if not shutil.which("openssl"):
        pytest.skip("makes its certificate with openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x"
    )
    name = "subjectAltName=DNS:hooks.example.org"
    files = ["-addext", name, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    really = socket.getaddrinfo

    def resolve(host, *more, **named):
        return really("127.0.0.1" if host.endswith("example.org") else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(204)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_certificate_must_be_that_of_the_name(secure_port):
    with Outbound(may_be_private=True) as outbound:
        assert outbound.post(f"https://hooks.example.org:{secure_port}/", b"{}", {}) == 204
        with pytest.raises(httpx.ConnectError, match="certificate is not valid"):
            outbound.post(f"https://other.example.org:{secure_port}/", b"{}", {})


def test_a_redirect_is_an_answer_and_not_followed(partner):
    partner.answers, partner.location = [302], partner.url

    with Outbound(may_be_private=True) as outbound:
        assert outbound.post(partner.url, b"{}", {}) == 302

    assert len(partner.got) == 1


def test_an_endless_answer_is_not_read():
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def pour() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b"x" * 65536)
                except OSError:
                    pass

        thread = threading.Thread(target=pour)
        thread.start()
        with Outbound(may_be_private=True) as outbound:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
            assert outbound.post(url, b"{}", {}) == 200
        thread.join(10)
        assert not thread.is_alive()


def test_an_answer_that_drips_is_not_waited_for(monkeypatch):
    """Each byte comes in time, and the header never ends."""
    monkeypatch.setattr(out, "TOTAL_TIMEOUT", 0.3)
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                for _ in range(300):
                    connection.sendall(b"x")
                    stopping.wait(0.01)

        thread = threading.Thread(target=drip)
        thread.start()
        with Outbound(may_be_private=True) as outbound, pytest.raises(TimeoutError):
            outbound.post(f"http://127.0.0.1:{listening.getsockname()[1]}/", b"{}", {})
        stopping.set()
        thread.join(10)


def test_an_address_that_swallows_everything_is_passed_over(partner, monkeypatch):
    """As IPv6 does where a firewall drops it: the name has another address, which answers."""
    monkeypatch.setattr(out, "TIMEOUT", httpx.Timeout(5.0, connect=0.2))
    port, really = urlsplit(partner.url).port, socket.getaddrinfo

    def resolve(host, *more, **named):
        hosts = ["127.0.0.2", "127.0.0.1"] if host == "hooks.example.org" else [host]
        return [found for one in hosts for found in really(one, *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with ExitStack() as sockets:
        full = sockets.enter_context(socket.create_server(("127.0.0.2", port), backlog=0))
        for _ in range(2):  # nobody accepts them, so that there is no room for a third
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())

        with Outbound(may_be_private=True) as outbound:
            status = outbound.post(f"http://hooks.example.org:{port}/", b"{}", {})

    assert (status, len(partner.got)) == (204, 1)


def test_a_server_that_is_away_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with Outbound(may_be_private=True) as outbound, pytest.raises(httpx.ConnectError):
        outbound.post(f"http://127.0.0.1:{port}/", b"{}", {})


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        ("https://hooks.uni.ac.ke/a?b=c", "https://hooks.uni.ac.ke/a?b=c"),
        (" https://Hooks.Uni.ac.ke ", "https://hooks.uni.ac.ke/"),
        ("https://münchen.example:8443/x", "https://xn--mnchen-3ya.example:8443/x"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
    ],
)
def test_an_address_is_kept_as_it_is_called(typed, parsed):
    assert parse_url(typed) == parsed


@pytest.mark.parametrize(
    "typed",
    [
        "http://hooks.uni.ac.ke/",
        "ftp://hooks.uni.ac.ke/",
        "hooks.uni.ac.ke",
        "https://user:word@hooks.uni.ac.ke/",
        "https://hooks.uni.ac.ke/#part",
        "https://hooks.uni.ac.ke:99999/",
        "https://hooks.uni.ac.ke/a b",
        "https://",
        "https://-x-/",
        "https://[::1",
        "https://x.org/" + "a" * 2000,
        "",
    ],
)
def test_what_is_no_address_to_post_to_is_refused(typed):
    with pytest.raises(InvalidUrl):
        parse_url(typed)
