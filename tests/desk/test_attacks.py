"""The desk as a stranger, a thief of a cookie and a script of a neighbour attack it, with real requests."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.app import create_desk
from campaign.clock import now
from campaign.config import Settings
from campaign.db import db
from campaign.desk import guard
from campaign.desk.signed_in import form_token_of
from campaign.http.headers import HEADERS
from campaign.staff import operations, sessions, tickets
from campaign.staff.models import Account, StaffSession, Ticket
from campaign.staff.policy import FRESH, LONGEST_SESSION
from campaign.staff.rules import Role
from campaign.staff.scopes import Scope
from campaign.staff.tickets import Purpose
from tests.conftest import Browser
from tests.desk.conftest import Desk
from tests.desk.test_access import path_of, routes
from tests.factories import STAFF, account, institution

SignIn = Callable[..., Desk]
ASSETS = re.compile(r'(?:href|src)="(/static/[^"]+)"')


# --- What answers say about themselves


def answers(desk: Flask, browser: Desk) -> Iterator[tuple[str, Any]]:
    """Every view by its own method, an address that leads nowhere, and methods that none has."""
    for method, path, _ in [*routes(desk), ("GET", "/nowhere/", None), ("DELETE", "/", None)]:
        if path != "/sign-in/out/":
            with browser.open(path, method=method, buffered=True) as answer:
                yield f"{method} {path}", answer


def test_no_answer_is_stored_anywhere(desk: Flask, visitor: Desk, sign_in: SignIn) -> None:
    for browser in (visitor, sign_in(Role.ADMINISTRATOR)):
        for name, answer in answers(desk, browser):
            assert answer.headers["Cache-Control"] == "no-store", name
            assert answer.headers["X-Robots-Tag"] == "noindex", name
            assert "ETag" not in answer.headers, name


def test_every_answer_of_the_desk_is_protected(desk: Flask, visitor: Desk, sign_in: SignIn) -> None:
    for browser in (visitor, sign_in(Role.ADMINISTRATOR)):
        for name, answer in answers(desk, browser):
            assert {key: answer.headers[key] for key in HEADERS} == HEADERS, name


def test_static_files_are_kept_and_need_no_session(visitor: Desk) -> None:
    for address in ASSETS.findall(visitor.get("/sign-in/").text):
        with visitor.get(address) as answer:
            assert answer.status_code == 200, address
            assert "max-age" in answer.headers["Cache-Control"]


def test_a_copy_that_a_browser_has_is_not_confirmed(sign_in: SignIn) -> None:
    """A conditional request gets the page anew: no 304 tells whether something has changed."""
    headers = {"If-None-Match": "*", "If-Modified-Since": "Mon, 30 Nov 2099 08:00:00 GMT"}
    assert sign_in().get("/me/", headers=headers).status_code == 200


def test_head_and_options_say_no_more_than_get(desk: Flask, visitor: Desk, sign_in: SignIn) -> None:
    analyst = sign_in(Role.ANALYST)
    for method in ("HEAD", "OPTIONS"):
        assert visitor.open("/staff/", method=method).status_code == 401
        assert analyst.open("/staff/", method=method).status_code == 403
    assert visitor.open("/staff/", method="HEAD").data == b""


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_no_other_method_changes_anything(sign_in: SignIn, method: str) -> None:
    assert sign_in(Role.ADMINISTRATOR).open("/me/", method=method).status_code in {404, 405}


def test_a_method_in_a_header_or_a_field_is_not_believed(sign_in: SignIn) -> None:
    browser = sign_in(Role.ANALYST)
    headers = {"X-HTTP-Method-Override": "POST", "X-Original-URL": "/me/", "X-Rewrite-URL": "/me/"}
    assert browser.get("/staff/?_method=POST", headers=headers).status_code == 403


# --- The cookie


@pytest.fixture(scope="module")
def https_desk(desk: Flask, settings: Settings) -> Flask:
    """The desk as it is on the network."""
    made = create_desk(Settings(**(vars(settings) | {"desk_url": "https://localhost"})))
    made.test_client_class = Desk
    db._app_engines[made] = db._app_engines[desk]
    return made


def cookie_after_joining(app: Flask, base_url: str) -> str:
    secret = operations.invite(STAFF, account(joined_at=None), now())
    db.session.commit()
    answer = app.test_client().post(
        f"/join/{secret}/", base_url=base_url, headers={"Origin": base_url}
    )
    (cookie,) = answer.headers.getlist("Set-Cookie")
    return cookie


def test_by_https_the_cookie_is_bound_to_this_host(session: Session, https_desk: Flask) -> None:
    cookie = cookie_after_joining(https_desk, "https://localhost")
    assert re.match(r"__Host-desk=[\w-]{43};", cookie)
    assert "Domain" not in cookie
    attributes = {part.strip() for part in cookie.split(";")[1:]}
    assert attributes >= {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"}


def test_by_http_the_cookie_has_all_that_it_can_have(session: Session, desk: Flask) -> None:
    cookie = cookie_after_joining(desk, "http://localhost")
    assert cookie.startswith("desk=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {p.strip() for p in cookie.split(";")}
    assert "Secure" not in cookie


def test_by_https_the_cookie_without_the_prefix_opens_nothing(
    session: Session, https_desk: Flask
) -> None:
    _, secret = sessions.begin(account(), "Firefox", b"network", now())
    db.session.commit()
    browser = https_desk.test_client(use_cookies=False)
    for name, status in (("desk", 401), ("__Host-desk", 200)):
        headers = {"Cookie": f"{name}={secret}"}
        assert browser.get("/", base_url="https://localhost", headers=headers).status_code == status


def test_strict_transport_is_asked_for_by_the_desk(session: Session, https_desk: Flask) -> None:
    answer = https_desk.test_client().get("/sign-in/", base_url="https://localhost")
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]


def cookie_of(browser: Desk) -> str:
    found = browser.get_cookie("desk", domain="localhost")
    assert found
    return found.value


def test_a_cookie_that_was_planted_is_never_the_session(visitor: Desk) -> None:
    secret = operations.invite(STAFF, account(joined_at=None), now())
    db.session.commit()
    visitor.set_cookie("desk", "planted", domain="localhost")
    visitor.post(f"/join/{secret}/")
    assert cookie_of(visitor) != "planted"
    assert sessions.find("planted") is None


def test_signing_in_anew_voids_the_cookie_of_before(desk: Flask, sign_in: SignIn) -> None:
    """Also that of someone else who had been signed in here."""
    browser = sign_in()
    stolen = cookie_of(browser)
    secret = operations.invite(STAFF, account(joined_at=None), now())
    db.session.commit()
    assert browser.post(f"/join/{secret}/").location == "/me/set-up/"
    thief = desk.test_client()
    thief.set_cookie("desk", stolen, domain="localhost")
    assert thief.get("/").status_code == 401


def test_after_signing_out_the_cookie_opens_nothing(desk: Flask, sign_in: SignIn) -> None:
    browser = sign_in()
    stolen = cookie_of(browser)
    answer = browser.post("/sign-in/out/")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    thief = desk.test_client()
    thief.set_cookie("desk", stolen, domain="localhost")
    assert thief.get("/").status_code == 401


@pytest.mark.parametrize(
    "cookie",
    [b"desk=\xff\xfe", b"desk=\x00", b"desk=" + b"x" * 60_000, b'desk="\\303"', b"=;=;desk"],
)
def test_a_cookie_that_makes_no_sense_is_none(desk: Flask, session: Session, cookie: bytes) -> None:
    stranger = desk.test_client(use_cookies=False)
    answer = stranger.get("/", environ_overrides={"HTTP_COOKIE": cookie.decode("latin-1")})
    assert answer.status_code == 401


def test_no_answer_sets_a_cookie_but_at_a_sign_in(
    desk: Flask, visitor: Desk, sign_in: SignIn
) -> None:
    """One may be taken back, as that of a sign-in by way of another service that went wrong."""
    for browser in (visitor, sign_in(Role.ADMINISTRATOR)):
        for name, answer in answers(desk, browser):
            cookies = answer.headers.getlist("Set-Cookie")
            assert all("Max-Age=0" in cookie for cookie in cookies), name


# --- Requests of others


def test_an_origin_that_is_hidden_is_foreign(sign_in: SignIn) -> None:
    browser = sign_in()
    for headers in ({"Origin": "null"}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}):
        assert browser.post("/me/sessions/end/", headers=headers).status_code == 403


def test_a_token_is_that_of_its_session_and_never_twice_the_same(sign_in: SignIn) -> None:
    who = account()
    browser, other = sign_in(who=who), sign_in(who=who)
    pages = [browser.get("/me/").text for _ in range(2)]
    found = [token for page in pages for token in re.findall(r'form_token" value="([^"]+)"', page)]
    assert len(found) == len({*found}) > 2
    browser.token = found[0]
    assert browser.post("/me/sessions/end/").status_code == 303
    other.token = found[0]
    assert other.post("/me/sessions/end/").status_code == 401  # ended by the line before


def test_a_token_of_another_session_is_none(sign_in: SignIn) -> None:
    browser, other = sign_in(), sign_in()
    for token in (other.token, "", ".", browser.token + "0", browser.token.upper(), "é.x"):
        answer = browser.post(
            "/me/sessions/end/", data={"form_token": token}, headers={"X-Form-Token": ""}
        )
        assert answer.status_code == 403, token


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost:8000@evil.example"},
        {"Host": ""},
    ],
)
def test_no_other_host_is_answered_for(visitor: Desk, headers: dict[str, str]) -> None:
    answer = visitor.get("/sign-in/", headers=headers)
    assert answer.status_code == 400
    assert "evil" not in answer.text


def test_forwarded_headers_of_strangers_change_nothing(visitor: Desk) -> None:
    """No proxy is trusted here: the network that is counted stays that of the connection."""
    plain = visitor.get("/sign-in/").text
    headers = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=203.0.113.9;host=evil.example",
    }
    assert visitor.get("/sign-in/", headers=headers).text == plain
    for number in range(52):
        headers["X-Forwarded-For"] = f"203.0.113.{number}"
        fields = {"address": f"nobody{number}@example.org", "password": "x"}
        answer = visitor.post("/sign-in/", data=fields, headers=headers)
    assert answer.status_code == 429


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example/", "/%5Cevil.example/", "/%2F/x"]
)
def test_no_address_leads_to_another_host(visitor: Desk, sign_in: SignIn, path: str) -> None:
    for browser in (visitor, sign_in()):
        answer = browser.get("/", environ_overrides={"PATH_INFO": path})
        assert "//evil" not in (answer.location or "")
        assert answer.status_code in {401, 404, 308}


# --- What was written while a session ended


def sealed_in(page: str) -> str:
    found = re.search(r'name="sealed" value="([^"]*)"', page)
    assert found, page
    return found[1]


def stale(sign_in: SignIn, **different: Any) -> Desk:
    """A browser whose last proof is too old for dangerous acts."""
    browser = sign_in(**different)
    for begun in db.session.scalars(select(StaffSession)):
        begun.proved_at = now() - FRESH
    db.session.commit()
    return browser


def test_a_password_is_never_kept_with_a_form(sign_in: SignIn) -> None:
    fields = {"password": "kettle orbit walnut fjord", "code": "123456", "ticket": "x"}
    page = stale(sign_in).post("/me/password/", data=fields)
    assert page.status_code == 401
    assert sealed_in(page.text) == ""


def test_a_form_is_kept_so_that_only_its_sender_reads_it(sign_in: SignIn) -> None:
    page = stale(sign_in).post("/staff/invite/", data={"name": "Marisol", "address": "m@a.org"})
    assert sealed_in(page.text)
    (stored,) = db.session.scalars(select(Ticket).where(Ticket.purpose == Purpose.SEALED))
    assert "Marisol" not in str(stored.payload)


@pytest.mark.parametrize(
    "data", [{"x": "y" * 210_000}, {f"field{n}": "x" for n in range(900)}], ids=["large", "many"]
)
def test_huge_forms_are_not_kept(sign_in: SignIn, data: dict[str, str]) -> None:
    page = stale(sign_in).post("/staff/invite/", data=data)
    assert page.status_code in {401, 413}
    assert db.session.scalars(select(Ticket)).all() == [] or sealed_in(page.text)


def test_an_old_cookie_does_not_fill_the_database(sign_in: SignIn) -> None:
    browser = stale(sign_in)
    for _ in range(guard._MOST_FORMS + 2):
        page = browser.post("/staff/invite/", data={"name": "x"})
    assert sealed_in(page.text) == ""
    assert db.session.query(Ticket).count() == guard._MOST_FORMS


@pytest.mark.parametrize("ended", ["account", "long ago", "nowhere"])
def test_nothing_is_kept_for_those_who_are_gone(sign_in: SignIn, ended: str) -> None:
    who = account()
    browser = sign_in(who=who)
    begun = db.session.scalars(select(StaffSession)).one()
    begun.ended_at = now()
    if ended == "account":
        who.ended_at = now()
    elif ended == "long ago":
        begun.began_at = now() - 2 * LONGEST_SESSION
    db.session.commit()
    page = browser.post("/nowhere/" if ended == "nowhere" else "/me/", data={"name": "x"})
    assert page.status_code == 401
    assert sealed_in(page.text) == ""


def test_files_are_left_out_of_what_is_kept(sign_in: SignIn) -> None:
    from io import BytesIO

    data = {"name": "x", "file": (BytesIO(b"GIF89a"), "x.gif")}
    page = stale(sign_in).post("/staff/invite/", data=data)
    secret = sealed_in(page.text)
    kept = tickets.look(Purpose.SEALED, secret, now())
    assert kept.payload["fields"] == {"name": ["x"]}


@pytest.mark.parametrize(
    ("page", "then"),
    [
        ("http://localhost/me/?a=1#b", "/me/?a=1"),
        ("http://localhost:8000/me/", "/"),
        ("https://evil.example/me/", "/"),
        ("http://localhost@evil.example/", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_back_to_the_page_of_the_form(
    sign_in: SignIn, page: str, then: str
) -> None:
    answer = stale(sign_in).post("/me/sessions/end/", headers={"Referer": page})
    assert f'name="then" value="{then}"' in answer.text


# --- Sessions, as their owners and administrators handle them


def test_every_page_has_a_way_out(desk: Flask, sign_in: SignIn) -> None:
    """Also those of someone who has not joined yet."""
    out = 'action="/sign-in/out/"'
    for browser, paths in (
        (sign_in(Role.ADMINISTRATOR), views(desk, "GET")),
        (sign_in(joined_at=None), ["/me/set-up/", "/me/password/", "/me/codes/"]),
    ):
        for path in paths:
            with browser.get(path, buffered=True) as answer:
                is_page = answer.mimetype == "text/html" and answer.status_code == 200
                assert not is_page or out in answer.text, path
        assert browser.post("/sign-in/out/").location == "/sign-in/"


def test_owners_see_their_sessions_and_end_them_after_a_fresh_sign_in(sign_in: SignIn) -> None:
    who = account()
    browser, other = sign_in(who=who), sign_in(who=who)
    assert browser.get("/me/").text.count("Firefox, Linux") == 2
    for begun in db.session.scalars(select(StaffSession)):
        begun.proved_at = now() - FRESH
    db.session.commit()
    assert browser.post("/me/sessions/end/").status_code == 401
    assert other.get("/me/").status_code == 200
    for begun in db.session.scalars(select(StaffSession)):
        begun.proved_at = now()
    db.session.commit()
    assert browser.post("/me/sessions/end/").status_code == 303
    assert other.get("/me/").status_code == 401


def test_administrators_end_the_sessions_of_others(sign_in: SignIn) -> None:
    who = account(Role.EDITOR)
    theirs = sign_in(who=who)
    assert sign_in(Role.ADMINISTRATOR).post(f"/staff/{who.id}/sessions/end/").status_code == 303
    assert theirs.get("/").status_code == 401


def test_administrators_give_a_new_way_in_and_choose_no_password(sign_in: SignIn) -> None:
    who = account(Role.EDITOR)
    page = sign_in(Role.ADMINISTRATOR).get(f"/staff/{who.id}/").text
    assert f"/staff/{who.id}/invite/" in page
    assert 'name="password"' not in page


def test_a_password_is_hidden_while_it_is_typed_and_may_be_pasted(
    visitor: Desk, sign_in: SignIn
) -> None:
    for page, kind in (
        (visitor.get("/sign-in/"), "current"),
        (sign_in().get("/me/password/"), "new"),
    ):
        (field,) = re.findall(r'<input[^>]*name="password"[^>]*>', page.text)
        assert 'type="password"' in field
        assert f'autocomplete="{kind}-password"' in field
        assert "onpaste" not in field


# --- Rights


def test_other_rights_are_in_effect_at_the_next_request(sign_in: SignIn) -> None:
    who = account(Role.ADMINISTRATOR)
    account(Role.ADMINISTRATOR)
    browser = sign_in(who=who)
    assert browser.get("/staff/").status_code == 200
    who = db.session.get_one(Account, who.id)
    operations.change_rights(STAFF, who, operations.Rights([Role.ANALYST]))
    db.session.commit()
    assert browser.get("/staff/").status_code == 403


def test_the_last_administrator_cannot_lock_everyone_out(sign_in: SignIn) -> None:
    who = account(Role.ADMINISTRATOR)
    browser = sign_in(who=who)
    path = f"/staff/{who.id}/"
    assert browser.post(f"{path}end/").status_code == 422
    assert browser.post(f"{path}rights/", data={"roles": "editor"}).status_code == 422
    assert browser.post(f"{path}invite/").status_code == 403
    assert browser.get("/staff/").status_code == 200


@pytest.mark.parametrize(
    "limit",
    [
        {"institution": "03yrm5c2x"},
        {"institution": "University of Nowhere"},
        {"countries": "XX"},
        {"countries": ["KE", "Kenya"]},
        {"languages": "xx"},
        {"roles": ["analyst", "king"]},
    ],
)
def test_a_limit_that_there_is_not_is_no_right_to_everything(
    sign_in: SignIn, limit: dict[str, Any]
) -> None:
    who = account(Role.EDITOR)
    path = f"/staff/{who.id}/rights/"
    answer = sign_in(Role.ADMINISTRATOR).post(path, data={"roles": "analyst"} | limit)
    assert answer.status_code == 422
    assert who.roles == ["editor"]


def test_a_steward_does_not_get_the_days_of_an_institution(sign_in: SignIn) -> None:
    scope = Scope(institution_id=institution().id)
    assert sign_in(Role.STEWARD, scope=scope).get("/numbers/days.csv").status_code == 403
    both = sign_in(Role.STEWARD, Role.ANALYST, scope=scope)
    assert both.get("/numbers/days.csv").status_code == 404


def test_the_link_of_a_demonstration_opens_nothing_where_pledges_are_real(
    visitor: Desk,
) -> None:
    secret = operations.demonstrate(STAFF, "Demonstration", now())
    db.session.commit()
    for answer in (visitor.get(f"/join/{secret}/"), visitor.post(f"/join/{secret}/")):
        assert answer.location == "/sign-in/?over=1"
        assert "Set-Cookie" not in answer.headers


def test_of_two_who_accept_an_invitation_the_first_is_out(desk: Flask, visitor: Desk) -> None:
    """A thief who reads the mailbox cannot wait in a session until its owner has joined."""
    secret = operations.invite(STAFF, account(joined_at=None), now())
    db.session.commit()
    thief = desk.test_client()
    thief.post(f"/join/{secret}/")
    assert thief.get("/me/set-up/").status_code == 200
    visitor.post(f"/join/{secret}/")
    assert thief.get("/me/set-up/").status_code == 401


# --- Nonsense


odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["\0", "\ud800", "A" * 5_000, "%00", "../..", "{{7*7}}", "' OR 1=1 --"]),
)
json_values = st.recursive(
    odd, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
NAMES = (
    "address", "password", "code", "ticket", "then", "sealed", "name", "locale", "keys", "roles",
    "countries", "languages", "institution", "form_token", "credential", "id", "response", "days",
    "campaign", "actor", "action", "subject", "since", "until", "before", "q", "page",
)  # fmt: skip
fields = st.dictionaries(st.sampled_from(NAMES), st.text() | st.sampled_from(["\0", "A" * 5_000]))
bodies = st.one_of(
    st.dictionaries(st.sampled_from(NAMES), json_values).map(lambda it: {"json": it}),
    json_values.map(lambda it: {"json": it}),
    fields.map(lambda it: {"data": it}),
    st.binary(max_size=60).map(
        lambda it: {"data": it, "content_type": "application/x-www-form-urlencoded"}
    ),
    st.binary(max_size=60).map(
        lambda it: {"data": b"--b\r\n" + it, "content_type": "multipart/form-data; boundary=b"}
    ),
    st.binary(max_size=60).map(lambda it: {"data": it, "content_type": "application/json"}),
)
CALM = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def views(desk: Flask, wanted: str) -> list[str]:
    """Addresses of the views for this method, but for signing out."""
    return sorted(
        path_of(rule)
        for rule in desk.url_map.iter_rules()
        if wanted in (rule.methods or ()) and rule.endpoint not in {"static", "signing_in.sign_out"}
    )


@pytest.fixture
def unlimited(desk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    class Generous:
        def hit(self, *_: object) -> bool:
            return True

        test = hit

    monkeypatch.setitem(desk.extensions, "limiter", Generous())


@CALM
@given(body=bodies)
def test_no_nonsense_that_is_sent_breaks_anything(
    desk: Flask, visitor: Desk, sign_in: SignIn, unlimited: None, body: dict[str, Any]
) -> None:
    """An unexpected error would be raised here, as in every test."""
    browser = sign_in(Role.ADMINISTRATOR)
    for path in views(desk, "POST"):
        for one in (visitor, browser):
            with one.post(path, buffered=True, **body) as answer:
                assert answer.status_code < 500, path


@CALM
@given(query=fields)
def test_no_nonsense_in_an_address_breaks_anything(
    desk: Flask, visitor: Desk, sign_in: SignIn, query: dict[str, str]
) -> None:
    browser = sign_in(Role.ADMINISTRATOR)
    for path in views(desk, "GET"):
        for one in (visitor, browser):
            with one.get(path, buffered=True, query_string=query) as answer:
                assert answer.status_code < 500, path


@pytest.mark.parametrize("path", ["/sign-in/passkey", "/me/passkeys"])
@pytest.mark.parametrize("sent", [[1], "x", 5, None, {"ticket": "\ud800"}, {"credential": "x"}])
def test_what_a_script_sends_is_not_believed_to_be_an_object(
    sign_in: SignIn, path: str, sent: object
) -> None:
    assert sign_in().post(path, json=sent).status_code == 422


@pytest.mark.parametrize("path", ["/sign-in/", "/reset/"])
def test_an_address_that_the_database_cannot_hold_is_unknown(visitor: Desk, path: str) -> None:
    assert visitor.post(path, data={"address": "owner\0@example.org"}).status_code in {200, 422}


def test_headers_full_of_nonsense_are_answered_calmly(visitor: Desk) -> None:
    for name in ("Accept-Language", "User-Agent", "Referer", "Sec-Fetch-Site", "Accept-Encoding"):
        for value in ("\xff\xfe", "x" * 60_000, "*;q=nan", ",,;;=", "'\"<script>"):
            assert visitor.get("/sign-in/", headers={name: value}).status_code == 200


# --- Guesses


@pytest.mark.parametrize(
    "spelling",
    [
        "OWNER@example.org",
        " owner@example.org ",
        "owner@EXAMPLE.ORG\t",
        "Owner@Example.Org" + " " * 400,
    ],
)
def test_other_spellings_of_an_address_bring_no_new_guesses(visitor: Desk, spelling: str) -> None:
    account(address="owner@example.org")
    db.session.commit()
    wrong = {"address": "owner@example.org", "password": "wrong"}
    for _ in range(10):
        visitor.post("/sign-in/", data=wrong)
    assert visitor.post("/sign-in/", data=wrong | {"address": spelling}).status_code == 429


@pytest.mark.parametrize(
    "spelling", ["owner+x@example.org", "owner@example.org.", "ｏwner@example.org"]
)
def test_what_only_looks_like_an_address_is_that_of_nobody(session: Session, spelling: str) -> None:
    from campaign.staff import queries

    account(address="owner@example.org")
    assert queries.by_address(spelling) is None


def test_the_sessions_token_is_not_the_cookie(sign_in: SignIn) -> None:
    """Who reads a page does not learn what opens the next."""
    browser = sign_in()
    assert cookie_of(browser) not in browser.get("/me/").text
    begun = db.session.scalars(select(StaffSession)).one()
    assert form_token_of(begun).partition(".")[2] != begun.digest.hex()
    assert begun.seen_at > now() - timedelta(minutes=1)
    assert isinstance(browser, Browser)
