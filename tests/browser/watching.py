"""Chromium, and people who look at the site with it while we watch what happens behind the pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebError,
    expect,
    sync_playwright,
)

# No sandbox: in a container it needs rights that nobody should give. The others keep Chromium from calling home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 20_000


def installed() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def chromium() -> Iterator[Browser | None]:
    """The browser that CHROMIUM names, else the system's, else Playwright's own; None where there is none."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = installed() or playwright.chromium.executable_path
        if not Path(found).exists():
            yield None
            return
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


class Visitors:
    """Makes browser contexts for our sites; remembers errors, refusals of the CSP, and requests to other sites."""

    def __init__(self, browser: Browser, site: str, *others: str) -> None:
        self._browser = browser
        self._site = site
        self._ours = tuple(f"{ours}/" for ours in (site, *others))
        self._contexts: list[BrowserContext] = []
        self._errors: list[tuple[str, str]] = []
        self._strangers: list[str] = []
        self._refused: set[str] = set()

    def come(self, **options: Any) -> Page:
        """An empty page of a new person; `options` are those of Playwright's new_context()."""
        context = self._browser.new_context(**{"base_url": self._site} | options)
        context.on("console", self._console)
        context.on("weberror", self._crash)
        context.on("request", self._request)
        context.on("response", self._response)
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        return context.new_page()

    def leave(self) -> None:
        """Close all of them."""
        for context in self._contexts:
            context.close()

    def complaints(self) -> list[str]:
        """Everything that ought not to have happened. That a page itself may be an error is no complaint."""
        errors = [words for words, place in self._errors if place not in self._refused]
        return errors + [f"request to another site: {url}" for url in self._strangers]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._errors.append((f"{message.type}: {message.text}", message.location["url"]))

    def _crash(self, error: WebError) -> None:
        self._errors.append((f"script: {error.error}", ""))

    def _request(self, request: Request) -> None:
        if not request.url.startswith(self._ours):
            self._strangers.append(request.url)

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.request.is_navigation_request():
            self._refused.add(response.url)
