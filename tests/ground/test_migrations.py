"""The schema of the migrations is the schema of the models, and every step can be taken back."""

from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import NullPool, create_engine, text

import campaign.schedules  # noqa: F401 (a table that only the worker uses)
from campaign.app import create_site
from campaign.config import Settings
from campaign.db import db
from campaign.local.postgres import EmbeddedPostgres


def test_an_empty_database_upgrades_to_the_models(app: Flask) -> None:
    """The session's database was made by the migrations alone, from empty."""
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_every_migration_can_be_taken_back(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", fast=True) as server:
        other = create_site(
            Settings(database_url=server.url, secret_key="x" * 32, broker_url="memory:")
        )
        with other.app_context():
            flask_migrate.upgrade()
            flask_migrate.downgrade(revision="base")
            db.engine.dispose()
        engine = create_engine(server.url, poolclass=NullPool)
        with engine.connect() as connection:
            left = connection.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname IN ('public', 'dramatiq')")
            )
            assert set(left) <= {"alembic_version"}


@pytest.mark.parametrize(
    "change", ["UPDATE campaign_texts SET pledge = 'x'", "DELETE FROM campaign_texts"]
)
def test_a_published_text_never_changes(app: Flask, session: object, change: str) -> None:
    with pytest.raises(Exception, match="published text"):
        db.session.execute(text(change))
