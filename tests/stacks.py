"""The one-command stack as a newcomer runs it: in a folder of its own, to be used and killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from campaign.config import local_keys
from campaign.local.postgres import EmbeddedPostgres
from campaign.local.processes import Process, all_processes
from campaign.pledges.emails import FORM, FORM_LIFETIME
from campaign.tokens import Signer
from tests.ports import free_ports
from tests.scripted_person import CAMPAIGN, fetch, hidden, wait_for

ROOT = Path(__file__).parents[1]
LIGHTUP = [sys.executable, "-m", "campaign.main"]
SERVERS = {
    "DATABASE_URL",
    "BROKER_URL",
    "SMTP_URL",
    "SECRET_KEY",
    "HASH_KEY",
    "SITE_URL",
    "DESK_URL",
    "LIMITER_URL",
}


@dataclass(frozen=True)
class Ports:
    """Where the servers of one stack listen."""

    site: int
    desk: int
    mail: int
    mailbox: int


class Stack:
    """`lightup up` in `folder`; `settings` are environment variables for all of it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.ports = Ports(*free_ports(4))
        inherited = {name: value for name, value in os.environ.items() if name not in SERVERS}
        self._environment = inherited | settings
        self._log = folder.with_suffix(".log")

    @property
    def site(self) -> str:
        return f"http://localhost:{self.ports.site}"

    @property
    def desk(self) -> str:
        return f"http://localhost:{self.ports.desk}"

    @property
    def mailbox(self) -> str:
        return f"http://localhost:{self.ports.mailbox}"

    def start(self, *options: str) -> None:
        """Run `lightup up` in the background; what was printed before is forgotten."""
        places = (
            ("folder", self.folder),
            ("port", self.ports.site),
            ("desk-port", self.ports.desk),
            ("mail-port", self.ports.mail),
        )
        words = [
            f"--{name}={value}" for name, value in (*places, ("mailbox-port", self.ports.mailbox))
        ]
        with self._log.open("wb") as log:
            self.supervisor = subprocess.Popen(
                [*LIGHTUP, "up", *words, *options],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self, seconds: float = 120) -> None:
        """Wait for the addresses that it prints when all of it works. Raises AssertionError with its output."""

        def is_ready() -> bool | None:
            assert self.supervisor.poll() is None, self.output()
            return "Ctrl-C stops everything" in self.output() or None

        wait_for(is_ready, f"the stack:\n{self.output()}", seconds)

    def output(self) -> str:
        """What was printed since the start."""
        return self._log.read_text(errors="replace")

    def press_ctrl_c(self) -> int:
        """What a terminal does: SIGINT to the whole foreground process group. Returns the exit code."""
        os.killpg(self.supervisor.pid, signal.SIGINT)
        return self.supervisor.wait(60)

    def stop(self) -> None:
        """End it, whatever became of it; what is deaf dies with the supervisor."""
        try:
            if self.supervisor.poll() is None:
                self.press_ctrl_c()
        finally:
            self.supervisor.kill()

    def child(self, name: str) -> Process | None:
        """The living process that the supervisor started under this name, once it is ready."""
        children = json.loads((self.folder / "supervisor.json").read_text())["children"]
        found = next((child for child in children if child["name"] == name), None)
        return Process.of(found["pid"]) if found and found["pid"] and found["ready"] else None

    def processes(self) -> list[Process]:
        """The supervisor and everything below it, while it lives."""
        itself = Process.of(self.supervisor.pid)
        assert itself, "the supervisor is gone"
        return [itself, *descendants(itself.pid)]

    def lightup(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command on this instance, as its operator would."""
        addresses = {"SITE_URL": self.site, "DESK_URL": self.desk}
        settings = {"DATABASE_URL": self.database_url, **addresses, **local_keys(self.folder)}
        return subprocess.run(
            [*LIGHTUP, *arguments],
            cwd=ROOT,
            env={**self._environment, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def rows(self, query: str, *parameters: object) -> list[Any]:
        """Ask the database of the instance."""
        with psycopg.connect(
            self.database_url.replace("+psycopg", ""), autocommit=True
        ) as connection:
            found = connection.execute(query, parameters)
            return found.fetchall() if found.description else []

    @property
    def database_url(self) -> str:
        return EmbeddedPostgres(self.folder / "postgres").url

    @cached_property
    def signer(self) -> Signer:
        """Signs like the site does."""
        keys = local_keys(self.folder)
        return Signer(keys["SECRET_KEY"], hash_key=keys["HASH_KEY"])

    def pledge_url(self, locale: str = "en") -> str:
        return f"{self.site}/{locale}/campaigns/{CAMPAIGN}/pledge/"

    def form_opened_before(self, locale: str = "en") -> str:
        """The token of a form that was opened a minute ago, so that nobody needs to wait as if they read."""
        return self.opened_before(hidden(fetch(self.pledge_url(locale))[1], "form_token"))

    def opened_before(self, form_token: str) -> str:
        """A form like that one, another minute ago."""
        _, text_id, opened = self.signer.read(FORM, form_token, FORM_LIFETIME)
        earlier = opened - int(timedelta(minutes=1).total_seconds())
        return self.signer.sign(FORM, [str(uuid4()), text_id, earlier])


@contextmanager
def running(*options: str, settings: Mapping[str, str] = {}) -> Iterator[Stack]:
    """A stack that is ready, in a new folder; it ends, and the folder goes, afterwards."""
    with folder() as place:
        stack = Stack(place, **settings)
        try:
            stack.start(*options)
            stack.wait_until_ready()
            yield stack
        finally:
            stack.stop()


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for a stack. Its path is short: those of sockets must be."""
    parent = Path(tempfile.mkdtemp(prefix="up-"))
    try:
        yield parent / "var"
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def descendants(pid: int) -> list[Process]:
    """Every living process below this one."""
    parents = {process: parent_of(process) for process in all_processes()}
    found: list[Process] = []
    above = {pid}
    while above:
        below = [process for process, parent in parents.items() if parent in above]
        found += below
        above = {process.pid for process in below}
    return found


def children(parent: Process) -> list[Process]:
    """The living processes that this one started."""
    return [process for process in all_processes() if parent_of(process) == parent.pid]


def parent_of(process: Process) -> int:
    """The pid of the parent, 0 when the process is gone (proc_pid_stat(5), field 4)."""
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])
