"""The pages of the desk that docs/staff.md shows in pictures, and the way to each."""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.scripted_person import CAMPAIGN, wait_for
from tests.stacks import Stack

_COLOURS = 64


def open_as_demonstrator(stack: Stack, page: Page) -> None:
    """Sign in with the link that a demonstration prints at its start."""
    page.goto((stack.folder / "desk_link").read_text())
    page.locator("main button").click()
    expect(page.locator(".who")).to_be_attached()


def _today(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Waiting for you")).to_be_visible()


def _held_pledge(page: Page) -> None:
    page.goto("/review/?official=1")
    expect(page.get_by_role("heading", name="In its favour")).to_be_visible()


def _plan(page: Page) -> None:
    page.goto("/review/rules/new/?domain=example.org")
    page.get_by_label("Only in this country").select_option("CL")
    page.get_by_role("button", name="Count them").click()
    expect(page.get_by_role("button", name="Stop counting")).to_be_visible()


def _translation(page: Page) -> None:
    page.goto(f"/campaigns/{CAMPAIGN}/text/fr/?show=all")
    expect(page.get_by_role("heading", name="Terms in these passages")).to_be_visible()


def _is_all_well(page: Page) -> bool:
    """Whether the list of Today says that everything runs; it does soon after the start."""
    page.goto("/")
    return page.get_by_text("Scheduler and worker are on time.").is_visible()


# What opens the page of each picture, and shows that it is the one.
PICTURES: Mapping[str, Callable[[Page], None]] = {
    "today": _today,
    "held-pledge": _held_pledge,
    "plan": _plan,
    "translation": _translation,
}


def take(stack: Stack, browser: Browser, folder: Path) -> None:
    """Write each picture into a folder: what a reader sees first, in few colours, so that the files are small."""
    page = browser.new_page(base_url=stack.desk, viewport={"width": 1280, "height": 720})
    open_as_demonstrator(stack, page)
    wait_for(lambda: _is_all_well(page) or None, "the first work of the worker", 120)
    for name, show in PICTURES.items():
        show(page)
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        picture.quantize(_COLOURS).save(folder / f"{name}.png", optimize=True)
    page.close()
