"""`/health` says that a process answers, `/ready` that it can serve pages, and how the whole site is doing."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign.app import create_site
from campaign.clock import now
from campaign.config import Settings
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from tests.ports import free_port
from tests.scripted_person import wait_for

Make = Callable[..., FlaskClient]
CHECKS = {"database", "broker", "limiter", "emails", "tallies"}
SECRET = "a-password-that-nobody-may-read"


@pytest.fixture
def make(settings: Settings) -> Iterator[Make]:
    """Make a site with other settings."""
    with ExitStack() as afterwards:

        def one(**changed: str) -> FlaskClient:
            site = create_site(replace(settings, testing=False, **changed))
            with site.app_context():
                afterwards.callback(db.engine.dispose)
            return site.test_client()

        yield one


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def ready(client: FlaskClient) -> tuple[int, Any]:
    """Status and checks, within two seconds."""
    started_at = time.monotonic()
    answer = client.get("/ready")
    assert time.monotonic() - started_at < 2
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["ready"] == (answer.status_code == 200)
    assert answer.json["checks"].keys() == CHECKS
    assert SECRET not in answer.text
    return answer.status_code, answer.json["checks"]


def answered(client: FlaskClient) -> tuple[int, Any]:
    """The same once all has answered: a machine that has other work may need longer for its first connection."""

    def find() -> tuple[int, Any] | None:
        status, checks = ready(client)
        return (status, checks) if "seconds" in checks["emails"] else None

    return wait_for(find, "the database")


def test_a_site_that_is_well_is_ready(app: object, make: Make) -> None:
    status, checks = answered(make())
    assert status == 200
    assert all(check["ok"] and "why" not in check for check in checks.values())
    assert checks["database"]["seconds"] < 1
    assert checks["emails"]["seconds"] == checks["tallies"]["waiting"] == 0


def test_without_the_database_a_process_is_alive_and_not_ready(make: Make, silent: int) -> None:
    """It is away, or it hangs."""
    for port in (free_port(), silent):
        site = make(database_url=f"postgresql+psycopg://me:{SECRET}@127.0.0.1:{port}/none")
        assert site.get("/health").text == "ok\n"
        status, checks = ready(site)
        assert status == 503
        assert checks["database"] == {"ok": False, "why": "no answer"}
        assert checks["limiter"]["ok"]


def test_what_hangs_is_asked_once(make: Make, silent: int) -> None:
    site = make(database_url=f"postgresql+psycopg://localhost:{silent}/none")
    ready(site)
    started_at = time.monotonic()
    for _ in range(20):
        assert ready(site)[0] == 503
    assert time.monotonic() - started_at < 1


@pytest.mark.parametrize("setting", ["limiter_url", "broker_url"])
def test_without_redis_a_process_is_ready_and_says_what_is_away(
    app: object, make: Make, silent: int, setting: str
) -> None:
    name = setting.removesuffix("_url")
    for port in (free_port(), silent):
        status, checks = ready(make(**{setting: f"redis://:{SECRET}@127.0.0.1:{port}/0"}))
        assert status == 200
        assert checks.pop(name) == {"ok": False, "why": "no answer"}
        assert all(check["ok"] for check in checks.values())


@pytest.mark.parametrize("scheme", ["amqp", "postgresql"])
def test_without_another_broker_a_process_is_ready_too(
    app: object, make: Make, silent: int, scheme: str
) -> None:
    for port in (free_port(), silent):
        status, checks = ready(make(broker_url=f"{scheme}://me:{SECRET}@127.0.0.1:{port}/none"))
        assert (status, checks["broker"]) == (200, {"ok": False, "why": "no answer"})


@pytest.mark.parametrize(
    ("minutes", "check"), [(9, {"ok": True}), (11, {"ok": False, "why": "late"})]
)
def test_an_email_that_is_late_is_reported(
    make: Make, committing: None, minutes: int, check: dict[str, object]
) -> None:
    """It takes no machine out of a load balancer: all would go at once."""
    due_at = now() - timedelta(minutes=minutes)
    email = {"template": "confirm", "locale": "en", "recipient": "a@example.org"}
    db.session.add(OutgoingEmail(**email, recipient_hash=b"", facts={}, due_at=due_at))
    db.session.commit()
    status, checks = answered(make())
    seconds = checks["emails"].pop("seconds")
    assert (status, checks["emails"]) == (200, check)
    assert minutes * 60 <= seconds < minutes * 60 + 30
