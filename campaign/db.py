"""The database session, the base class of all models and the few helpers that every domain uses."""

import os
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, MetaData, Text, Uuid, event, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.pool import ConnectionPoolEntry, Pool

# Constraints with predictable names can be named in migrations and in error handling.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: DateTime(timezone=True),
            dict[str, Any]: JSONB,
            str: Text,
            UUID: Uuid,
        },
    )


# What was committed is what we just wrote; reading it all again would double the statements of a busy worker.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

# A connection that was idle may be one to a server that is gone. One that was in use a moment ago is not asked:
# in a busy hour the question would be every sixth statement, and one failure renews the whole pool.
IDLE_SECONDS = 1.0


@event.listens_for(Pool, "connect")
def read_in_utc(connection: psycopg.Connection, _record: object) -> None:
    """Days are days in UTC, whatever the server's zone. By a statement: not all poolers take start options."""
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


@event.listens_for(Pool, "checkin")
def note_time(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


@event.listens_for(Pool, "checkout")
def ask_whether_alive(
    connection: psycopg.Connection, record: ConnectionPoolEntry, _proxy: object
) -> None:
    if time.monotonic() - record.info.get("used_at", time.monotonic()) < IDLE_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.OperationalError as error:
        raise DisconnectionError from error  # the pool tries again with a new connection


if TYPE_CHECKING:
    # A type checker cannot follow the class that Flask-SQLAlchemy builds at run time.
    Model = Base
else:
    Model = db.Model


def new_id() -> UUID:
    """A key as the database makes it (RFC 9562, version 7), for who must know it before the row is there."""
    stamp = time.time_ns() // 1_000_000 << 80
    version, variant = 7 << 76, 2 << 62
    chance = int.from_bytes(os.urandom(10)) & ~(0xF << 76 | 0x3 << 62)
    return UUID(int=stamp | version | variant | chance)


def uuid_key() -> Mapped[UUID]:
    """Primary key that sorts by time of creation and tells nobody how many there are."""
    return mapped_column(primary_key=True, server_default=func.uuidv7())
