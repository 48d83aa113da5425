"""No page keeps anybody out: axe finds nothing, nothing runs over the edge of a telephone.

In English, axe looks at every page on a telephone and on a desktop, light and dark; of the second scheme at the
contrast only, since nothing else of a page depends on it. In Arabic it looks at both sizes, light or dark in turn;
in Chinese and Urdu, and at forms with mistakes, once. Languages with long words or another direction or script are
looked at on every page of a narrow telephone, the others on every third. AXE_EVERYWHERE=1 makes it look
everywhere, which takes some minutes more.
"""

import os
from collections.abc import Mapping, Sequence
from uuid import uuid4

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Page

from tests.browser.pages import ALL, MISSING, PUBLIC, links
from tests.browser.watching import Visitors
from tests.stacks import Stack
from tests.web.browsing import LANGUAGES

pytestmark = pytest.mark.browser

Paths = dict[str, dict[str, str]]
View = tuple[int, str]
LOOKED_AT = ("en", "ar", "zh-Hans", "ur")
OFTEN_TOO_LONG = ("en", "ar", "hi", "ru")
VIEWS = ((390, "light"), (390, "dark"), (1280, "dark"), (1280, "light"))
ALL_RULES: list[str] = []
EVERYWHERE = bool(os.environ.get("AXE_EVERYWHERE"))
# The same lines of a template make all rows of a list: the first ones are enough.
LEFT_OUT = (
    []
    if EVERYWHERE
    else ["tr:nth-child(n + 20)", "li:nth-child(n + 20)", ".operation:nth-of-type(n + 3)"]
)
FORMS = ("form", "institution form", "sent", "ask")
NO_PAGES = {
    "static",
    "root.choose_language",
    "root.health",
    "root.ready",
    "root.logo",
    "web.institution_search",
    "web.institution_proposals",
    "my_pledges.export",
    "map.map_picture",
    "charts.svg",
    "charts.png",
    "charts.csv",
    "certificates.certificate",
    "certificates.certificate_card",
    "posters.poster",
    "downloads.dataset",
    "downloads.download",
    "web.front_card",
    "web.campaign_card",
    "web.place_card",
    "web.place_qr",
    # On pages of others: tests/browser/test_widgets.py looks at them there.
    "embed.loader",
    "embed.data",
    "embed.badge",
    "embed.oembed",
    "frames.choose_language",
    "frames.form",
    "frames.sent",
    "frames.thanks",
}

# A colour that is still changing has the contrast of neither end.
SETTLE = """() => document.getAnimations()
    .filter((animation) => animation instanceof CSSTransition).forEach((transition) => transition.finish())"""
LOOK = """async ([exclude, rules]) => {
    const options = { resultTypes: ["violations"], ...(rules.length ? { runOnly: rules } : {}) };
    const { violations } = await axe.run({ exclude }, options);
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}"""
OVERFLOWING = """() => {
    const said = (element) => `${element.outerHTML.slice(0, 120)} ${element.getBoundingClientRect().right}`;
    const visible = [...document.querySelectorAll("body *:not(.vh, .skip, .elsewhere, .elsewhere *)")]
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().width > 1)
        .filter((element) => !element.closest("pre *"));  // a listing scrolls by itself
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
def paths(stack: Stack) -> Paths:
    """The path of every page by language and name."""
    return {locale: paths_in(locale, links(stack, locale)) for locale in LOOKED_AT}


def paths_in(locale: str, filled_in: Mapping[str, str]) -> dict[str, str]:
    return {name: f"/{locale}/{path.format(**filled_in)}" for name, path in ALL.items()}


def in_turn(locale: str, name: str) -> tuple[View, ...]:
    """One view, another for each page and each language; or all."""
    if EVERYWHERE:
        return VIEWS
    turn = [*ALL].index(name) + LOOKED_AT.index(locale)
    return (VIEWS[turn % len(VIEWS)],)


def views_of(locale: str, name: str) -> tuple[View, ...]:
    """All views in English, both sizes in Arabic, one elsewhere."""
    if locale == "en":
        return VIEWS
    if locale == "ar" and not EVERYWHERE:
        return VIEWS[[*ALL].index(name) % 2 :: 2]
    return in_turn(locale, name)


def violations(page: Page, views: Sequence[View]) -> list[str]:
    """What axe finds wrong with the open page. Its script is evaluated: the page's policy lets no tag add it."""
    page.evaluate(AXE_SCRIPT)
    found, looked_at = [], 0
    for width, scheme in views:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLE)
        rules = ["color-contrast"] if width == looked_at else ALL_RULES
        found += [
            f"{page.url} {width} {scheme} {words}"
            for words in page.evaluate(LOOK, [LEFT_OUT, rules])
        ]
        looked_at = width
    return found


@pytest.mark.parametrize("name", ALL)
def test_axe_finds_nothing(visitors: Visitors, paths: Paths, name: str) -> None:
    page = visitors.come()
    found = []

    for locale, path in paths.items():
        page.goto(path[name])
        found += violations(page, views_of(locale, name))

    assert found == []


@pytest.mark.parametrize("name", FORMS)
def test_axe_finds_nothing_in_what_a_form_says_about_mistakes(
    visitors: Visitors, paths: Paths, name: str
) -> None:
    page = visitors.come()
    found = []

    for locale, path in paths.items():
        page.goto(path[name])
        page.locator("main form button:visible").last.click()
        page.locator(".error-summary").wait_for()
        found += violations(page, in_turn(locale, name))

    assert found == []


@pytest.mark.parametrize("locale", LANGUAGES)
def test_nothing_runs_over_the_edge_of_the_narrowest_telephone(
    visitors: Visitors, paths: Paths, locale: str
) -> None:
    page = visitors.come(viewport={"width": 320, "height": 640})
    public = {name: f"/{locale}/{path}" for name, path in PUBLIC.items()}
    found = []

    looked_at = [*paths.get(locale, public).values()]
    if locale not in OFTEN_TOO_LONG and not EVERYWHERE:
        looked_at = looked_at[LANGUAGES.index(locale) % 3 :: 3]
    for path in looked_at:
        page.goto(path)
        found += [f"{path} {words}" for words in page.evaluate(OVERFLOWING)]

    assert found == []


def test_axe_looks_at_every_page_of_the_site(app: Flask) -> None:
    routes = app.url_map.bind("localhost")
    links = dict.fromkeys(("sent", "confirm", "thanks", "mine", "number"), "token")

    seen = paths_in("en", links | {"pledge": str(uuid4())})
    looked_at = {routes.match(path)[0] for name, path in seen.items() if name not in MISSING}

    rules = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/api/")]
    pages = {rule.endpoint for rule in rules if "GET" in (rule.methods or ())}
    assert pages - NO_PAGES == looked_at
