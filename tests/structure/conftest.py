"""The application without a database: what stands here reads files, so that ``make check`` is quick."""

import pytest
from flask import Flask

from campaign.app import create_site
from campaign.config import Settings


@pytest.fixture(scope="session")
def database_url() -> str:
    """Leads nowhere. What needs a database stands in another folder of tests/."""
    return "postgresql+psycopg:///none?host=/dev/null"


@pytest.fixture(scope="session")
def settings(database_url: str) -> Settings:
    return Settings(
        database_url=database_url, secret_key="x" * 32, broker_url="memory:", testing=True
    )


@pytest.fixture(scope="session")
def app(settings: Settings) -> Flask:
    return create_site(settings)
