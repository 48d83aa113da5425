"""A real site for all browser tests, a real Chromium, and a watch over everything that its pages complain about."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.watching import Visitors, chromium
from tests.stacks import Stack, running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Only for this package: in its thread nobody else can run an event loop."""
    with chromium() as browser:
        if browser is None:
            pytest.skip(
                "no browser: install chromium, or name one in the environment variable CHROMIUM"
            )
        yield browser


@pytest.fixture(scope="package")
def stack(browser: Browser) -> Iterator[Stack]:
    """The site as `make run` starts it, once there is a browser. The other packages need the processor."""
    with running("--demo") as stack:
        yield stack


@pytest.fixture
def visitors(browser: Browser, stack: Stack) -> Iterator[Visitors]:
    """Makes people with browsers of their own. The test fails when a page complained to any of them."""
    visitors = Visitors(browser, stack.site, stack.mailbox)
    yield visitors
    visitors.leave()
    assert visitors.complaints() == []
