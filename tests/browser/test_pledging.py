"""People pledge in a real browser: with and without scripts, with mouse or keyboard, in three scripts."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.browser.pages import PUBLIC, private_pages
from tests.browser.watching import Visitors
from tests.scripted_person import CAMPAIGN, Person, fetch, wait_for
from tests.stacks import Stack

pytestmark = pytest.mark.browser

READING_SECONDS = 3.1  # a form that is sent faster than anyone reads is held for review, and ought to be
FORM = f"campaigns/{CAMPAIGN}/pledge/"
UAE_UNIVERSITY, ITS_ARABIC_NAME = "01km6p862", "جامعة الإمارات العربية المتحدة"
TSINGHUA, ITS_CHINESE_NAME = "03cve4549", "清华大学"
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}


class Form:
    """The pledge form in someone's browser, and what they do there."""

    def __init__(self, page: Page, locale: str = "en", path: str = FORM) -> None:
        self.page = page
        page.goto(f"/{locale}/{path}")
        self._opened = time.monotonic()

    def introduce(self, name: str, address: str) -> None:
        self.page.locator("#name").fill(name)
        self.page.locator("#email").fill(address)

    def search(self, words: str) -> Locator:
        """Type into the combobox letter by letter; return the options that appear."""
        self.page.locator("#institution_query").press_sequentially(words)
        expect(self.options.first).to_be_visible()
        return self.options

    @property
    def options(self) -> Locator:
        return self.page.get_by_role("option")

    @property
    def combobox(self) -> Locator:
        return self.page.get_by_role("combobox", expanded=None).and_(self.page.locator("#institution_query"))

    def answer_the_rest(self) -> None:
        self.page.locator("#role").select_option("researcher")
        self.page.locator("input[name=commitments][value=network]").check()
        self.page.locator("input[name=listed][value=name]").check()

    def read(self) -> None:
        """Spend as long over the form as a reader does."""
        self.page.wait_for_timeout(1000 * max(0.0, self._opened + READING_SECONDS - time.monotonic()))

    def send(self) -> None:
        self.read()
        self.page.locator(".button--big").click()
        expect(self.page.locator("#code")).to_be_visible()


@pytest.fixture
def form(visitors: Visitors) -> Form:
    """The form in English, just opened."""
    return Form(visitors.come())


def people_of(stack: Stack, path: str) -> int:
    """How many people the English page of a country or an institution counts for the campaign."""
    page = fetch(f"{stack.site}/en/{path}")[1]
    counted = re.search(rf'id="{CAMPAIGN}".*?<strong>([\d,]+)</strong>', page, re.DOTALL)
    assert counted, page
    return int(counted[1].replace(",", ""))


@pytest.fixture
def rises(stack: Stack) -> Iterator[Callable[..., None]]:
    """Notes the counts of some pages at first; afterwards sees each rise by one within five seconds."""
    before: dict[str, int] = {}

    def note(*paths: str) -> None:
        before.update({path: people_of(stack, path) for path in paths})

    yield note
    for path, count in before.items():
        wait_for(lambda p=path, c=count: people_of(stack, p) == c + 1 or None, f"{path} to rise", seconds=5)


def test_someone_pledges_in_arabic_and_presses_the_button_in_the_caught_mail(
    stack: Stack, visitors: Visitors, rises: Callable[..., None]
) -> None:
    rises(f"institutions/{UAE_UNIVERSITY}/", "countries/AE/")
    form = Form(visitors.come(locale="ar"), "ar")
    form.introduce("ليلى الحسن", "layla@example.org")
    form.search("الإمارات").filter(has_text=ITS_ARABIC_NAME).click()
    form.answer_the_rest()
    form.send()

    confirm = open_link_of_caught_mail(stack, visitors, "layla@example.org")
    assert confirm.locator("html").get_attribute("dir") == "rtl"
    confirm.locator(".button--big").click()

    expect(confirm.locator("h1")).to_have_text("ضوؤك مُنار")


