"""The pledge form in someone's browser, and what they do there."""

import re
import time

from playwright.sync_api import Locator, Page, expect

from tests.scripted_person import CAMPAIGN, Person
from tests.stacks import Stack

READING_SECONDS = (
    3.1  # a form that is sent faster than anyone reads is held for review, and ought to be
)


class Form:
    """The form, open in this language."""

    def __init__(self, page: Page, locale: str = "en") -> None:
        self.page = page
        page.goto(f"/{locale}/campaigns/{CAMPAIGN}/pledge/")
        self._opened = time.monotonic()

    @property
    def institution(self) -> Locator:
        return self.page.locator("#institution_query")

    @property
    def options(self) -> Locator:
        """Those of the list below the field; the selects of the form have some of their own."""
        return self.page.locator("#institution-list").get_by_role("option")

    def introduce(self, name: str, address: str) -> None:
        """Fill in who one is."""
        self.page.locator("#name").fill(name)
        self.page.locator("#email").fill(address)

    def search(self, words: str) -> Locator:
        """Type into the combobox letter by letter; return the options that appear."""
        self.institution.press_sequentially(words)
        expect(self.options.first).to_be_visible()
        return self.options

    def answer_the_rest(self) -> None:
        """Everything else that is asked of everybody, and a commitment."""
        self.page.locator("#role").select_option("researcher")
        self.page.locator("input[name=commitments][value=network]").check()
        self.page.locator("input[name=listed][value=name]").check()

    def read(self) -> None:
        """Spend as long over the form as a reader does."""
        left = self._opened + READING_SECONDS - time.monotonic()
        self.page.wait_for_timeout(1000 * max(0.0, left))

    def send(self) -> None:
        """Press the button; return on the page that asks for the code."""
        self.read()
        self.page.locator(".button--big").click()
        expect(self.page.locator("#code")).to_be_visible()

    def enter_code(self, stack: Stack, address: str) -> None:
        """Type the code of the caught mail; return on the page that says thank you."""
        self.page.locator("#code").fill(code_of_letter(stack, address))
        self.page.locator(".button--big").click()
        expect(self.page).to_have_url(re.compile("/pledges/thanks/"))


def code_of_letter(stack: Stack, address: str) -> str:
    """The six digits in the newest mail to this address."""
    return _in_letter(stack, address, r"\b\d{6}\b")


def link_of_letter(stack: Stack, address: str) -> str:
    """Where the button leads in the newest mail to this address."""
    return _in_letter(stack, address, r"https?://\S+/pledges/confirm/\S+")


def _in_letter(stack: Stack, address: str, pattern: str) -> str:
    text: str = Person(stack.site, stack.mailbox, address).letter()["text"]
    found = re.search(pattern, text)
    assert found, text
    return found[0]
