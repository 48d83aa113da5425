"""The search for an institution as one types: by key, by screen reader, on a slow network."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.form import Form
from tests.browser.watching import Visitors

pytestmark = pytest.mark.browser


@pytest.fixture
def form(visitors: Visitors) -> Form:
    """The form in English, just opened."""
    return Form(visitors.come())


def test_a_screen_reader_hears_of_the_list_and_of_what_is_in_it(form: Form) -> None:
    expect(form.institution).to_have_role("combobox")
    expect(form.institution).to_have_accessible_name("Name of your institution")
    expect(form.institution).to_have_attribute("aria-expanded", "false")

    count = form.search("universi").count() - 1  # the last one says "not in this list"

    expect(form.institution).to_have_attribute("aria-expanded", "true")
    expect(form.page.get_by_role("listbox", name="Name of your institution")).to_be_visible()
    expect(form.institution).to_have_attribute("aria-controls", "institution-list")
    expect(form.page.locator(".field .status")).to_have_text(f"Institutions found: {count}")


def test_the_list_opens_within_sight(form: Form) -> None:
    form.page.set_viewport_size({"width": 390, "height": 600})
    form.institution.evaluate("field => field.scrollIntoView({ block: 'end' })")

    options = form.search("universi")

    expect(options.first).to_be_in_viewport(ratio=1)


def test_arrow_keys_walk_through_the_options_and_around(form: Form) -> None:
    options = form.search("universi")

    for key, place in (
        ("ArrowDown", 0),
        ("ArrowDown", 1),
        ("ArrowUp", 0),
        ("ArrowUp", options.count() - 1),
    ):
        form.institution.press(key)
        active = f"institution-option-{place}"
        expect(form.institution).to_have_attribute("aria-activedescendant", active)
        expect(options.and_(form.page.locator("[aria-selected=true]"))).to_have_id(active)


def test_enter_chooses_the_active_option_and_its_country(form: Form) -> None:
    form.search("tsinghua")

    form.institution.press("ArrowDown")
    form.institution.press("Enter")

    expect(form.institution).to_have_value("Tsinghua University")
    expect(form.page.locator("input[name=institution]")).to_have_value("03cve4549")
    expect(form.page.locator("#country")).to_have_value("CN")
    chosen = re.compile("You have chosen Tsinghua University, Beijing")
    expect(form.page.locator(".field .status")).to_have_text(chosen)


def test_escape_closes_the_list_and_keeps_the_words(form: Form) -> None:
    form.search("tsinghua")

    form.institution.press("Escape")

    expect(form.options.first).to_be_hidden()
    expect(form.institution).to_have_attribute("aria-expanded", "false")
    expect(form.institution).to_have_value("tsinghua")


def test_other_words_undo_the_choice(form: Form) -> None:
    form.search("tsinghua").first.click()
    expect(form.page.locator("input[name=institution]")).to_have_value("03cve4549")

    form.institution.press("End")
    form.institution.press("Backspace")

    expect(form.page.locator("input[name=institution]")).to_have_value("")


def test_an_answer_that_comes_too_late_is_not_shown(form: Form) -> None:
    late: list[Route] = []
    form.page.route("**/institutions/search?q=nairobi*", lambda route: late.append(route))  # noqa: PLW0108 (it is marked)
    with form.page.expect_request("**/search?q=nairobi*"):
        form.institution.press_sequentially("nairobi")

    with form.page.expect_event("requestfailed") as given_up:
        form.institution.fill("tsinghua")
    expect(form.options.first).to_contain_text("Tsinghua University")

    assert len(late) == 1
    assert "q=nairobi" in given_up.value.url


def test_whoever_has_chosen_is_not_asked_again_by_an_answer_on_its_way(form: Form) -> None:
    late: list[Route] = []
    form.page.route("**/institutions/search?q=tsinghua*", lambda route: late.append(route))  # noqa: PLW0108 (it is marked)
    form.search("tsingh")
    with form.page.expect_request("**/search?q=tsinghua*"):
        form.institution.press_sequentially("ua")

    form.institution.press("ArrowDown")
    with form.page.expect_event("requestfailed"):
        form.institution.press("Enter")

    chosen = re.compile("You have chosen Tsinghua University, Beijing")
    expect(form.page.locator(".field .status")).to_have_text(chosen)
    expect(form.options.first).to_be_hidden()


def test_the_search_button_comes_back_when_the_search_does_not_answer(form: Form) -> None:
    form.page.route(
        "**/institutions/search*", lambda route: route.fulfill(status=200, body="no JSON")
    )

    form.institution.fill("tsinghua")

    expect(form.page.get_by_text("The search is not responding just now.")).to_be_visible()
    form.page.locator("[data-find]").click()
    expect(form.page.get_by_role("radio", name="Tsinghua University")).to_be_visible()


def test_who_is_not_in_the_list_writes_the_name_into_another_field(form: Form) -> None:
    form.search("institute of the northern lights").last.click()

    expect(form.page.locator("[name=affiliation][value=unlisted]")).to_be_checked()
    expect(form.page.locator("#institution_text")).to_be_focused()
    expect(form.page.locator("#institution_text")).to_have_value("institute of the northern lights")


def test_an_empty_answer_says_so_to_the_eye_until_something_else_is_typed(form: Form) -> None:
    options, notice = form.search("xyzzyq"), form.page.locator(".combobox .status")

    expect(options).to_have_count(1)
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("At an institution that the search does not find")
    bottom_and_top = """notice => [
        notice.getBoundingClientRect().bottom, notice.nextElementSibling.getBoundingClientRect().top
    ]"""
    bottom, top = notice.evaluate(bottom_and_top)
    assert bottom <= top, "the list must not lie over it"

    form.page.locator("#name").click()
    expect(options.first).to_be_hidden()
    expect(notice).to_be_visible()

    form.institution.fill("tsinghua")
    expect(form.options.first).to_contain_text("Tsinghua University")
    expect(notice).not_to_contain_text("No institution found")


def test_the_domain_of_the_address_proposes_an_institution_and_nothing_else_is_sent(
    form: Form,
) -> None:
    asked: list[str] = []
    form.page.on("request", lambda request: asked.append(request.url + (request.post_data or "")))

    form.page.locator("#email").fill("layla.secret@uaeu.ac.ae")
    form.page.locator("#email").press("Tab")
    form.page.get_by_role("button", name="United Arab Emirates University").click()

    expect(form.page.locator("input[name=institution]")).to_have_value("01km6p862")
    assert [url for url in asked if "domain=uaeu.ac.ae" in url]
    assert not [url for url in asked if "layla" in url]


# As people write it, in three scripts: the name, and a line pasted from a paper.
WRITTEN = {
    "en": ("The University of Nairobi", "Dept. of Physics, University of Nairobi, Nairobi, Kenya"),
    "ar": ("جامعة القاهرة", "كلية العلوم، جامعة القاهرة، الجيزة، مصر"),
    "zh-Hans": ("清华大学", "清华大学物理系，北京，中国"),
}
NAMES = {"en": "University of Nairobi", "ar": "جامعة القاهرة", "zh-Hans": "清华大学"}
FOUND = {"en": "02y9nww90", "ar": "03q21mh05", "zh-Hans": "03cve4549"}
DOMAINS = {"en": "students.uonbi.ac.ke", "ar": "sci.cu.edu.eg", "zh-Hans": "mails.tsinghua.edu.cn"}


@pytest.mark.parametrize("locale", WRITTEN)
def test_a_name_and_a_pasted_line_lead_to_the_institution(visitors: Visitors, locale: str) -> None:
    form = Form(visitors.come(), locale)
    for words in WRITTEN[locale]:
        form.institution.fill("")
        first = form.search(words).first
        expect(first).to_contain_text(NAMES[locale])
        form.institution.press("ArrowDown")
        form.institution.press("Enter")
        expect(form.page.locator("input[name=institution]")).to_have_value(FOUND[locale])


@pytest.mark.parametrize("locale", WRITTEN)
def test_a_mail_address_leads_to_the_institution(visitors: Visitors, locale: str) -> None:
    form = Form(visitors.come(), locale)
    form.page.locator("#email").fill(f"someone@{DOMAINS[locale]}")
    form.page.locator("#email").press("Tab")
    form.page.locator(".proposals button").first.click()
    expect(form.page.locator("input[name=institution]")).to_have_value(FOUND[locale])
