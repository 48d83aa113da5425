"""The script of translation, in a real browser: one key saves and goes on, two texts are shown, nothing is lost."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import delete

from campaign.campaigns import drafts, operations, writing
from campaign.campaigns.models import Campaign, DraftPassage, PassageReader
from campaign.cli.running import gunicorn
from campaign.clock import now
from campaign.config import Settings
from campaign.db import db
from campaign.local.supervisor import listening
from campaign.staff import sessions
from campaign.staff.models import Account
from campaign.staff.rules import Role
from tests.factories import STAFF, account
from tests.ports import free_port
from tests.scripted_person import wait_for

pytestmark = pytest.mark.browser

TITLE, THEME = '[id="p-title"]', '[id="p-theme"]'


@pytest.fixture
def rivers(committing: None) -> Iterator[int]:
    """A campaign whose title and theme wait for their translation."""
    id_ = operations.create(STAFF, "rivers").id
    for name, text in (("title", "Clean rivers"), ("theme", "Every river counts")):
        writing.save(STAFF, None, id_, "en", name, text, 0)
    db.session.commit()
    yield id_
    db.session.rollback()
    for model in (DraftPassage, PassageReader):
        db.session.execute(delete(model).where(model.campaign_id == id_))
    db.session.execute(delete(Campaign).where(Campaign.id == id_))
    db.session.commit()


@pytest.fixture
def yusuf(rivers: int) -> Account:
    made = account(Role.TRANSLATOR, languages=["fr"], name="Yusuf Karroumi")
    db.session.commit()
    return made


@pytest.fixture
def served(settings: Settings) -> Iterator[str]:
    """The origin of a desk on the database of the tests, served as for staff."""
    port = free_port()
    url = f"http://localhost:{port}"
    own = {
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "BROKER_URL": settings.broker_url,
        "SITE_URL": settings.site_url,
        "DESK_URL": url,
    }
    command = gunicorn("campaign.wsgi_desk:app", f"127.0.0.1:{port}", settings)
    process = subprocess.Popen(command, env=os.environ | own, start_new_session=True)
    try:
        wait_for(lambda: listening(port) or None, "the desk")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def page(browser: Browser, served: str, rivers: int) -> Iterator[Page]:
    """The page on which Leila translates to French; it must not complain."""
    leila = account(Role.TRANSLATOR, languages=["fr"], name="Leila Benhaddou")
    _, secret = sessions.begin(leila, "Chromium, Linux", b"network", now())
    db.session.commit()
    context = browser.new_context()
    context.add_cookies([{"name": "desk", "value": secret, "url": served}])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{served}/campaigns/rivers/text/fr/")
    yield page
    context.close()
    assert errors == []


def written(rivers: int, name: str) -> list[str]:
    db.session.rollback()  # see what the server committed
    return [one.text for one in drafts.history(rivers, "fr", name)]


def test_one_key_saves_a_passage_and_goes_on_to_the_next(page: Page, rivers: int) -> None:
    page.locator(f"{TITLE} textarea").fill("Des rivières propres")
    page.keyboard.press("Control+Enter")

    expect(page.locator(f"{TITLE} [data-status]")).to_have_text("Saved")
    expect(page.locator(f"{TITLE} [data-state]")).to_be_empty()
    expect(page.locator(f"{THEME} textarea")).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(f"{TITLE} textarea")).to_be_focused()
    assert written(rivers, "title") == ["Des rivières propres"]


def test_of_two_who_write_the_second_sees_both_and_loses_nothing(
    page: Page, rivers: int, yusuf: Account
) -> None:
    writing.save(yusuf.actor(), None, rivers, "fr", "title", "Le titre de Yusuf", 0)
    db.session.commit()
    page.locator(f"{THEME} textarea").fill("Chaque rivière compte")
    page.locator(f"{TITLE} textarea").fill("Le titre de Leila")
    page.keyboard.press("Control+Enter")

    expect(page.locator(f"{TITLE} .theirs")).to_contain_text("Le titre de Yusuf")
    expect(page.locator(f"{TITLE} textarea")).to_have_value("Le titre de Leila")
    page.get_by_role("button", name="Keep mine").click()
    expect(page.locator(".theirs")).to_have_count(0)
    assert written(rivers, "title") == ["Le titre de Leila", "Le titre de Yusuf"]
    assert written(rivers, "theme") == ["Chaque rivière compte"]


def test_who_else_is_there_is_said_by_name(page: Page, rivers: int, yusuf: Account) -> None:
    writing.note_reader(rivers, "fr", "theme", str(yusuf.id), now())
    db.session.commit()
    page.locator(f"{TITLE} textarea").focus()

    expect(page.locator(f"{THEME} [data-other]")).to_have_text("Yusuf Karroumi is here, too")
