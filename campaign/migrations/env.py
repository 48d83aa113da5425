"""Run migrations with the application's engine and metadata. Alembic runs this file, for Flask-Migrate.

``lightup migrate`` takes a lock, so that one node migrates at a time.
"""

from alembic import context
from flask import current_app
from sqlalchemy import text

import campaign.schedules  # noqa: F401 (for its table: otherwise only the worker imports it)
from campaign.db import db

# dramatiq-postgres owns this schema; the first migration runs the library's own (idempotent) script.
FOREIGN_SCHEMAS = {"dramatiq"}


def include_name(name: str | None, type_: str, _parents: object) -> bool:
    """Whether Alembic compares this part of the database with the models."""
    return not (type_ == "schema" and name in FOREIGN_SCHEMAS)


def run_migrations() -> None:
    options = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        connection.detach()  # the setting below ends with the connection, instead of going back to the pool
        # While a migration waits for a lock, all later queries of that table wait behind it.
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_name=include_name,
            transaction_per_migration=True,  # locks are released after each
            **options,
        )
        with context.begin_transaction():
            context.run_migrations()


run_migrations()
