"""People pledge in a real browser: with and without scripts, by mouse and by keyboard, in three scripts."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser.form import Form, code_of_letter
from tests.browser.pages import PUBLIC
from tests.browser.watching import Visitors
from tests.scripted_person import CAMPAIGN, Person, fetch, wait_for
from tests.stacks import Stack

pytestmark = pytest.mark.browser

UAE_UNIVERSITY, ITS_ARABIC_NAME = "01km6p862", "جامعة الإمارات العربية المتحدة"
TSINGHUA, ITS_CHINESE_NAME = "03cve4549", "清华大学"
SLOW_3G = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 50_000,
    "uploadThroughput": 50_000,
}


@contextmanager
def one_more_at(stack: Stack, *paths: str) -> Iterator[None]:
    """What happens inside makes the count of each of these pages rise by one, within five seconds."""
    expected = {path: people_of(stack, path) + 1 for path in paths}
    yield

    def have_risen() -> bool | None:
        return {path: people_of(stack, path) for path in paths} == expected or None

    wait_for(have_risen, f"the counts {expected}", seconds=5)


def people_of(stack: Stack, path: str) -> int:
    """How many people the English page of a country or an institution counts for the campaign."""
    page = fetch(f"{stack.site}/en/{path}")[1]
    counted = re.search(rf'id="{CAMPAIGN}".*?<strong>([\d,]+)</strong>', page, re.DOTALL)
    assert counted, page
    return int(counted[1].replace(",", ""))


def test_someone_pledges_in_arabic_and_presses_the_button_in_the_caught_mail(
    stack: Stack, visitors: Visitors
) -> None:
    form = Form(visitors.come(locale="ar"), "ar")
    form.introduce("ليلى الحسن", "layla@example.org")
    form.search("الإمارات").filter(has_text=ITS_ARABIC_NAME).click()
    form.answer_the_rest()
    form.send()

    confirm = follow_link_of_caught_mail(stack, visitors, "layla@example.org")
    assert confirm.locator("html").get_attribute("dir") == "rtl"
    with one_more_at(stack, f"institutions/{UAE_UNIVERSITY}/", "countries/AE/"):
        confirm.locator(".button--big").click()
        expect(confirm).to_have_url(re.compile("/ar/pledges/thanks/"))


def follow_link_of_caught_mail(stack: Stack, visitors: Visitors, address: str) -> Page:
    """Look for the mail on the mail catcher's page, open it, and click on its link."""
    Person(stack.site, stack.mailbox, address).letter()  # it has come
    mailbox = visitors.come(base_url=stack.mailbox)
    mailbox.goto("/")
    mailbox.locator("#to").fill(address)
    mailbox.get_by_role("button").click()
    mailbox.locator("td a").first.click()
    with mailbox.expect_popup() as opened:
        mailbox.locator("pre a[href*='/pledges/confirm/']").click()
    return opened.value


def test_someone_types_the_code_where_they_are_in_chinese(stack: Stack, visitors: Visitors) -> None:
    form = Form(visitors.come(locale="zh-CN"), "zh-Hans")
    form.introduce("王秀英", "xiuying@example.org")
    form.search("清华").filter(has_text=ITS_CHINESE_NAME).first.click()
    form.answer_the_rest()
    form.send()

    with one_more_at(stack, f"institutions/{TSINGHUA}/", "countries/CN/"):
        form.enter_code(stack, "xiuying@example.org")

    expect(form.page).to_have_url(re.compile("/zh-Hans/"))


def test_all_of_it_works_without_scripts(stack: Stack, visitors: Visitors) -> None:
    form = Form(visitors.come(java_script_enabled=False), "zh-Hans")
    form.introduce("李建国", "jianguo@example.org")
    form.institution.fill("清华")
    form.page.locator("[data-find]").click()
    form.page.get_by_role("radio", name=ITS_CHINESE_NAME).first.check()
    form.page.locator("#country").select_option("CN")
    form.answer_the_rest()
    form.send()

    with one_more_at(stack, f"institutions/{TSINGHUA}/", "countries/CN/"):
        form.enter_code(stack, "jianguo@example.org")


def test_all_of_it_works_with_the_keyboard_alone(stack: Stack, visitors: Visitors) -> None:
    form = Form(visitors.come())
    typed = {"#name": "Wanjiru Kamau", "#email": "keys@example.org", "#institution_query": "nairob"}
    pressed = {
        "#institution_query": ["ArrowDown", "Enter"],
        "#role": ["p"],
        "#commitments": ["Space"],
    }
    for field, words in typed.items():
        press(form.page, field, *words)
    expect(form.options.first).to_be_visible()
    for field, keys in (pressed | {"#listed": ["Space"]}).items():
        press(form.page, field, *keys)
    form.read()
    press(form.page, ".button--big", "Enter")
    expect(form.page.locator("#code")).to_be_visible()

    press(form.page, "#code", *code_of_letter(stack, "keys@example.org"), "Enter")

    expect(form.page).to_have_url(re.compile("/pledges/thanks/"))


def press(page: Page, selector: str, *keys: str) -> None:
    """Press Tab until the focus is there, as everybody without a mouse does, then the keys."""
    for _ in range(80):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
        page.keyboard.press("Tab")
    else:
        pytest.fail(f"Tab never came to {selector}")
    for key in keys:
        page.keyboard.press(key)


def test_a_slow_telephone_connection_is_enough(visitors: Visitors) -> None:
    page = visitors.come()
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_3G)

    form = Form(page)
    form.introduce("Juma Mushi", "juma@example.org")
    form.search("dar es s").first.click()
    form.answer_the_rest()

    form.send()


def test_a_mistake_is_shown_where_it_was_made_and_costs_nothing_that_was_typed(
    visitors: Visitors,
) -> None:
    form = Form(visitors.come(), "ur")
    form.introduce("علی خان", "this is no address")

    form.page.locator(".button--big").click()

    expect(form.page.locator(".error-summary")).to_be_focused()
    form.page.locator(".error-summary a[href='#email']").click()
    expect(form.page.locator("#email")).to_be_focused()
    expect(form.page.locator("#name")).to_have_value("علی خان")


def test_a_second_press_of_the_button_does_not_send_the_form_again(visitors: Visitors) -> None:
    form = Form(visitors.come())
    sent = []
    form.page.on("request", lambda request: sent.append(request.method))

    form.page.locator(".button--big").dblclick(delay=0)
    expect(form.page.locator(".error-summary")).to_be_visible()

    assert sent.count("POST") == 1


def test_no_public_page_complains_or_asks_another_site_for_anything(visitors: Visitors) -> None:
    page = visitors.come()

    for path in PUBLIC.values():
        page.goto(f"/en/{path}")

    assert visitors.complaints() == []
