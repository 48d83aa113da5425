"""What a page costs someone who pays for every kilobyte."""

import pytest
from playwright.sync_api import Request

from tests.browser.pages import PUBLIC
from tests.browser.watching import Visitors

pytestmark = pytest.mark.browser

KILOBYTE = 1000


@pytest.mark.parametrize(
    ("name", "budget"), [("campaign", 30), ("form", 40), ("institution form", 40)]
)
@pytest.mark.parametrize("locale", ["en", "hi"])  # a letter of Hindi takes three bytes
def test_a_page_with_everything_it_loads_is_light(
    visitors: Visitors, locale: str, name: str, budget: int
) -> None:
    page = visitors.come()
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))  # noqa: PLW0108 (Playwright marks it)

    page.goto(f"/{locale}/{PUBLIC[name]}", wait_until="networkidle")

    transferred = {request.url: request.sizes() for request in requests}
    sizes = {
        url: size["responseHeadersSize"] + size["responseBodySize"]
        for url, size in transferred.items()
    }
    assert sum(sizes.values()) <= budget * KILOBYTE, sizes
