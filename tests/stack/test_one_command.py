"""`lightup up` as a newcomer meets it: it says where everything is, ends on Ctrl-C, and takes up where it left."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.scripted_person import CAMPAIGN, Person, count_of_country, fetch, wait_for
from tests.stacks import Stack, running
from tests.web.browsing import LANGUAGES

pytestmark = pytest.mark.stack

CAMPAIGN_PAGES = [
    f"campaigns/{CAMPAIGN}/{page}" for page in ("", "pledge/", "countries/", "text/1/")
]
PAGES = ["", *CAMPAIGN_PAGES, "countries/KE/", "institutions/02y9nww90/", "about/", "my/"]
DEMO = "This site holds invented demonstration pledges."


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A new instance with demonstration data."""
    with running("--demo") as stack:
        yield stack


@dataclass(frozen=True)
class SecondLife:
    """A stack that runs for the second time, and how its first run ended."""

    stack: Stack
    exit_code: int
    left_behind: list[bytes]


@pytest.fixture(scope="module")
def second_life() -> Iterator[SecondLife]:
    """In its first run the demonstration was removed, somebody pledged, and Ctrl-C was pressed."""
    with running("--demo") as stack:
        assert stack.lightup("demo", "remove").returncode == 0
        wait_for_kenya(stack, 0)
        somebody_pledges(stack)
        everyone = stack.processes()
        exit_code = stack.press_ctrl_c()
        left_behind = [process.title() for process in everyone if process.alive()]
        stack.start("--demo")
        stack.wait_until_ready()
        yield SecondLife(stack, exit_code, left_behind)


def wait_for_kenya(stack: Stack, count: int) -> None:
    wait_for(
        lambda: count_of_country(stack.site, "KE") == count or None, f"{count} people of Kenya"
    )


def somebody_pledges(stack: Stack) -> None:
    person = Person(stack.site, stack.mailbox, "wanjiru@example.org")
    person.pledge()
    person.confirm_by_link()


def test_it_says_where_the_site_and_the_caught_mail_are(stack: Stack) -> None:
    assert f"The site     {stack.site}/" in stack.output()
    assert f"Caught mail  {stack.mailbox}/" in stack.output()
    assert "Caught mail" in fetch(stack.mailbox)[1]


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_front_page_answers_in_every_language(stack: Stack, locale: str) -> None:
    page = fetch(f"{stack.site}/{locale}/")[1]

    assert f'<html lang="{locale}"' in page


def test_every_page_says_that_the_demonstration_is_invented(stack: Stack) -> None:
    for path in PAGES:
        assert DEMO in fetch(f"{stack.site}/en/{path}")[1], path


def test_a_second_one_in_the_same_folder_says_why_it_does_not_start(stack: Stack) -> None:
    second = Stack(stack.folder)
    second.start()

    assert second.supervisor.wait(30) == 1

    words = (
        f"Error: {stack.folder} is in use by process {stack.supervisor.pid}. Stop that one first"
    )
    assert second.output().startswith(words)
    assert fetch(f"{stack.site}/health")[1] == "ok\n"


def test_ctrl_c_ends_it_well_and_leaves_no_process_behind(second_life: SecondLife) -> None:
    assert second_life.exit_code == 0
    assert second_life.left_behind == []


def test_the_next_start_takes_up_what_was_pledged_before(second_life: SecondLife) -> None:
    wait_for_kenya(second_life.stack, 1)


def test_a_demonstration_that_was_removed_does_not_come_back(second_life: SecondLife) -> None:
    for path in PAGES:
        assert DEMO not in fetch(f"{second_life.stack.site}/en/{path}")[1], path
