"""The public site has no sessions: touching one fails at once, whatever is done with it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask, flash, get_flashed_messages, session

from campaign.app import create_site
from campaign.config import Settings
from campaign.db import db
from campaign.http.access import anyone
from campaign.http.sessions import SessionOpened


@pytest.fixture
def site(settings: Settings) -> Iterator[Flask]:
    """A site of its own, which further views can be added to."""
    site = create_site(replace(settings))
    yield site
    with site.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    "touch",
    [
        lambda: session.get("user"),
        lambda: session["user"],
        lambda: session.pop("user", None),
        lambda: "user" in session,
        lambda: dict(session),
        lambda: len(session),
        lambda: session.setdefault("user", 1),
        lambda: session.update(user=1),
        lambda: session.pop("user"),
        lambda: setattr(session, "permanent", True),
        lambda: flash("saved"),
        get_flashed_messages,
    ],
)
def test_a_session_opened_in_a_public_view_raises(site: Flask, touch: Callable[[], object]) -> None:
    @site.get("/en/opens-a-session/")
    @anyone
    def opens_a_session() -> str:
        touch()
        return "opened"

    with pytest.raises(SessionOpened):
        site.test_client().get("/en/opens-a-session/")


def test_a_cookie_of_somebody_elses_changes_nothing(site: Flask) -> None:
    client = site.test_client()
    plain = client.get("/en/about/")
    client.set_cookie("session", "eyJ1c2VyIjoxfQ.aaaa.bbbb")
    page = client.get("/en/about/")

    assert page.data == plain.data
    assert "Set-Cookie" not in page.headers
    assert "Cookie" not in page.headers["Vary"]
