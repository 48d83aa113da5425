"""`make audit` finds a vulnerability in what is locked, and calls nothing clean that it could not ask about."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests import advisories
from tests.ports import free_port

DIGEST = "--hash=sha256:" + 64 * "0"
ADVISORY = {
    "id": "GHSA-test",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "flask"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9.9"}]}],
        }
    ],
}


class Advisories(BaseHTTPRequestHandler):
    """Answers as osv.dev does, whose only advisory is about Flask."""

    asked: set[str]

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = question["package"]["name"]
        self.asked.add(name)
        answer = json.dumps({"vulns": [ADVISORY]} if name == "flask" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: object) -> None:
        """Keeps the output of the tests clean."""


@contextmanager
def serving() -> Iterator[tuple[str, set[str]]]:
    """The options that lead pip-audit to these advisories, and the names that it asks for."""
    handler = type("Handler", (Advisories,), {"asked": set()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"--osv-url=http://127.0.0.1:{server.server_port}", handler.asked
        server.shutdown()


def test_a_known_vulnerability_fails_and_every_locked_package_is_asked_for() -> None:
    with serving() as (url, asked):
        status, lines = advisories.verdict(advisories.audit(advisories.LOCKS, "-s", "osv", url))

    assert status == 1
    assert re.fullmatch(r"flask \S+: GHSA-test, fixed in 9\.9\.9", lines[0])
    locked = set(
        re.findall(r"^([a-z0-9.-]+)==[^;]*$", (advisories.LOCKS[1]).read_text("utf-8"), re.M)
    )
    assert locked - asked == set()


def test_without_a_vulnerability_it_says_how_many_were_audited(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text(f"click==8.3.0 {DIGEST}\n")

    with serving() as (url, _):
        packages = advisories.audit([lock], "-s", "osv", url)

    assert advisories.verdict(packages) == (
        0,
        ["advisories: 1 packages audited, no known vulnerabilities"],
    )


def test_where_nobody_answers_it_raises(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text(f"click==8.3.0 {DIGEST}\n")

    with pytest.raises(advisories.NotReached, match="refused"):
        advisories.audit([lock], "-s", "osv", f"--osv-url=http://127.0.0.1:{free_port()}")


def test_a_mirror_without_advisories_makes_nothing_clean() -> None:
    """It answers 404 to everything; pip-audit then says that it found no known vulnerabilities."""
    packages = [advisories.Package(name="flask", skip_reason="not found")]

    assert advisories.verdict(packages) == (0, [advisories.NOT_AUDITED])


def test_packages_that_no_advisories_know_are_named() -> None:
    clean = advisories.Package(name="click", version="8.3.0", vulns=[])
    unknown = advisories.Package(name="our-own", skip_reason="not found")

    status, lines = advisories.verdict([clean, unknown])

    assert status == 0
    assert lines[0] == "NOT AUDITED, since no advisories know them: our-own"
