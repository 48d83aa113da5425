"""Pictures of a new site with its demonstration: ``python -m tests.browser.screenshots FOLDER``.

Those of the desk in its handbook: ``python -m tests.browser.screenshots handbook docs/pictures``.
"""

import sys
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser import handbook
from tests.browser.pages import PUBLIC
from tests.browser.watching import chromium
from tests.stacks import Stack, running

PAGES = ("front", "campaign", "form", "country", "institution")
LOCALES = ("en", "ar", "zh-Hans")
WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")


def main(folder: Path, *, of_desk: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running("--demo") as stack, chromium() as browser:
        if browser is None:
            sys.exit(
                "No browser: install chromium, or name one in the environment variable CHROMIUM."
            )
        if of_desk:
            handbook.take(stack, browser, folder)
            return
        for width, scheme in product(WIDTHS, SCHEMES):
            take_pictures(stack, browser, folder, width, scheme)


def take_pictures(stack: Stack, browser: Browser, folder: Path, width: int, scheme: str) -> None:
    """Each page in each language, as long as it is, at one width in one colour scheme."""
    context = browser.new_context(
        base_url=stack.site, viewport={"width": width, "height": 844}, color_scheme=scheme
    )
    page = context.new_page()
    for name, locale in product(PAGES, LOCALES):
        page.goto(f"/{locale}/{PUBLIC[name]}")
        page.screenshot(path=folder / f"{name}-{locale}-{width}-{scheme}.png", full_page=True)
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[-1]), of_desk=sys.argv[1] == "handbook")
