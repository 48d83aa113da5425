"""The desk on the same database as the site, and browsers in which someone is signed in."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from campaign.app import create_desk
from campaign.clock import now
from campaign.config import Settings
from campaign.db import db
from campaign.desk.signed_in import form_token_of
from campaign.http.rate_limits import InMemoryFixedWindows
from campaign.staff import sessions
from campaign.staff.models import Account
from campaign.staff.rules import Role
from campaign.staff.scopes import EVERYTHING, Scope, enclose
from tests.conftest import Browser
from tests.factories import account

ORIGIN = "http://localhost"


class Desk(Browser):
    """A browser at the desk: it says where its posts come from, and its forms carry the session's token."""

    token = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs["headers"] = {
            "Sec-Fetch-Site": "same-origin",
            "Origin": ORIGIN,
            **dict(kwargs.pop("headers", {})),
        }
        if self.token:
            kwargs["headers"].setdefault("X-Form-Token", self.token)
        try:
            return super().open(*args, **kwargs)
        finally:
            enclose(EVERYTHING)  # a request of its own would end with its session


@pytest.fixture(scope="session")
def desk(app: Flask, settings: Settings) -> Flask:
    """The application of the desk, with the engines of the site: one transaction of a test has both."""
    desk = create_desk(Settings(**(vars(settings) | {"desk_url": ORIGIN})))
    desk.test_client_class = Desk
    db._app_engines[desk] = db._app_engines[app]
    return desk


@pytest.fixture(autouse=True)
def uncounted(desk: Flask) -> None:
    """Forget how often views were used in other tests: all are one network."""
    desk.extensions["limiter"] = InMemoryFixedWindows()


@pytest.fixture
def visitor(desk: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A browser in which nobody is signed in."""
    return desk.test_client()


def let_in(browser: Desk, who: Account) -> None:
    """Sign an account in, in this browser."""
    began, secret = sessions.begin(who, "Firefox, Linux", b"network", now())
    browser.set_cookie("desk", secret, domain="localhost")
    browser.token = form_token_of(began)
    db.session.commit()  # the end of a request closes the session of the test


SignIn = Callable[..., Any]


@pytest.fixture
def sign_in(desk: Flask, session: Session) -> Callable[..., Desk]:
    """Make a browser in which an account is signed in: a new one with these roles and this scope, or one given."""

    def make(
        *roles: Role, scope: Scope = EVERYTHING, who: Account | None = None, **other: Any
    ) -> Desk:
        who = who or account(*roles, scope=scope, **other)
        browser = desk.test_client()
        assert isinstance(browser, Desk)
        let_in(browser, who)
        return browser

    return make
