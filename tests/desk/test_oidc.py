"""Signing in by way of another service: a real one, that can be made to lie about each thing in its token."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.app import create_desk
from campaign.audit import AuditEvent
from campaign.clock import now
from campaign.config import Settings
from campaign.db import db
from campaign.staff import identities
from campaign.staff.models import Account, StaffSession
from tests.desk.conftest import ORIGIN, Desk, let_in
from tests.factories import STAFF, account
from tests.npm import package
from tests.ports import free_port
from tests.scripted_person import wait_for

PROVIDER = ("oidc-provider", "8.8.1")
BACK = f"{ORIGIN}/sign-in/oidc/back/"


class Service:
    """The service, as a browser and as the test reach it."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def says(self, **what: Any) -> None:
        """Change what its next token says."""
        httpx.post(f"{self.issuer}/test", json=what).raise_for_status()

    def visit(self, address: str) -> str:
        """Go where the desk leads, be signed in there, and return the address that leads back."""
        with httpx.Client() as browser:
            while not address.startswith(BACK):
                answer = browser.get(address)
                assert answer.is_redirect, answer.text
                address = str(answer.url.join(answer.headers["Location"]))
        return address.removeprefix(ORIGIN)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    folder, port = package(PROVIDER[0], PROVIDER[1], needs=("node",)), free_port()
    script = Path(__file__).with_name("provider.mjs")
    process = subprocess.Popen(
        ["node", script, folder, str(port), BACK],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        wait_for(lambda: process.stdout.readline() == "listening\n", "the service")
        yield Service(f"http://localhost:{port}")
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture(scope="module")
def connected_desk(app: Flask, settings: Settings, service: Service) -> Flask:
    return desk_with(service.issuer, app, settings)


def desk_with(issuer: str, app: Flask, settings: Settings) -> Flask:
    """A desk to which a service is known."""
    known = {
        "desk_url": ORIGIN,
        "oidc_issuer": issuer,
        "oidc_client_id": "desk",
        "oidc_client_secret": "a secret of the tests",
        "oidc_name": "University Login",
    }
    made = create_desk(Settings(**(vars(settings) | known)))
    made.test_client_class = Desk
    db._app_engines[made] = db._app_engines[app]
    return made


@pytest.fixture
def browser(connected_desk: Flask, session: Session, service: Service) -> Desk:
    """A browser in which nobody is signed in; the service tells the truth."""
    service.says()
    browser = connected_desk.test_client()
    assert isinstance(browser, Desk)
    return browser


def connected(service: Service, subject: str = "subject-1", **different: Any) -> Account:
    who = account(**different)
    identities.connect(STAFF, who, service.issuer, subject)
    db.session.commit()
    return who


def go_through(browser: Desk, service: Service, query: str = "") -> Any:
    """Sign in there, and come back as a browser does: from another site first, then again."""
    leads = browser.get(f"/sign-in/oidc/{query}")
    assert leads.status_code == 302
    back = service.visit(leads.headers["Location"])
    again = browser.get(back, headers={"Sec-Fetch-Site": "cross-site"})
    assert 'http-equiv="refresh"' in again.text
    return browser.get(back)


def sessions_of(who_id: object) -> int:
    return len(db.session.scalars(select(StaffSession.id).filter_by(account_id=who_id)).all())


def test_someone_who_is_connected_is_signed_in(browser: Desk, service: Service) -> None:
    who_id = connected(service).id
    assert "University Login" in browser.get("/sign-in/").text
    answer = go_through(browser, service, "?then=/me/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/me/")
    assert browser.get("/me/").status_code == 200
    details = select(AuditEvent.details).where(AuditEvent.action == "signed in")
    assert db.session.scalars(details).all() == [{"by": "sign-in service"}]
    assert sessions_of(who_id) == 1


def test_the_request_has_code_pkce_state_and_nonce(browser: Desk) -> None:
    leads = browser.get("/sign-in/oidc/")
    asked = parse_qs(urlsplit(leads.headers["Location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["scope"] == ["openid"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["max_age"] == ["900"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    cookie = leads.headers["Set-Cookie"]
    assert cookie.startswith("desk-oidc=")
    assert "Path=/sign-in/oidc" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_an_address_joins_no_account(browser: Desk, service: Service) -> None:
    who = account(address="ingrid@example.org")
    who_id = who.id
    db.session.commit()
    service.says(claims={"email": "ingrid@example.org", "email_verified": True})
    answer = go_through(browser, service)
    assert answer.status_code == 403
    assert "No account is connected" in answer.text
    assert sessions_of(who_id) == 0


LIES: list[dict[str, Any]] = [
    {"claims": {"iss": "https://evil.example"}},
    {"claims": {"aud": "another"}},
    {"claims": {"aud": ["another", "third"]}},
    {"claims": {"nonce": "another"}},
    {"claims": {"nonce": None}},
    {"claims": {"exp": 1_700_000_000}},
    {"claims": {"iat": 4_000_000_000}},
    {"claims": {"sub": ""}},
    {"claims": {"auth_time": 1_700_000_000}},
    {"claims": {"auth_time": None}},
    {"forge": True},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_token_with_something_wrong_signs_nobody_in(
    browser: Desk, service: Service, lie: dict[str, Any]
) -> None:
    who_id = connected(service).id
    service.says(**lie)
    answer = go_through(browser, service)
    assert answer.status_code == 403
    assert "was not completed" in answer.text
    assert sessions_of(who_id) == 0


def test_a_state_of_someone_else_is_refused(browser: Desk, service: Service) -> None:
    who_id = connected(service).id
    other = browser.application.test_client()
    back = service.visit(other.get("/sign-in/oidc/").headers["Location"])
    assert browser.get(back).status_code == 403  # without any cookie
    browser.get("/sign-in/oidc/")
    assert browser.get(back).status_code == 403  # with that of another attempt
    assert sessions_of(who_id) == 0


def test_an_answer_works_once(browser: Desk, service: Service) -> None:
    connected(service)
    back = service.visit(browser.get("/sign-in/oidc/").headers["Location"])
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 403


def test_a_refusal_there_is_told_here(browser: Desk) -> None:
    browser.get("/sign-in/oidc/")
    answer = browser.get("/sign-in/oidc/back/?error=access_denied&state=x")
    assert (answer.status_code, "was not completed" in answer.text) == (403, True)


@pytest.mark.parametrize("different", [{"ended_at": now()}, {"joined_at": None}])
def test_an_account_that_is_over_or_not_begun_is_not_opened(
    browser: Desk, service: Service, different: dict[str, Any]
) -> None:
    who_id = connected(service, **different).id
    assert go_through(browser, service).status_code == 403
    assert sessions_of(who_id) == 0


# Connecting


def connect(browser: Desk, service: Service) -> Any:
    page = browser.post("/sign-in/oidc/connect/")
    (address,) = re.findall(r'<a href="([^"]+)">', page.text)
    return browser.get(service.visit(address.replace("&amp;", "&")))


def test_an_owner_connects_the_account_and_disconnects_it(browser: Desk, service: Service) -> None:
    who = account(password_hash="x", totp_secret=b"x")
    who_id = who.id
    let_in(browser, who)
    assert connect(browser, service).headers["Location"] == "/me/"
    assert "Disconnect" in browser.get("/me/").text
    found = identities.find(service.issuer, "subject-1")
    assert found is not None
    assert found.id == who_id
    data = {"issuer": service.issuer}
    assert browser.post("/sign-in/oidc/disconnect/", data=data).status_code == 303
    assert identities.find(service.issuer, "subject-1") is None


def test_an_invitation_is_accepted_by_way_of_the_service(browser: Desk, service: Service) -> None:
    who = account(joined_at=None)
    who_id = who.id
    let_in(browser, who)
    assert "Connect with University Login" in browser.get("/me/set-up/").text
    assert connect(browser, service).headers["Location"] == "/me/codes/"
    browser.post("/me/joined/")
    found = identities.find(service.issuer, "subject-1")
    assert found is not None
    assert found.id == who_id


def test_an_identity_belongs_to_one_account(browser: Desk, service: Service) -> None:
    connected(service)
    let_in(browser, account())
    answer = connect(browser, service)
    assert (answer.status_code, "Another account" in answer.text) == (403, True)


def test_what_was_begun_in_one_session_ends_in_no_other(browser: Desk, service: Service) -> None:
    let_in(browser, account())
    page = browser.post("/sign-in/oidc/connect/")
    (address,) = re.findall(r'<a href="([^"]+)">', page.text)
    let_in(browser, account())
    answer = browser.get(service.visit(address.replace("&amp;", "&")))
    assert (answer.status_code, "signed out meanwhile" in answer.text) == (403, True)
    assert identities.find(service.issuer, "subject-1") is None


def test_the_only_way_in_stays(browser: Desk, service: Service) -> None:
    let_in(browser, connected(service))
    answer = browser.post("/sign-in/oidc/disconnect/", data={"issuer": service.issuer})
    assert (answer.status_code, "only way in" in answer.text) == (422, True)
    assert identities.find(service.issuer, "subject-1")


def test_without_a_service_there_is_no_such_way(visitor: Desk) -> None:
    assert visitor.get("/sign-in/oidc/").status_code == 404
    assert visitor.get("/sign-in/oidc/back/").status_code == 404
    assert "/sign-in/oidc/" not in visitor.get("/sign-in/").text


def test_a_service_that_is_away_is_told(app: Flask, settings: Settings, session: Session) -> None:
    alone = desk_with(f"http://localhost:{free_port()}", app, settings).test_client()
    answer = alone.get("/sign-in/oidc/")
    assert (answer.status_code, "is not responding" in answer.text) == (403, True)