def open_link_of_caught_mail(stack: Stack, visitors: Visitors, address: str) -> Page:
    """Look for the mail on the mail catcher's page, open it, and click on the first link in its text."""
    Person(stack.site, stack.mailbox, address).letter()  # it has come
    mailbox = visitors.come_elsewhere(stack.mailbox)
    mailbox.locator("#to").fill(address)
    mailbox.get_by_role("button").click()
    mailbox.locator("td a").first.click()
    with mailbox.expect_popup() as opened:
        mailbox.locator("pre a[href*='/pledges/confirm/']").click()
    return opened.value


def test_someone_types_the_code_where_they_are_in_chinese(
    stack: Stack, visitors: Visitors, rises: Callable[..., None]
) -> None:
    rises(f"institutions/{TSINGHUA}/", "countries/CN/")
    form = Form(visitors.come(locale="zh-CN"), "zh-Hans")
    form.introduce("王秀英", "xiuying@example.org")
    form.search("清华").filter(has_text=ITS_CHINESE_NAME).first.click()
    form.answer_the_rest()
    form.send()

    form.page.locator("#code").fill(code_of_letter(stack, "xiuying@example.org"))
    form.page.locator(".button--big").click()

    expect(form.page).to_have_url(re.compile("/zh-Hans/pledges/thanks/"))


def code_of_letter(stack: Stack, address: str) -> str:
    letter = Person(stack.site, stack.mailbox, address).letter()
    code = re.search(r"\b\d{6}\b", letter["text"])
    assert code, letter["text"]
    return code[0]


def test_all_of_it_works_without_scripts(
    stack: Stack, visitors: Visitors, rises: Callable[..., None]
) -> None:
    rises(f"institutions/{TSINGHUA}/", "countries/CN/")
    form = Form(visitors.come(java_script_enabled=False), "zh-Hans")
    form.introduce("李建国", "jianguo@example.org")
    form.page.locator("#institution_query").fill("清华")
    form.page.locator("[data-find]").click()
    form.page.get_by_role("radio", name=ITS_CHINESE_NAME).first.check()
    form.page.locator("#country").select_option("CN")
    form.answer_the_rest()
    assert form.page.locator("#name").input_value() == "李建国"
    form.send()

    form.page.locator("#code").fill(code_of_letter(stack, "jianguo@example.org"))
    form.page.locator(".button--big").click()

    expect(form.page).to_have_url(re.compile("/pledges/thanks/"))


def test_all_of_it_works_with_the_keyboard_alone(stack: Stack, form: Form) -> None:
    keyboard = form.page.keyboard
    for field, words in (("#name", "Wanjiru Kamau"), ("#email", "keys@example.org"), ("#institution_query", "nairob")):
        tab_to(form.page, field)
        keyboard.type(words)
    expect(form.options.first).to_be_visible()
    for field, key in (
        ("#institution_query", "ArrowDown"), ("#institution_query", "Enter"), ("#role", "ArrowDown"),
        ("#commitments", "Space"), ("#listed", "Space"), (".button--big", ""),
    ):
        tab_to(form.page, field)
        keyboard.press(key or "Shift")
    form.read()
    keyboard.press("Enter")
    expect(form.page.locator("#code")).to_be_visible()

    tab_to(form.page, "#code")
    keyboard.type(code_of_letter(stack, "keys@example.org"))
    keyboard.press("Enter")

    expect(form.page).to_have_url(re.compile("/pledges/thanks/"))


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, as everybody without a mouse does."""
    for _ in range(80):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never came to {selector}")


def test_a_slow_telephone_connection_is_enough(visitors: Visitors) -> None:
    page = visitors.come()
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_3G)

    form = Form(page)
    form.introduce("Juma Mushi", "juma@example.org")
    form.search("dar es s").first.click()
    form.answer_the_rest()

    form.send()
