"""The proxies of docs/operators.md, configured as it says: what they tell the site is true, whatever a client says.

Only ports, names and certificates are replaced. A proxy that is not installed is skipped.
"""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

from campaign.local.supervisor import listening
from tests.scripted_person import wait_for
from tests.small_site import small_site

OPERATORS = Path(__file__).resolve().parents[2] / "docs/operators.md"
SLOW = 64
EVIL = "evil.example"
FORGED = (
    "X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 203.0.113.8", "X_Forwarded_For: 203.0.113.9",
    f"X-Forwarded-Host: {EVIL}", "X-Forwarded-Proto: http", "X-Forwarded-Port: 80", "X-Real-Ip: 203.0.113.7",
    f"Forwarded: for=203.0.113.7;host={EVIL};proto=http", "X-Forwarded-Prefix: /evil", "SCRIPT_NAME: /evil",
    f"X_Forwarded_Host: {EVIL}", "Client-Ip: 203.0.113.7", "Via: 1.1 evil", "X-Forwarded-Server: evil",
)  # fmt: skip
Command = list[str | Path]


@cache
def block(language: str) -> str:
    """The configuration of docs/operators.md in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", OPERATORS.read_text("utf-8"), re.M | re.S)
    return str(found)


def nginx(config: str, folder: Path) -> Command:
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    rest = f"pid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{config}}}\n"
    (folder / "nginx.conf").write_text(rest)
    return ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-g", "daemon off;"]


def caddy(config: str, folder: Path) -> Command:
    config = config.replace("{\n", "{\n admin off\n auto_https off\n", 1)
    config = re.sub(
        r"^(localhost:\d+) \{$",
        rf"https://\1 {{\n tls {folder}/pem {folder}/pem",
        config,
        flags=re.M,
    )
    (folder / "Caddyfile").write_text(config)
    return ["caddy", "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]


def haproxy(config: str, folder: Path) -> Command:
    (folder / "haproxy.cfg").write_text(config)
    return ["haproxy", "-db", "-f", folder / "haproxy.cfg"]


def apache2(config: str, folder: Path) -> Command:
    modules = Path("/usr/lib/apache2/modules")
    names = (
        "mpm_event", "authz_core", "ssl", "headers", "reqtimeout", "buffer", "proxy", "proxy_http",
    )  # fmt: skip
    loaded = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in names)
    port = re.findall(r"<VirtualHost \*:(\d+)>", config)[0]
    (folder / "apache.conf").write_text(
        f"{loaded}ServerRoot {folder}\nPidFile {folder}/pid\nDefaultRuntimeDir {folder}\n"
        f"ErrorLog /dev/stderr\nServerName localhost\nListen {port}\n{config}"
    )
    return ["apache2", "-f", folder / "apache.conf", "-DFOREGROUND"]


PROXIES: Mapping[str, Callable[[str, Path], Command]] = {
    "nginx": nginx, "caddy": caddy, "haproxy": haproxy, "apache": apache2,
}  # fmt: skip


# How long a body may be for a proxy to read it whole before it passes it on. Caddy passes it on as it comes.
BUFFERED = {"nginx": 500_000, "apache": 500_000, "haproxy": 12_000}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate for localhost, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", folder / "key", "-out", folder / "chain"]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    (folder / "pem").write_bytes((folder / "chain").read_bytes() + (folder / "key").read_bytes())
    return folder / "pem"


Start = Callable[[int], int]


@pytest.fixture(params=PROXIES)
def start(request: pytest.FixtureRequest, tmp_path: Path, certificate: Path) -> Iterator[Start]:
    """Start the proxy before a server at this port, and return its own."""
    write = PROXIES[request.param]
    if not shutil.which(write.__name__):
        pytest.skip(f"{request.param} is not installed")
    shutil.copy(certificate, tmp_path / "pem")
    with ExitStack() as afterwards:
        yield lambda backend: afterwards.enter_context(
            running(write, block(request.param), tmp_path, backend)
        )


@contextmanager
def running(
    write: Callable[[str, Path], Command], config: str, folder: Path, backend: int
) -> Iterator[int]:
    with socket.create_server(("", 0)) as free:  # on all addresses, as the proxies listen
        port = free.getsockname()[1]
    config = config.replace("/etc/ssl/example.org.pem", str(folder / "pem"))
    config = config.replace("127.0.0.1:8000", f"127.0.0.1:{backend}")
    config = config.replace("example.org {", f"localhost:{port} {{").replace(
        "example.org", "localhost"
    )
    config = re.sub(r"(?<=listen )443|(?<=[ *]:)443|(?<=\*:)443", str(port), config)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            write(config, folder), stdout=log, stderr=log, start_new_session=True,
            env=os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        )  # fmt: skip
        try:
            wait_for(lambda: starts(process, folder / "log") and (listening(port) or None), "it")
            yield port
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def starts(process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    return True


@contextmanager
def visitor(port: int) -> Iterator[ssl.SSLSocket]:
    """A connection from another address of this machine than the proxy's."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 20, source_address=("127.0.0.2", 0)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        yield connection


def ask(port: int, path: str, *headers: str) -> str:
    """The body of an answer."""
    with visitor(port) as connection:
        lines = (f"GET {path} HTTP/1.1", f"Host: localhost:{port}", "Connection: close", *headers)
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 200"), answer
    return answer.partition("\r\n\r\n")[2]


def post(port: int, length: int) -> str:
    return (
        f"POST /length HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: {length}\r\n\r\nname="
    )


def is_refused(port: int, length: int) -> bool:
    """Whether a body is answered by 413, or the connection is closed without reading it.

    Of Caddy it may be a 502, where the site refused the body before Caddy did.
    """
    try:
        with visitor(port) as connection:
            connection.sendall(post(port, length).encode() + b"x" * length)
            return connection.recv(12) in {b"HTTP/1.1 413", b"HTTP/1.1 502"}
    except (ConnectionError, ssl.SSLError):
        return True


def test_the_site_learns_the_truth_through_a_proxy(start: Start) -> None:
    """Also with 64 slow bodies at the same time; what is too large is refused."""
    with small_site() as (backend, _), ExitStack() as clients:
        port = start(backend)
        for _ in range(SLOW):
            clients.enter_context(visitor(port)).sendall(post(port, 10_000).encode())
        for forged in ((), FORGED):
            seen = json.loads(ask(port, "/client", *forged))
            assert seen == {"address": "127.0.0.2", "url": f"https://localhost:{port}/client"}
        assert is_refused(port, 2_000_000)


@pytest.mark.parametrize("start", BUFFERED, indirect=True)
def test_a_body_that_is_not_complete_does_not_reach_the_site(
    start: Start, request: pytest.FixtureRequest
) -> None:
    length = BUFFERED[request.node.callspec.params["start"]]
    with socket.create_server(("127.0.0.1", 0)) as site:
        port = start(site.getsockname()[1])
        with visitor(port) as slow:
            slow.sendall(post(port, length).encode() + b"x" * (length - 100))
            with visitor(port) as fast:
                fast.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
                with site.accept()[0] as first:
                    assert first.recv(3) == b"GET"
