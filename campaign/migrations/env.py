"""Alembic's way into the application: its engine, its metadata. Called by Flask-Migrate only.

``lightup migrate`` sees to it that one node migrates at a time.
"""

from alembic import context
from flask import current_app
from sqlalchemy import text

import campaign.schedules  # noqa: F401 (only the worker uses this table)
from campaign.db import db

# dramatiq-postgres owns this schema; its own (idempotent) script makes it, in the first migration.
FOREIGN_SCHEMAS = {"dramatiq"}


def include_name(name: str | None, type_: str, _parents: object) -> bool:
    return not (type_ == "schema" and name in FOREIGN_SCHEMAS)


def run_migrations() -> None:
    options = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        connection.detach()  # what is set ends with it, instead of going back to the pool
        # A migration that waits for a lock lets a long queue form behind it. Each is a transaction of its own.
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_name=include_name,
            transaction_per_migration=True,
            **options,
        )
        with context.begin_transaction():
            context.run_migrations()


run_migrations()
