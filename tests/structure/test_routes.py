"""Every route says who may use it, lives below a language or has a reason not to, and changes nothing on GET."""

import re
from pathlib import Path

import pytest
from flask import Flask

from campaign import web
from campaign.http.access import ANYONE, KEY_HOLDER, LINK_HOLDER

OUTSIDE_THE_LANGUAGES = {
    "/",
    "/health",
    "/ready",
    # A picture has no language.
    "/logos/<digest>.png",
    "/static/<path:filename>",
    # What pages of other sites load: their addresses never change.
    "/embed/v1.js",
    "/embed/data/<ror_id>.json",
    "/embed/form",
    "/badge/<ror_id>.svg",
    "/oembed",
    # The dataset is the same in every language.
    "/data/",
    "/data/<name>",
    # Leads to the reference in the reader's language.
    "/api/",
}

# A POST that only asks: a list to match does not fit into an address.
READS_BY_POST = {"api.institution_match"}


def test_every_route_states_who_may_use_it(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        access = getattr(app.view_functions[rule.endpoint], "access", None)
        assert access in {ANYONE, KEY_HOLDER, LINK_HOLDER} or rule.endpoint == "static", (
            rule.endpoint
        )


def test_every_page_lives_below_a_language(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        below_a_language = rule.rule.startswith(("/<locale>/", "/embed/<locale>/", "/api/v1/"))
        assert below_a_language or rule.rule in OUTSIDE_THE_LANGUAGES, rule.rule


def test_pages_for_link_holders_take_the_link(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        access = getattr(app.view_functions[rule.endpoint], "access", ANYONE)
        assert (access == LINK_HOLDER) == ("token" in rule.arguments), rule.endpoint


def test_no_view_serves_both_get_and_post(app: Flask) -> None:
    """Reading and changing are different functions, so that no GET can reach what changes."""
    for rule in app.url_map.iter_rules():
        methods = set(rule.methods or ()) - {"HEAD", "OPTIONS"}
        assert len(methods) == 1, rule.endpoint


def test_what_pages_of_other_sites_may_post_to_only_reads(app: Flask) -> None:
    marked = {name for name, view in app.view_functions.items() if hasattr(view, "only_reads")}
    assert marked == READS_BY_POST


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_posts_from_other_sites_are_refused(app: Flask, site: str) -> None:
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and rule.endpoint not in READS_BY_POST:
            path = rule.rule.replace("<locale>", "en").replace(
                "<uuid:pledge_id>", "0" * 8 + "-0000-4000-8000-" + "0" * 12
            )
            answer = app.test_client().post(path, headers={"Sec-Fetch-Site": site})
            assert answer.status_code == 403, rule.endpoint


def test_every_module_with_views_is_a_listed_part() -> None:
    """A view exists once its module is imported: by the list, not because some other module happens to need it."""
    assert web.__file__ is not None
    modules = {
        f"campaign.web.{path.stem}"
        for path in Path(web.__file__).parent.glob("*.py")
        if re.search(r"^@\w+\.(get|post)\(", path.read_text("utf-8"), re.MULTILINE)
    }
    assert modules == {part.__name__ for part in web.PARTS}
