"""kill -9 of everything in turn while people pledge and confirm: who was answered is counted, and got a mail.

People pledge 20 times a second and confirm as soon as their mail is there. What dies is started again, by the
supervisor or, where that died itself, by hand. Who got an error instead of an answer may or may not be stored.
"""

import email
import email.policy
import itertools
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread
from typing import Self
from urllib.parse import urlencode, urlsplit

import pytest

from campaign.local.processes import Process
from tests.scripted_person import FIELDS, fetch, hidden, wait_for
from tests.stacks import Stack, children, running

pytestmark = pytest.mark.stack

PLEDGES_PER_SECOND = 20
SOME = 20
"""Pledges that must be answered, and as many confirmed, between two kills."""
IN_FLIGHT = 2
"""The worker's connections to the mail server: a kill may double the mail in flight on each."""


class Crowd:
    """People who pledge, each from a network of their own, and confirm once they have mail."""

    def __init__(self, stack: Stack) -> None:
        self.answered: list[str] = []
        self.confirmed: set[str] = set()
        self.mails = Mails(stack.folder / "mail")
        self._stack = stack
        self._form = stack.form_opened_before()
        self._institutions = stack.rows(
            "SELECT id, country FROM institutions WHERE status = 'active'"
        )
        self._enough, self._leaving = Event(), Event()
        self._threads = [Thread(target=self._keep_pledging), Thread(target=self._keep_confirming)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_pledging()
        self._leaving.set()
        self._threads[1].join()

    def stop_pledging(self) -> None:
        """Let everyone who is at it finish; confirming goes on."""
        self._enough.set()
        self._threads[0].join()

    def live(self) -> None:
        """Wait until SOME more pledges were answered, and SOME more confirmed by their mail."""
        answered, confirmed = len(self.answered) + SOME, len(self.confirmed) + SOME
        wait_for(lambda: len(self.answered) >= answered or None, "more pledges", seconds=60)
        wait_for(
            lambda: len(self.confirmed) >= confirmed or None, "more confirmed pledges", seconds=60
        )

    def _keep_pledging(self) -> None:
        started = time.monotonic()
        with ThreadPoolExecutor(PLEDGES_PER_SECOND) as people:
            for number in itertools.count():
                due = started + number / PLEDGES_PER_SECOND
                if self._enough.wait(max(0.0, due - time.monotonic())):
                    return
                people.submit(self._pledge, number)

    def _pledge(self, number: int) -> None:
        institution, country = self._institutions[number % len(self._institutions)]
        address = f"person-{number}@example.org"
        fields = FIELDS | {
            "form_token": self._stack.opened_before(self._form), "name": "Wanjiru Kamau", "email": address,
            "affiliation": "institution", "institution": institution, "role": "researcher", "country": country,
        }  # fmt: skip
        if self._post(self._stack.pledge_url(), fields, number) == 303:
            self.answered.append(address)

    def _keep_confirming(self) -> None:
        waiting: dict[str, str] = {}
        with ThreadPoolExecutor(4) as people:
            while not self._leaving.wait(0.05):
                waiting |= self.mails.new_links()
                done = dict(zip(waiting, people.map(self._confirm, waiting.values()), strict=True))
                self.confirmed |= {address for address in done if done[address]}
                waiting = {address: waiting[address] for address in done if not done[address]}

    def _confirm(self, link: str) -> bool:
        """Follow the link, press the button; False where the site did not answer."""
        try:
            url, page = fetch(link)
        except (OSError, HTTPException):
            return False
        if "/pledges/thanks/" in url:  # the answer got lost last time
            return True
        return self._post(link, {"submission": hidden(page, "submission")}, 0) == 303

    def _post(self, url: str, fields: Mapping[str, str], network: int) -> int:
        """The status of the answer, 0 where none came."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Forwarded-For": f"10.{network >> 16 & 255}.{network >> 8 & 255}.{network & 255}",
        }
        connection = HTTPConnection("127.0.0.1", self._stack.ports.site, timeout=20)
        try:
            connection.request("POST", urlsplit(url).path, urlencode(fields), headers)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()


class Mails:
    """The folder of the mail catcher, as it fills."""

    def __init__(self, folder: Path) -> None:
        self.caught: Counter[str] = Counter()
        self._folder = folder
        self._read: set[Path] = set()

    def new_links(self) -> dict[str, str]:
        """Address and link to confirm of every mail that came since the last call."""
        new = set(self._folder.glob("*.eml")) - self._read
        self._read |= new
        links = dict(map(_link, new))
        self.caught.update(links.keys())
        return links


def _link(path: Path) -> tuple[str, str]:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    assert body, path.read_text()
    found = re.search(r"https?://\S+/pledges/confirm/[^\s>]+", body.get_content())
    assert found, path.read_text()
    return str(message["To"]), found[0]


def kill(process: Process | None) -> None:
    assert process, "it does not run"
    process.send(signal.SIGKILL)


def kill_child(name: str) -> Callable[[Stack], None]:
    """Kill what the supervisor started under this name, and wait for the next one."""

    def kill_it(stack: Stack) -> None:
        victim = stack.child(name)
        kill(victim)
        wait_for(
            lambda: stack.child(name) not in {victim, None} or None, f"a new {name}", seconds=60
        )

    return kill_it


def kill_web_process(stack: Stack) -> None:
    """Kill one of gunicorn's processes; gunicorn itself starts the next one."""
    gunicorn = stack.child("web")
    assert gunicorn
    kill(children(gunicorn)[0])
    wait_for(lambda: len(children(gunicorn)) == 2 or None, "a new web process")


def kill_work_process(stack: Stack) -> None:
    """Kill the process that works for Dramatiq; it ends with it, and the supervisor starts both again."""
    dramatiq = stack.child("worker")
    assert dramatiq
    kill(children(dramatiq)[-1])
    wait_for(
        lambda: stack.child("worker") not in {dramatiq, None} or None, "a new worker", seconds=60
    )


def kill_database_process(stack: Stack) -> None:
    """Kill the process of one connection; PostgreSQL ends all others, too, and recovers."""
    query = """SELECT min(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
    kill(Process.of(stack.rows(query)[0][0]))


def kill_supervisor(stack: Stack) -> None:
    kill(Process.of(stack.supervisor.pid))
    start_again(stack)


def kill_everything(stack: Stack) -> None:
    for process in stack.processes():
        kill(process)
    start_again(stack)


def start_again(stack: Stack) -> None:
    stack.supervisor.wait()
    stack.start("--no-demo")
    stack.wait_until_ready()


KILLS: Mapping[str, Callable[[Stack], None]] = {
    "a web process": kill_web_process,
    "gunicorn": kill_child("web"),
    "a work process": kill_work_process,
    "Dramatiq": kill_child("worker"),
    "the scheduler": kill_child("scheduler"),
    "a database process": kill_database_process,
    "PostgreSQL": kill_child("postgres"),
    "the mail server": kill_child("mail"),
    "the supervisor": kill_supervisor,
    "everything at once": kill_everything,
}


@dataclass(frozen=True)
class Aftermath:
    """What is left when all was killed, the crowd went home and the queues are empty."""

    stack: Stack
    crowd: Crowd
    stored: set[str]


@pytest.fixture(scope="module")
def aftermath() -> Iterator[Aftermath]:
    with running("--no-demo", settings={"TRUSTED_PROXIES": "1"}) as stack:
        with Crowd(stack) as crowd:
            for kill_it in KILLS.values():
                crowd.live()
                kill_it(stack)
            crowd.live()
            crowd.stop_pledging()
            stored = {address for (address,) in stack.rows("SELECT address FROM people")}
            let_leases_run_out(stack)
            wait_for(lambda: crowd.confirmed >= stored or None, "everybody to confirm", seconds=60)
        wait_until_none(stack, "SELECT count(*) FROM tally_deltas")
        yield Aftermath(stack, crowd, stored)


def let_leases_run_out(stack: Stack) -> None:
    """Make time pass for the letters that a dead worker had claimed, or that found no mail server."""
    wait_until_none(
        stack, "SELECT count(*) FROM outgoing_emails WHERE sent_at IS NULL AND due_at <= now()"
    )
    stack.rows("UPDATE outgoing_emails SET due_at = now() WHERE sent_at IS NULL")


def wait_until_none(stack: Stack, query: str) -> None:
    wait_for(lambda: stack.rows(query)[0][0] == 0 or None, query, seconds=60)


def test_every_pledge_that_was_answered_is_stored(aftermath: Aftermath) -> None:
    assert len(aftermath.crowd.answered) >= SOME * (len(KILLS) + 1)
    assert aftermath.stored >= set(aftermath.crowd.answered)


def test_everyone_got_their_mail(aftermath: Aftermath) -> None:
    assert aftermath.crowd.mails.caught.keys() == aftermath.stored


def test_at_most_the_mails_in_flight_were_doubled(aftermath: Aftermath) -> None:
    mails = aftermath.crowd.mails.caught

    assert mails.total() - len(mails) <= IN_FLIGHT * len(KILLS)


def test_everyone_is_counted_once(aftermath: Aftermath) -> None:
    (total,) = aftermath.stack.rows("SELECT sum(count) FROM tallies WHERE dimension = 'total'")

    assert total[0] == len(aftermath.stored) == len(aftermath.crowd.confirmed)


def test_all_tallies_equal_the_pledges(aftermath: Aftermath) -> None:
    reconciled = aftermath.stack.lightup("tallies", "reconcile", "--no-repair")

    assert reconciled.stdout == "All tallies equal the pledges.\n"
    assert reconciled.returncode == 0
