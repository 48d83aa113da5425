"""The schema of the migrations is the schema of the models, and there is one way to it."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import NullPool, create_engine, text

import campaign.schedules  # noqa: F401 (a table that only the worker uses)
from campaign.db import db
from campaign.local.postgres import EmbeddedPostgres
from campaign.paths import MIGRATIONS


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_an_empty_database_upgrades_to_the_models(app: Flask) -> None:
    """The session's database was made by the migrations alone, from empty."""
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_every_migration_can_be_taken_back(tmp_path: Path, settings: object) -> None:
    import flask_migrate

    from campaign.app import create_app
    from campaign.config import Settings

    with EmbeddedPostgres(tmp_path / "pg", fast=True) as server:
        other = create_app(
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


@pytest.mark.parametrize(
    ("actor", "kind", "id_"), [("staff:kim", "staff", "kim"), ("person", "person", None)]
)
def test_actors_of_before_the_audit_log_are_taken_apart_and_put_together(
    tmp_path: Path, settings: object, actor: str, kind: str, id_: str | None
) -> None:
    import flask_migrate

    from campaign.app import create_app
    from campaign.config import Settings

    event = "INSERT INTO partner_events (actor, action, subject, details) VALUES (:actor, 'x', 'y', '{}')"
    with EmbeddedPostgres(tmp_path / "pg", fast=True) as server:
        other = create_app(
            Settings(database_url=server.url, secret_key="x" * 32, broker_url="memory:")
        )
        with other.app_context(), db.engine.connect() as connection:
            flask_migrate.upgrade(revision="0005")
            connection.execute(text(event), {"actor": actor})
            connection.commit()
            flask_migrate.upgrade(revision="0007")
            after = connection.execute(text("SELECT actor_kind, actor_id FROM partner_events"))
            assert after.one() == (kind, id_)
            connection.commit()
            flask_migrate.downgrade(revision="0005")
            assert connection.scalar(text("SELECT actor FROM partner_events")) == actor
        with other.app_context():
            db.engine.dispose()
