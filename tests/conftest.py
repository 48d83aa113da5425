"""What all tests share: a real PostgreSQL for the session, an application on it, a clean database for each test."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context
from pathlib import Path
from typing import Any
from uuid import uuid4

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy.session import Session as SessionOfFlask
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from werkzeug.test import TestResponse

from campaign import jobs
from campaign.app import create_site
from campaign.catalogues import compile_catalogues
from campaign.config import Settings
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.local.postgres import EmbeddedPostgres
from campaign.paths import TRANSLATIONS
from campaign.pledges import mail_domains
from tests.factories import prepare

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure() -> None:
    """Compile the catalogues: tests are named after the languages that are offered."""
    compile_catalogues(TRANSLATIONS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no core is left with one of them when all else is done."""
    items.sort(key=_turn)


# They run side by side: the first keeps a core busy, the second mostly waits.
LONGEST = ("test_accessibility.py", "test_kills.py")


def _turn(item: pytest.Item) -> int:
    if item.path.name in LONGEST:
        return LONGEST.index(item.path.name)
    is_long = {"stack", "browser"} & {mark.name for mark in item.iter_markers()}
    return len(LONGEST) + (not is_long)


FIGURE = "figure"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell what tests measured and recorded as FIGURE."""
    reports = terminalreporter.stats.get("passed", [])
    figures = [value for one in reports for name, value in one.user_properties if name == FIGURE]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(sorted(figures)))


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own, unless TEST_DATABASE_URL names an empty database to use instead."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), fast=True) as server:
        yield server.url


@pytest.fixture(scope="session")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        database_url=database_url,
        secret_key="a secret of the tests, long enough for it",
        broker_url="memory:",
        site_url="http://localhost",
        data_folder=str(tmp_path_factory.mktemp("data")),
        testing=True,
    )


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    """The application on a migrated database with the shipped texts and a small registry."""
    app = create_site(settings)
    with app.app_context():
        prepare()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A context of the application whose every change, committed or not, is undone after the test."""
    app.extensions["response_cache"].clear()  # of a test before, whose numbers were undone
    mail_domains.kept.forget()
    with app.app_context():
        engines, scoped = db.engines, db.session
        engine = engines[None]
        with engine.connect() as connection, connection.begin() as transaction:
            engines[None] = (
                connection  # the way Flask-SQLAlchemy documents to run tests in one transaction
            )
            factory = sessionmaker(
                class_=SessionOfFlask,
                db=db,
                expire_on_commit=False,
                join_transaction_mode="create_savepoint",
            )
            db.session = scoped_session(factory, scopefunc=lambda: None)
            yield db.session()
            db.session.remove()
            transaction.rollback()
        engines[None], db.session = engine, scoped


# Filled by ``prepare``; every other table is empty when a test begins.
PREPARED_TABLES = {
    "campaigns", "campaign_texts", "institutions", "institution_names", "institution_words", "registry_imports",
}  # fmt: skip

APPEND_ONLY = ("audit_events", "audit_seals")


@pytest.fixture
def committing(app: Flask) -> Iterator[None]:
    """A context whose commits are real, for what only several connections can show; emptied afterwards."""
    app.extensions["response_cache"].clear()
    mail_domains.kept.forget()
    with app.app_context():
        before = set(db.session.scalars(select(Institution.id)))
        yield
        db.session.rollback()
        # The audit log and its seals refuse to be emptied.
        for table in APPEND_ONLY:
            db.session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        tables = ", ".join(sorted(db.metadata.tables.keys() - PREPARED_TABLES))
        db.session.execute(text(f"TRUNCATE {tables}"))
        for table in APPEND_ONLY:
            db.session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        db.session.execute(delete(Institution).where(Institution.id.not_in(before)))
        db.session.commit()


Elsewhere = Callable[[Callable[[], Any]], "Future[Any]"]


@pytest.fixture
def elsewhere(app: Flask, committing: None) -> Iterator[Elsewhere]:
    """Run a function in another thread, thus in another context and on another connection."""

    def run(work: Callable[[], Any]) -> Any:
        with app.app_context():
            return work()

    with ThreadPoolExecutor(8) as threads:
        yield lambda work: threads.submit(run, work)
        db.session.rollback()  # whoever still waits for us may go on


@pytest.fixture
def until_blocked(app: Flask) -> Callable[[], None]:
    """Wait until a connection waits for a lock of another one."""

    def wait() -> None:
        deadline = time.monotonic() + 10
        with app.app_context(), db.engine.connect() as connection:
            while not connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                assert time.monotonic() < deadline, "nobody waits for a lock"

    return wait


@pytest.fixture
def woken(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Tell which jobs were woken since the last time, in the order of their names."""
    broker = StubBroker()
    broker.declare_queue(jobs.QUEUE)
    monkeypatch.setitem(app.extensions, "waker", waker := jobs.Waker(broker))

    def names() -> Iterator[str]:
        waker.call(end := uuid4().hex)  # goes through the same thread, behind all others
        calls = broker.queues[jobs.QUEUE]
        while (name := dramatiq.Message.decode(calls.get(timeout=10)).actor_name) != end:
            yield name

    return lambda: sorted(names())


class Browser(FlaskClient):
    """Sends each request outside the test's own context, as a server would see it."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return Context().run(super().open, *args, **kwargs)


@pytest.fixture
def client(app: Flask, session: Session) -> FlaskClient:
    """A browser without scripts; what it does is undone after the test."""
    app.test_client_class = Browser
    return app.test_client()
