"""The widgets on the page of somebody else, on another origin, under the strictest policy, in hostile company."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, FrameLocator, Locator, Page, Route, expect

from tests.browser.foreign import ForeignSite, foreign_site
from tests.browser.form import READING_SECONDS, code_of_letter, link_of_letter
from tests.browser.pages import INSTITUTION
from tests.browser.test_accessibility import LOOK
from tests.browser.watching import Visitors
from tests.scripted_person import CAMPAIGN, wait_for
from tests.stacks import Stack

pytestmark = pytest.mark.browser

WIDGETS = ("button", "counter", "card", "form")
# The registry has no Chinese name.
NAMES = {"ar": "جامعة الإمارات العربية المتحدة", "zh-Hans": "United Arab Emirates University"}
FRAMED = "form@127.0.0.1"
PLEDGE = {"ar": "تقديم التعهّد", "zh-Hans": "作出承诺"}
# Every property of a widget and of all in it: a picture would differ by where on the page the widget stands.
LOOKS = """(widget) => [widget, ...widget.querySelectorAll("*")].map((element) => {
    const style = getComputedStyle(element);
    return [...style].sort().map((name) => `${name}: ${style.getPropertyValue(name)}`);
})"""
HOSTILE = """
    * { all: unset !important; display: none !important; color: red !important; font-size: 60px !important;
        transform: rotate(90deg) !important; opacity: 0.1 !important; direction: ltr !important; }
    html, body, main { display: block !important; transform: none !important; opacity: 1 !important; }
    heart-of-science a, p, b, .widget, .pledge { background: red !important; padding: 90px !important; }
    html { font-size: 4px !important; }"""


@pytest.fixture
def foreign(stack: Stack) -> Iterator[ForeignSite]:
    with foreign_site(stack.site) as foreign:
        yield foreign


@pytest.fixture
def registered(stack: Stack, foreign: ForeignSite) -> ForeignSite:
    """The same, once the institution has registered it."""
    stack.rows("INSERT INTO embed_origins VALUES (%s, %s)", INSTITUTION, foreign.origin)
    return foreign


@pytest.fixture
def guests(browser: Browser, stack: Stack, foreign: ForeignSite) -> Iterator[Visitors]:
    """People on the foreign site; its pages may ask us and themselves for something, nobody else."""
    guests = Visitors(browser, stack.site, stack.mailbox, foreign.origin)
    yield guests
    guests.leave()
    assert guests.complaints() == []


def element(widget: str, lang: str = "", more: str = "") -> str:
    in_language = f'lang="{lang}"' if lang else ""
    return (
        f'<heart-of-science institution="{INSTITUTION}" widget="{widget}" {in_language} {more}>'
        f'<a href="#">The pledge</a></heart-of-science>'
    )


def frames(page: Page) -> list[FrameLocator]:
    found = page.locator("heart-of-science iframe")
    return [found.nth(number).content_frame for number in range(found.count())]


def height(locator: Locator) -> float:
    box = locator.bounding_box()
    assert box is not None
    return box["height"]


@pytest.mark.parametrize("lang", ["ar", "zh-Hans"])
def test_all_four_forms_stand_twice_on_a_page_of_another_origin(
    guests: Visitors, registered: ForeignSite, lang: str
) -> None:
    body = "".join(element(widget) for widget in WIDGETS * 2)
    page = guests.come()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(registered.show("/all/", body, lang=lang))

    for widget in WIDGETS[:3]:
        shown = page.locator(f"heart-of-science .widget.{widget}")
        expect(shown).to_have_count(2)
        for one in shown.all():
            expect(one).to_have_attribute("lang", lang)
            expect(one.locator(".pledge")).to_have_text(PLEDGE[lang])
    for name in page.locator(".counter .name").all():
        expect(name).to_have_text(NAMES[lang])
    for frame in frames(page):
        expect(frame.locator("html")).to_have_attribute("lang", lang)
        expect(frame.locator("form .button--big")).to_have_text(PLEDGE[lang])
    assert len([url for url in asked if "/embed/data/" in url]) == 1


def test_a_frame_is_as_high_as_its_form(guests: Visitors, registered: ForeignSite) -> None:
    page = guests.come()
    page.goto(registered.show("/form/", element("form")))
    frame = page.locator("iframe")
    expect(frame.content_frame.locator("form")).to_be_visible()
    before = height(frame)

    frame.content_frame.locator("summary").first.click()

    wait_for(lambda: height(frame) > before or None, "the frame to grow")
    inside = frame.content_frame.locator("body")
    wait_for(lambda: abs(height(frame) - height(inside)) < 2 or None, "the frame to fit")


def test_a_pledge_made_in_the_frame_and_confirmed_there_counts_for_institution_and_source(
    guests: Visitors, registered: ForeignSite, stack: Stack
) -> None:
    page = guests.come()
    page.goto(registered.show("/science/", element("form", "ar"), lang="en"))
    frame = page.locator("iframe").content_frame
    with one_more_from_the_frame(stack):
        pledge(frame, "سلمى الكعبي", "salma@example.org")
        frame.locator("#code").fill(code_of_letter(stack, "salma@example.org"))
        frame.locator(".button--big").click()
        expect(frame.get_by_role("heading", level=1)).to_have_text("أضاء نوركم")

    query = """SELECT institution_id, status, source, source_page FROM pledges
        JOIN people ON people.id = person_id WHERE address = 'salma@example.org'"""
    page_of_theirs = f"{registered.origin}/science/"
    assert stack.rows(query) == [(INSTITUTION, "confirmed", FRAMED, page_of_theirs)]


def test_a_pledge_made_in_the_frame_can_be_confirmed_by_the_button_in_the_mail(
    guests: Visitors, registered: ForeignSite, stack: Stack
) -> None:
    page = guests.come()
    page.goto(registered.show("/research/", element("form", "zh-Hans"), lang="en"))
    with one_more_from_the_frame(stack):
        pledge(page.locator("iframe").content_frame, "王秀兰", "xiulan@example.org")
        page.goto(link_of_letter(stack, "xiulan@example.org"))
        page.locator(".button--big").click()
        expect(page).to_have_url(re.compile("/zh-Hans/pledges/thanks/"))


def pledge(frame: FrameLocator, name: str, address: str) -> None:
    """Fill in the form in the frame and send it; return when it asks for the code."""
    frame.locator("#name").fill(name)
    frame.locator("#email").fill(address)
    frame.locator("#role").select_option("researcher")
    frame.locator("input[name=commitments]").first.check()
    frame.locator("input[name=listed]").first.check()
    frame.owner.page.wait_for_timeout(1000 * READING_SECONDS)
    frame.locator(".button--big").click()
    expect(frame.locator("#code")).to_be_visible()


@contextmanager
def one_more_from_the_frame(stack: Stack) -> Iterator[None]:
    """What happens inside adds one person to the institution and to those who came through the framed form."""
    keys = {"institution": INSTITUTION, "source": FRAMED}
    expected = {dimension: counted(stack, dimension, key) + 1 for dimension, key in keys.items()}
    yield

    def is_counted() -> bool | None:
        return {one: counted(stack, one, key) for one, key in keys.items()} == expected or None

    wait_for(is_counted, f"the counts {expected}")


def counted(stack: Stack, dimension: str, key: str) -> int:
    query = """SELECT count FROM tallies JOIN campaigns ON campaigns.id = campaign_id
        WHERE slug = %s AND dimension = %s AND key = %s AND kind = 'person'"""
    return sum(count for (count,) in stack.rows(query, CAMPAIGN, dimension, key))


def test_a_mistake_is_shown_in_the_frame(guests: Visitors, registered: ForeignSite) -> None:
    page = guests.come()
    page.goto(registered.show("/form/", element("form")))
    frame = page.locator("iframe").content_frame

    frame.locator(".button--big").click()

    expect(frame.locator(".error-summary")).to_be_focused()


def test_the_frame_works_without_loader_and_without_script(
    guests: Visitors, registered: ForeignSite, stack: Stack
) -> None:
    source = f"{stack.site}/embed/sw/form?institution={INSTITUTION}"
    page = guests.come(java_script_enabled=False)
    page.goto(
        registered.show("/frame/", f'<iframe src="{source}" referrerpolicy="origin"></iframe>')
    )
    frame = page.locator("iframe").content_frame

    frame.locator("#name").fill("Juma")
    frame.locator(".button--big").click()

    expect(frame.locator(".error-summary")).to_be_visible()
    expect(frame.locator("#name")).to_have_value("Juma")


def test_hostile_style_of_the_host_changes_nothing(
    guests: Visitors, registered: ForeignSite
) -> None:
    body = "".join(element(widget, "ar") for widget in ("card", "counter", "button"))
    calm, hostile = guests.come(), guests.come()

    calm.goto(registered.show("/calm/", body))
    hostile.goto(registered.show("/hostile/", body, css=HOSTILE))

    for widget in ("card", "counter", "button"):
        one, other = (page.locator(f".widget.{widget}") for page in (calm, hostile))
        expect(one).to_be_visible()
        expect(other).to_be_visible()
        assert other.evaluate(LOOKS) == one.evaluate(LOOKS), widget


def test_a_host_that_is_not_registered_cannot_frame_the_form(
    browser: Browser, stack: Stack, foreign: ForeignSite
) -> None:
    others = Visitors(
        browser, stack.site, foreign.origin
    )  # their browser complains, as it ought to
    page = others.come()
    page.goto(foreign.show("/stranger/", element("form", "zh-Hans")))

    expect(page.locator(".widget.card .name")).to_have_text(NAMES["zh-Hans"])

    link = page.locator(".widget.card .pledge")
    assert f"via=card&host={foreign.origin.replace(':', '%3A').replace('/', '%2F')}" in (
        link.get_attribute("href") or ""
    )
    assert "frame-ancestors" in "".join(others.complaints())
    assert page.locator("iframe").count() == 0
    others.leave()


def test_the_page_sets_the_look(guests: Visitors, registered: ForeignSite) -> None:
    css = "heart-of-science { --heart-accent: rgb(122, 0, 25); --heart-radius: 0px; }"
    page, held = guests.come(), []
    page.route("**/look/style.css", lambda route: held.append(route))  # noqa: PLW0108 (Playwright looks at it)
    page.goto(
        registered.show("/look/", element("card") + element("form"), css=css), wait_until="commit"
    )

    # Frames of animation wait for the style sheet, as the form must.
    is_loaded = "!!customElements.get('heart-of-science')"
    wait_for(lambda: page.evaluate(is_loaded) or None, "the loader")
    held[0].continue_()

    expect(page.locator(".pledge")).to_have_css("background-color", "rgb(122, 0, 25)")
    button = page.locator("iframe").content_frame.locator(".button--big")
    expect(button).to_have_css("background-color", "rgb(122, 0, 25)")
    expect(button).to_have_css("border-start-start-radius", "0px")


@pytest.mark.parametrize(
    ("accent", "ink"),
    [
        ("oklch(90% 0.1 90)", "rgb(11, 22, 51)"),
        ("color(srgb 1 1 1)", "rgb(11, 22, 51)"),
        ("rgb(0 0 0 / 5%)", "rgb(11, 22, 51)"),
        ("color(display-p3 0.3 0 0.1)", "rgb(255, 255, 255)"),
    ],
)
def test_words_on_the_accent_can_be_read_however_it_is_written(
    guests: Visitors, registered: ForeignSite, accent: str, ink: str
) -> None:
    css = f"heart-of-science {{ --heart-accent: {accent}; }}"
    page = guests.come()

    page.goto(registered.show("/ink/", element("button"), css=css))
    page.locator("heart-of-science").evaluate("one => one.setAttribute('widget', 'form')")

    button = page.locator("iframe").content_frame.locator(".button--big")
    expect(button).to_have_css("color", ink)


def test_a_message_from_another_origin_changes_nothing(
    guests: Visitors, registered: ForeignSite
) -> None:
    page = guests.come()
    page.goto(registered.show("/form/", element("form")))
    frame = page.locator("iframe")
    expect(frame.content_frame.locator("form")).to_be_visible()
    before = height(frame)

    page.evaluate("postMessage({ height: 7 }, '*')")
    page.evaluate("new Promise(requestAnimationFrame)")

    assert height(frame) == before


def test_attributes_can_change_afterwards(guests: Visitors, registered: ForeignSite) -> None:
    page = guests.come()
    page.goto(registered.show("/live/", element("button", "en")))
    expect(page.locator(".widget.button")).to_be_visible()

    page.locator("heart-of-science").evaluate("one => one.setAttribute('widget', 'counter')")

    expect(page.locator(".widget.counter")).to_be_visible()
    expect(page.locator(".widget.button")).to_have_count(0)


def test_an_answer_that_comes_late_does_not_take_the_place_of_the_form(
    guests: Visitors, registered: ForeignSite
) -> None:
    page = guests.come()

    def change_first(route: Route) -> None:
        page.locator("heart-of-science").evaluate("one => one.setAttribute('widget', 'form')")
        route.continue_()

    page.route("**/embed/data/**", change_first)
    with page.expect_response("**/embed/data/**") as late:
        page.goto(registered.show("/late/", element("card")))
    late.value.finished()

    expect(page.locator("iframe").content_frame.locator("form")).to_be_visible()
    expect(page.locator(".widget")).to_have_count(0)


def test_what_failed_once_is_asked_for_again(
    browser: Browser, stack: Stack, foreign: ForeignSite
) -> None:
    others = Visitors(browser, stack.site, foreign.origin)  # their browser tells of the failure
    page = others.come()
    page.route("**/embed/data/**", lambda route: route.abort(), times=1)
    with page.expect_event("requestfailed"):
        page.goto(foreign.show("/again/", element("button")))
    page.evaluate("new Promise(requestAnimationFrame)")

    page.locator("heart-of-science").evaluate("one => one.setAttribute('widget', 'card')")

    expect(page.locator(".widget.card")).to_be_visible()
    others.leave()


@pytest.mark.parametrize("widget", WIDGETS)
def test_what_cannot_be_had_leaves_the_link_of_the_page(
    browser: Browser, stack: Stack, foreign: ForeignSite, widget: str
) -> None:
    others = Visitors(browser, stack.site, foreign.origin)
    page = others.come()
    body = element(widget).replace(INSTITUTION, "000000000") + element("card")
    page.goto(foreign.show("/unknown/", body))

    known, unknown = page.locator(".widget.card"), page.locator("heart-of-science").first
    expect(known).to_be_visible()
    expect(page.locator("iframe")).to_have_count(0)
    expect(unknown.get_by_role("link", name="The pledge")).to_be_visible()
    assert unknown.evaluate("one => one.shadowRoot.textContent") == ""
    others.leave()


@pytest.mark.parametrize(
    ("lang", "theme"), [("en", "light"), ("ar", "dark"), ("zh-Hans", "dark"), ("ur", "light")]
)
def test_axe_finds_nothing(
    guests: Visitors, registered: ForeignSite, lang: str, theme: str
) -> None:
    widgets = "".join(element(widget, more=f'theme="{theme}"') for widget in WIDGETS)
    page = guests.come(bypass_csp=True, viewport={"width": 390, "height": 844})
    page.goto(registered.show("/axe/", f"<h1>…</h1>{widgets}", lang=lang))
    expect(page.locator(".widget")).to_have_count(3)
    form = page.locator("iframe").content_frame.locator("form")
    expect(form).to_be_visible()

    found = []
    for frame in page.frames:
        frame.evaluate(AXE_SCRIPT)
    found += page.evaluate(LOOK, [[], []])

    assert found == []


def test_the_composer_shows_at_once_what_is_chosen(visitors: Visitors) -> None:
    page = visitors.come()
    page.goto(f"/en/embed/?institution={INSTITUTION}")
    expect(page.locator(".preview .widget.card")).to_be_visible()

    page.locator("input[name=widget][value=form]").check()
    page.locator("#language").select_option("ar")

    form = page.locator(".preview iframe").content_frame
    expect(form.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("pre").first).to_contain_text('widget="form" lang="ar"')
    assert re.search("widget=form", page.url)
    page.evaluate(AXE_SCRIPT)
    form.locator("html").evaluate(f"() => {{ {AXE_SCRIPT} }}")
    assert page.evaluate(LOOK, [[], []]) == []
