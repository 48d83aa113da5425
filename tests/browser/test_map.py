"""The map of lights by mouse, by key, by finger, and as time goes by."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.watching import Visitors

pytestmark = pytest.mark.browser

PLACE = """light => {
    const { x, y } = light.querySelector("use");
    const point = new DOMPoint(x.baseVal.value, y.baseVal.value).matrixTransform(light.getScreenCTM());
    return [point.x, point.y];
}"""
UPPERMOST = "([x, y]) => document.elementFromPoint(x, y).closest('a').getAttribute('href')"
LIT = """() => [...document.querySelectorAll(".map__frame [class^=m]")]
    .filter((light) => getComputedStyle(light).opacity !== "0").length"""
COLOUR = "land => getComputedStyle(land).fill"


def front(visitors: Visitors, **options: object) -> Page:
    page = visitors.come(**options)
    page.goto("/en/")
    return page


def lights(page: Page) -> Locator:
    return page.locator(".map__frame a")


def name_of(light: Locator) -> str:
    found: str = light.locator("title").evaluate("title => title.textContent")
    return found


def test_a_finger_learns_whose_light_it_is_before_it_goes_there(visitors: Visitors) -> None:
    page = front(visitors, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    light = lights(page).first
    light.scroll_into_view_if_needed()
    x, y = light.evaluate(PLACE)

    page.touchscreen.tap(x + 3, y + 3)
    link = page.locator("[data-note] a")
    expect(link).to_have_text(re.compile("pledged"))
    expect(page).to_have_url(re.compile("/en/$"))
    link.tap()

    expect(page).to_have_url(re.compile("/en/(institutions|countries)/"))


def test_a_mouse_names_the_light_and_a_click_follows_it(visitors: Visitors) -> None:
    page = front(visitors)
    light = lights(page).first
    light.scroll_into_view_if_needed()
    x, y = light.evaluate(PLACE)

    page.mouse.move(x, y)
    expect(page.locator("[data-note]")).to_have_text(name_of(light))
    address = light.get_attribute("href")
    page.mouse.click(x, y)

    expect(page).to_have_url(re.compile(f"{address}$"))


def test_a_click_with_a_key_held_opens_a_new_tab(visitors: Visitors) -> None:
    page = front(visitors)
    light = lights(page).first
    light.scroll_into_view_if_needed()
    x, y = light.evaluate(PLACE)
    address = page.evaluate(UPPERMOST, [x, y])

    page.keyboard.down("ControlOrMeta")
    with page.context.expect_page() as tab:
        page.mouse.click(x, y)

    expect(tab.value).to_have_url(re.compile(f"{address}$"))
    expect(page).to_have_url(re.compile("/en/$"))


def test_the_key_goes_through_the_brightest_lights_and_out_again(visitors: Visitors) -> None:
    page = front(visitors)
    page.locator(".hero .button--big").focus()

    page.keyboard.press("Tab")
    expect(lights(page).first).to_be_focused()
    expect(page.locator("[data-note]")).to_have_text(name_of(lights(page).first))
    for _ in range(40):
        page.keyboard.press("Tab")

    assert not page.evaluate("() => document.activeElement.closest('.map__frame')")


def test_the_years_go_by_and_the_lights_come_on(visitors: Visitors) -> None:
    page = front(visitors, reduced_motion="reduce")
    slider = page.locator(".map input[type=range]")
    expect(slider).to_be_visible()
    all_of_them = page.evaluate(LIT)

    slider.focus()
    page.keyboard.press("Home")
    at_first, told = page.evaluate(LIT), page.locator("[data-month]").text_content()
    page.keyboard.press("End")

    assert 0 < at_first < page.evaluate(LIT) == all_of_them
    expect(page.locator("[data-month]")).not_to_have_text(told or "")


def test_who_wants_no_motion_is_offered_none(visitors: Visitors) -> None:
    assert not front(visitors, reduced_motion="reduce").locator("[data-play]").is_visible()
    assert front(visitors).locator("[data-play]").is_visible()


def test_the_lights_come_on_by_themselves_when_asked(visitors: Visitors) -> None:
    page = front(visitors)
    slider = page.locator(".map input[type=range]")
    page.locator("[data-play]").click()
    assert int(slider.input_value()) < int(slider.get_attribute("max") or 0)
    expect(slider).to_have_value(slider.get_attribute("max") or "")


@pytest.mark.parametrize("scripts", [True, False])
def test_there_is_a_map_by_day(visitors: Visitors, scripts: bool) -> None:
    page = front(visitors, java_script_enabled=scripts)
    page.get_by_label("Map by day").check()
    day = page.locator(".land").evaluate(COLOUR)
    page.get_by_label("Map by day").uncheck()
    assert day != page.locator(".land").evaluate(COLOUR)


def test_without_scripts_a_light_is_a_link_and_nothing_useless_is_shown(visitors: Visitors) -> None:
    page = front(visitors, java_script_enabled=False)
    assert not page.locator(".map__time").is_visible()
    light = lights(page).first
    light.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/en/(institutions|countries)/"))
