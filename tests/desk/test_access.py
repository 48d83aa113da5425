"""Nobody gets in by default: without a session, with another site's request, or without the right."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from campaign.clock import now
from campaign.db import db
from campaign.desk.access import SETTING_UP, SIGNED_IN
from campaign.http.access import ANYONE
from campaign.staff import sessions
from campaign.staff.models import StaffSession
from campaign.staff.policy import IDLE, LONGEST_SESSION
from campaign.staff.rules import PERMISSIONS, Permission, Role
from tests.conftest import Browser
from tests.desk.conftest import Desk
from tests.factories import account

ARGUMENT = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")


def path_of(rule: Rule) -> str:
    """An address of this route that leads to nothing that exists."""
    values = {"uuid": str(uuid4()), "int": "999999999"}
    return ARGUMENT.sub(lambda found: values.get(found[1] or "", "nothing"), rule.rule)


def routes(desk: Flask) -> Iterator[tuple[str, str, object]]:
    """Method, address and label of every view."""
    for rule in desk.url_map.iter_rules():
        if rule.endpoint != "static":
            label = getattr(desk.view_functions[rule.endpoint], "access", None)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, path_of(rule), label


def test_every_view_says_who_may_use_it(desk: Flask) -> None:
    for method, path, label in routes(desk):
        known = label in {ANYONE, SIGNED_IN, SETTING_UP}
        assert known or (isinstance(label, frozenset) and label <= set(Permission)), (method, path)


def test_no_view_serves_both_get_and_post(desk: Flask) -> None:
    for rule in desk.url_map.iter_rules():
        assert len((rule.methods or set()) - {"HEAD", "OPTIONS"}) == 1, rule.endpoint


def test_without_a_session_everything_asks_for_one(desk: Flask, visitor: Desk) -> None:
    for method, path, label in routes(desk):
        if label != ANYONE:
            assert visitor.open(path, method=method).status_code == 401, (method, path)


@pytest.mark.parametrize("role", Role)
def test_a_role_reaches_what_its_permissions_name_and_nothing_else(
    desk: Flask, sign_in: Callable[..., Desk], role: Role
) -> None:
    browser = sign_in(role)
    for method, path, label in routes(desk):
        if isinstance(label, frozenset):
            status = browser.open(path, method=method, buffered=True).status_code
            assert (status == 403) == (not label & PERMISSIONS[role]), (method, path, status)


FOREIGN = (
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8000"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8000"},
    {"Sec-Fetch-Site": "none", "Origin": "http://localhost"},
)


@pytest.mark.parametrize("headers", FOREIGN)
def test_posts_from_elsewhere_are_refused(
    desk: Flask, sign_in: Callable[..., Desk], headers: dict[str, str]
) -> None:
    browser = sign_in()
    for method, path, _ in routes(desk):
        if method == "POST":
            assert browser.post(path, headers=headers).status_code == 403, path


def test_posts_that_do_not_say_where_they_come_from_are_refused(
    desk: Flask, session: Session
) -> None:
    plain = Browser(desk, desk.response_class)
    for method, path, _ in routes(desk):
        if method == "POST":
            assert plain.post(path).status_code == 403, path


def test_posts_without_the_token_of_the_session_are_refused(sign_in: Callable[..., Desk]) -> None:
    browser = sign_in()
    browser.token = "0" * 64
    assert browser.post("/me/sessions/end/").status_code == 403


def test_an_unknown_address_says_nothing_to_strangers(
    visitor: Desk, sign_in: Callable[..., Desk]
) -> None:
    assert visitor.get("/nowhere/").status_code == 401
    assert sign_in().get("/nowhere/").status_code == 404


@pytest.mark.parametrize(
    "change", [{"seen_at": -IDLE}, {"began_at": -LONGEST_SESSION}, {"ended_at": -IDLE}]
)
def test_a_session_ends(sign_in: Callable[..., Desk], change: dict[str, timedelta]) -> None:
    who = account()
    browser = sign_in(who=who)
    assert browser.get("/").status_code == 200
    begun = db.session.query(StaffSession).filter_by(account_id=who.id).one()
    for name, ago in change.items():
        setattr(begun, name, now() + ago)
    db.session.commit()
    assert browser.get("/").status_code == 401


def test_the_account_of_an_open_session_may_end(sign_in: Callable[..., Desk]) -> None:
    who = account()
    browser = sign_in(who=who)
    who.ended_at = now()
    db.session.commit()
    assert browser.get("/").status_code == 401


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    sign_in: Callable[..., Desk], visitor: Desk
) -> None:
    browser = sign_in()
    answer = browser.post("/sign-in/out/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert browser.get("/").status_code == 401


def test_someone_who_follows_a_link_in_a_letter_is_let_in_at_the_second_request(
    visitor: Desk,
) -> None:
    page = visitor.get("/", headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 200
    assert 'http-equiv="refresh"' in page.text


def test_a_form_sent_after_the_session_ended_is_kept_for_its_sender(
    sign_in: Callable[..., Desk],
) -> None:
    who = account()
    browser = sign_in(who=who)
    sessions.end_all(who, now())
    db.session.commit()
    page = browser.post("/me/", data={"name": "Ingrid Adeyo", "locale": "en"})
    assert page.status_code == 401
    sealed = re.search(r'name="sealed" value="([^"]+)"', page.text)
    assert sealed
    again = sign_in(who=who).get(f"/sign-in/resume/{sealed[1]}/")
    assert "Ingrid Adeyo" in again.text
    assert sign_in().get(f"/sign-in/resume/{sealed[1]}/").status_code == 302
