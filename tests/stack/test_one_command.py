"""`lightup up` as a newcomer meets it: it says where everything is, ends on Ctrl-C, and takes up where it left."""

from collections.abc import Iterator

import pytest

from tests.scripted_person import CAMPAIGN, Person, count_of_country, fetch, wait_for
from tests.stacks import Stack, folder, running
from tests.web.browsing import LANGUAGES

pytestmark = pytest.mark.stack

CAMPAIGN_PAGES = [
    f"campaigns/{CAMPAIGN}/{page}" for page in ("", "pledge/", "countries/", "text/1/")
]
PAGES = ["", *CAMPAIGN_PAGES, "countries/KE/", "institutions/02y9nww90/", "about/", "my/"]
DEMO = 'class="demo"'


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A new instance with demonstration data."""
    with running("--demo") as stack:
        yield stack


@pytest.fixture
def own_folder() -> Iterator[Stack]:
    """A stack that was never started."""
    with folder() as place:
        stack = Stack(place)
        yield stack
        stack.stop()


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


def test_ctrl_c_leaves_no_process_behind(own_folder: Stack) -> None:
    own_folder.start("--no-demo")
    own_folder.wait_until_ready()
    everyone = own_folder.processes()

    assert own_folder.press_ctrl_c() == 0

    assert len(everyone) > 8
    assert [process.title() for process in everyone if process.alive()] == []


def test_the_next_start_takes_up_where_the_last_one_left(own_folder: Stack) -> None:
    own_folder.start("--demo")
    own_folder.wait_until_ready()
    assert own_folder.lightup("demo", "remove").returncode == 0
    wait_for(
        lambda: count_of_country(own_folder.site, "KE") == 0 or None, "the demonstration to go"
    )
    person = Person(own_folder.site, own_folder.mailbox, "wanjiru@example.org")
    person.pledge()
    person.confirm_by_link()
    own_folder.press_ctrl_c()

    own_folder.start("--demo")
    own_folder.wait_until_ready()

    wait_for(lambda: count_of_country(own_folder.site, "KE") == 1 or None, "the pledge")
    for path in PAGES:
        assert DEMO not in fetch(f"{own_folder.site}/en/{path}")[1], path
