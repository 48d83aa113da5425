"""What a page costs someone who pays for every kilobyte."""

import gzip

import pytest
from playwright.sync_api import Response

from tests.browser.pages import PUBLIC
from tests.browser.watching import Visitors

pytestmark = pytest.mark.browser

KILOBYTE = 1000


@pytest.mark.parametrize(("name", "budget"), [("campaign", 30), ("form", 40)])
@pytest.mark.parametrize("locale", ["en", "hi"])  # a letter of Hindi takes three bytes
def test_a_page_with_everything_it_loads_is_light(
    visitors: Visitors, locale: str, name: str, budget: int
) -> None:
    page = visitors.come()
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response))

    page.goto(f"/{locale}/{PUBLIC[name]}", wait_until="networkidle")

    compressed = {answer.url: len(gzip.compress(answer.body())) for answer in answers}
    assert sum(compressed.values()) <= budget * KILOBYTE, compressed
