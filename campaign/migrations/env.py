"""Alembic's way into the application: its engine, its metadata. Called by Flask-Migrate only."""

from alembic import context
from flask import current_app

import campaign.schedules  # noqa: F401 (only the worker uses this table)
from campaign.db import db

# dramatiq-postgres owns this schema; its own (idempotent) script makes it, in the first migration.
FOREIGN_SCHEMAS = {"dramatiq"}


def include_name(name: str | None, type_: str, _parents: object) -> bool:
    return not (type_ == "schema" and name in FOREIGN_SCHEMAS)


def run_migrations() -> None:
    options = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_name=include_name,
            transaction_per_migration=True,
            **options,
        )
        with context.begin_transaction():
            # Two nodes that start at once must not migrate at once; a long queue behind a lock must not form.
            context.execute("SELECT pg_advisory_xact_lock(4861005)")
            context.execute("SET LOCAL lock_timeout = '10s'")
            context.run_migrations()


run_migrations()
