"""What a page costs someone who pays for every kilobyte: all that goes over the line for it, headers included."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.browser.foreign import foreign_site
from tests.browser.pages import INSTITUTION, PUBLIC
from tests.browser.watching import Visitors
from tests.conftest import FIGURE
from tests.stacks import Stack

pytestmark = pytest.mark.browser

KILOBYTE = 1000
Sizes = dict[str, tuple[int, int]]
Weigh = Callable[[str, Sizes, int], None]
Record = Callable[[str, object], None]
in_long_letters = pytest.mark.parametrize(
    "locale", ["en", "hi"]
)  # a letter of Hindi takes three bytes


def opened(page: Page, address: str, ours: str) -> Sizes:
    """Open it in a browser that has nothing yet; the bytes of head and body by what was fetched from us."""
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))  # noqa: PLW0108 (Playwright marks it)
    page.goto(address, wait_until="networkidle")
    sizes = {request.url: request.sizes() for request in requests if request.url.startswith(ours)}
    return {
        url.removeprefix(ours): (size["responseHeadersSize"], size["responseBodySize"])
        for url, size in sizes.items()
    }


@pytest.fixture
def weigh(record_property: Record) -> Weigh:
    """Hold what was fetched against a budget in kilobytes, and tell the figure at the end of all tests."""

    def weigh(what: str, sizes: Sizes, budget: int) -> None:
        kilobytes = sum(map(sum, sizes.values())) / KILOBYTE
        record_property(FIGURE, f"{what}: {kilobytes:.1f} kB of {budget}")
        assert kilobytes <= budget, sizes

    return weigh


@pytest.mark.parametrize(
    ("name", "budget"),
    [("front", 60), ("campaign", 60), ("institution", 40), ("form", 40), ("institution form", 40)],
)
@in_long_letters
def test_a_page_with_everything_it_loads_is_light(
    visitors: Visitors, stack: Stack, weigh: Weigh, locale: str, name: str, budget: int
) -> None:
    sizes = opened(visitors.come(), f"/{locale}/{PUBLIC[name]}", stack.site)
    weigh(f"page {name}, {locale}", sizes, budget)


@in_long_letters
def test_a_card_costs_its_host_next_to_nothing(
    browser: Browser, stack: Stack, weigh: Weigh, locale: str
) -> None:
    with foreign_site(stack.site) as foreign:
        guests = Visitors(browser, stack.site, foreign.origin)
        card = f'<heart-of-science institution="{INSTITUTION}"></heart-of-science>'
        sizes = opened(guests.come(), foreign.show("/", card, lang=locale), stack.site)
        guests.leave()

    assert len(sizes) == 2
    weigh("loader", {"": (0, sizes["/embed/v1.js"][1])}, 2)
    weigh(f"card with loader and data, {locale}", sizes, 6)


@in_long_letters
def test_the_framed_form_is_light(
    visitors: Visitors, stack: Stack, weigh: Weigh, locale: str
) -> None:
    address = f"{stack.site}/embed/{locale}/form?institution={INSTITUTION}"
    weigh(f"framed form, {locale}", opened(visitors.come(), address, stack.site), 15)
