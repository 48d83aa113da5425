"""No page keeps anybody out: axe finds nothing, nothing runs over the edge of a telephone.

In English and Arabic, axe looks at every page on a telephone and on a desktop, light and dark; of the second scheme
at the contrast only, since nothing else of a page depends on it. In Chinese and Urdu it looks at each page once,
telephone and desktop, light and dark in turn. AXE_EVERYWHERE=1 makes it look at all of them everywhere.
"""

import os
from uuid import uuid4

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Page

from tests.browser.pages import ALL, MISSING, PRIVATE, PUBLIC, links
from tests.browser.watching import Visitors
from tests.stacks import Stack
from tests.web.browsing import LANGUAGES

pytestmark = pytest.mark.browser

THOROUGHLY, IN_TURN = ("en", "ar"), ("zh-Hans", "ur")
VIEWS = ((390, "light"), (390, "dark"), (1280, "dark"), (1280, "light"))
ALL_RULES: list[str] = []
FORMS = ("form", "institution form", "sent", "ask")
NO_PAGES = {
    "static",
    "root.choose_language",
    "root.health",
    "web.institution_search",
    "web.institution_proposals",
    "mine.export",
}

# A colour that is still changing has the contrast of neither end.
SETTLE = "() => Promise.all(document.getAnimations().map(animation => animation.finished))"
LOOK = """async rules => {
    const options = { resultTypes: ["violations"], ...(rules.length ? { runOnly: rules } : {}) };
    const { violations } = await axe.run(document, options);
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}"""
OVERFLOWING = """() => {
    const said = (element) => `${element.outerHTML.slice(0, 120)} ${JSON.stringify(element.getBoundingClientRect())}`;
    const visible = [...document.querySelectorAll("body *:not(.vh, .skip, .elsewhere, .elsewhere *)")]
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().width > 1);
    const outside = visible.filter((element) => {
        const { left, right } = element.getBoundingClientRect();
        return left < -1 || right > innerWidth + 1;
    });
    const cut = visible.filter((element) => element.matches("button, .button") && element.clientWidth > 0
        && (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1));
    const wide = document.documentElement.scrollWidth > innerWidth ? [document.documentElement] : [];
    return [...wide, ...outside, ...cut].map(said);
}"""


@pytest.fixture(scope="package")
def paths(stack: Stack) -> dict[str, dict[str, str]]:
    """The path of every page by language and name."""
    return {
        locale: {
            name: f"/{locale}/{path.format(**links(stack, locale))}" for name, path in ALL.items()
        }
        for locale in THOROUGHLY + IN_TURN
    }


def views(locale: str, name: str) -> tuple[tuple[int, str], ...]:
    """The widths and schemes in which axe looks at a page in this language."""
    if locale in THOROUGHLY or os.environ.get("AXE_EVERYWHERE"):
        return VIEWS
    turn = [*ALL].index(name) + IN_TURN.index(locale)
    return (VIEWS[turn % len(VIEWS)],)


def violations(page: Page, locale: str, name: str) -> list[str]:
    """What axe finds wrong with the open page. Its script is evaluated, for the page's policy lets no tag add it."""
    page.evaluate(AXE_SCRIPT)
    found, looked_at = [], 0
    for width, scheme in views(locale, name):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLE)
        rules = ["color-contrast"] if width == looked_at else ALL_RULES
        found += [f"{locale} {width} {scheme} {words}" for words in page.evaluate(LOOK, rules)]
        looked_at = width
    return found


@pytest.mark.parametrize("name", ALL)
def test_axe_finds_nothing(visitors: Visitors, paths: dict[str, dict[str, str]], name: str) -> None:
    page = visitors.come()
    found = []

    for locale, of_locale in paths.items():
        page.goto(of_locale[name])
        found += violations(page, locale, name)

    assert found == []


@pytest.mark.parametrize("name", FORMS)
def test_axe_finds_nothing_in_what_a_form_says_about_mistakes(
    visitors: Visitors, paths: dict[str, dict[str, str]], name: str
) -> None:
    page = visitors.come()
    found = []

    for locale, of_locale in paths.items():
        page.goto(of_locale[name])
        page.locator("main form button:visible").last.click()
        page.locator(".error-summary").wait_for()
        found += violations(page, locale, name)

    assert found == []


@pytest.mark.parametrize("locale", LANGUAGES)
def test_nothing_runs_over_the_edge_of_the_narrowest_telephone(
    visitors: Visitors, locale: str
) -> None:
    page = visitors.come(viewport={"width": 320, "height": 640})
    found = []

    for path in (PUBLIC | MISSING).values():
        page.goto(f"/{locale}/{path}")
        found += [f"{path} {words}" for words in page.evaluate(OVERFLOWING)]

    assert found == []


def test_axe_looks_at_every_page_of_the_site(app: Flask) -> None:
    routes = app.url_map.bind("localhost")
    filled_in = dict.fromkeys(("sent", "confirm", "thanks", "mine"), "token") | {
        "pledge": str(uuid4())
    }

    looked_at = {
        routes.match(f"/en/{path.format(**filled_in)}")[0] for path in (PUBLIC | PRIVATE).values()
    }

    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert pages - NO_PAGES == looked_at
