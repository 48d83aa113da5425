"""`lightup up` as a newcomer meets it: it says where everything is, ends on Ctrl-C, and takes up where it left."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from subprocess import CompletedProcess

import pytest

from tests.scripted_person import CAMPAIGN, Person, count_of_country, fetch, wait_for
from tests.stacks import Stack, folder, running
from tests.web.browsing import LANGUAGES

pytestmark = pytest.mark.stack

CAMPAIGN_PAGES = [
    f"campaigns/{CAMPAIGN}/{page}" for page in ("", "pledge/", "countries/", "text/1/")
]
PAGES = ["", *CAMPAIGN_PAGES, "countries/KE/", "institutions/02y9nww90/", "about/", "my/"]
DEMO = "This site holds invented demonstration pledges."


@dataclass(frozen=True)
class FirstLife:
    """What a new instance with demonstration data showed."""

    stack: Stack
    output: str
    mailbox: str
    fronts: dict[str, str]
    pages: dict[str, str]
    logs: CompletedProcess[str]


@pytest.fixture(scope="module")
def first_life() -> Iterator[FirstLife]:
    with running("--demo") as stack:
        yield FirstLife(
            stack,
            stack.output(),
            fetch(stack.mailbox)[1],
            {locale: fetch(f"{stack.site}/{locale}/")[1] for locale in LANGUAGES},
            pages(stack),
            stack.lightup("logs", "setup", f"--folder={stack.folder}"),
        )


def pages(stack: Stack) -> dict[str, str]:
    return {path: fetch(f"{stack.site}/en/{path}")[1] for path in PAGES}


@dataclass(frozen=True)
class Refused:
    """A second stack in the folder of one that runs, and how that one was afterwards."""

    exit_code: int
    output: str
    user: int
    health: str


@pytest.fixture(scope="module")
def refused(first_life: FirstLife) -> Refused:
    second = Stack(first_life.stack.folder)
    second.start()
    exit_code = second.supervisor.wait(30)
    health = fetch(f"{first_life.stack.site}/health")[1]
    return Refused(exit_code, second.output(), first_life.stack.supervisor.pid, health)


@pytest.fixture(scope="module")
def without_a_port(first_life: FirstLife) -> Iterator[Refused]:
    """A stack in a folder of its own that wants the port of one that runs."""
    with folder() as place:
        second = Stack(place)
        second.ports = replace(second.ports, site=first_life.stack.ports.site)
        second.start()
        exit_code = second.supervisor.wait(30)
        health = fetch(f"{first_life.stack.site}/health")[1]
        yield Refused(exit_code, second.output(), first_life.stack.supervisor.pid, health)


@dataclass(frozen=True)
class SecondLife:
    """The same stack, run for the second time, and how its first run ended."""

    stack: Stack
    exit_code: int
    left_behind: list[bytes]


@pytest.fixture(scope="module")
def second_life(first_life: FirstLife, refused: Refused, without_a_port: Refused) -> SecondLife:
    """At the end of its first run the demonstration was removed, somebody pledged, and Ctrl-C was pressed."""
    stack = first_life.stack
    assert stack.lightup("demo", "remove").returncode == 0
    wait_for_kenya(stack, 0)
    somebody_pledges(stack)
    everyone = stack.processes()
    exit_code = stack.press_ctrl_c()
    left_behind = [process.title() for process in everyone if process.alive()]
    stack.start("--demo")
    stack.wait_until_ready()
    return SecondLife(stack, exit_code, left_behind)


def wait_for_kenya(stack: Stack, count: int) -> None:
    wait_for(
        lambda: count_of_country(stack.site, "KE") == count or None, f"{count} people of Kenya"
    )


def somebody_pledges(stack: Stack) -> None:
    person = Person(stack.site, stack.mailbox, "wanjiru@example.org")
    person.pledge()
    person.confirm_by_link()


def test_it_says_where_the_site_and_the_caught_mail_are(first_life: FirstLife) -> None:
    stack = first_life.stack
    assert f"The site     {stack.site}/" in first_life.output
    assert f"Caught mail  {stack.mailbox}/" in first_life.output
    assert "Caught mail" in first_life.mailbox


def test_it_tells_its_steps(first_life: FirstLife) -> None:
    steps = [
        "Environment",
        "Database",
        "Mail catcher",
        "Registry",
        "Invented pledges",
        "Setup",
        "Site",
    ]

    found = [first_life.output.find(f"  {step} ") for step in steps]

    assert -1 not in found
    assert found == sorted(found)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_front_page_answers_in_every_language(first_life: FirstLife, locale: str) -> None:
    assert f'<html lang="{locale}"' in first_life.fronts[locale]


def test_every_page_says_that_the_demonstration_is_invented(first_life: FirstLife) -> None:
    for path, page in first_life.pages.items():
        assert DEMO in page, path


def test_a_second_one_in_the_same_folder_says_why_it_does_not_start(
    first_life: FirstLife, refused: Refused
) -> None:
    assert refused.exit_code == 1

    words = (
        f"Error: {first_life.stack.folder} is in use by process {refused.user}. Stop that one first"
    )
    assert refused.output.startswith(words)
    assert refused.health == "ok\n"


def test_a_port_that_another_program_has_is_named_at_once(
    first_life: FirstLife, without_a_port: Refused
) -> None:
    assert without_a_port.exit_code == 1
    assert f"Port {first_life.stack.ports.site} cannot be had" in without_a_port.output
    assert "--port" in without_a_port.output
    assert without_a_port.health == "ok\n"


def test_the_logs_are_a_command_away(first_life: FirstLife) -> None:
    assert first_life.logs.returncode == 0
    assert "Registry: " in first_life.logs.stdout


def test_ctrl_c_ends_it_well_and_leaves_no_process_behind(second_life: SecondLife) -> None:
    assert second_life.exit_code == 0
    assert second_life.left_behind == []


def test_the_next_start_takes_up_what_was_pledged_before(second_life: SecondLife) -> None:
    wait_for_kenya(second_life.stack, 1)


def test_a_demonstration_that_was_removed_does_not_come_back(second_life: SecondLife) -> None:
    for path, page in pages(second_life.stack).items():
        assert DEMO not in page, path
