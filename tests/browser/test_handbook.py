"""Each picture in the handbook of the desk shows a page that is still there."""

import pytest
from playwright.sync_api import Browser

from tests.browser.handbook import PICTURES, open_as_demonstrator
from tests.stacks import Stack

pytestmark = pytest.mark.browser


def test_the_page_of_each_picture_has_its_heading(stack: Stack, browser: Browser) -> None:
    page = browser.new_page(base_url=stack.desk)
    open_as_demonstrator(stack, page)
    for show in PICTURES.values():
        show(page)
    page.close()
