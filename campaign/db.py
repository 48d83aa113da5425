"""The database session, the base class of all models, and the few helpers that every domain uses."""

import os
import time
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, MetaData, Text, Uuid, event, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.pool import ConnectionPoolEntry, Pool

# Predictable names, by which migrations and error handling can refer to a constraint.
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


# Rows stay loaded after a commit: they are as we wrote them, and reading them again would double the statements
# of a busy worker.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

# The server of an idle connection may be gone, so the pool tests one that was idle for so long. SQLAlchemy's
# pool_pre_ping would test each: in a busy hour every sixth statement, although one failure renews the whole pool.
IDLE_SECONDS = 1.0


@event.listens_for(Pool, "connect")
def read_in_utc(connection: psycopg.Connection, _record: object) -> None:
    """Make days be days in UTC, whatever the server's zone.

    By a statement, since not every pooler (such as PgBouncer) accepts the option when it connects.
    """
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


@event.listens_for(Pool, "checkin")
def note_time(_connection: object, record: ConnectionPoolEntry) -> None:
    """Note when a connection went back to the pool."""
    record.info["used_at"] = time.monotonic()


@event.listens_for(Pool, "checkout")
def check_if_idle(
    connection: psycopg.Connection, record: ConnectionPoolEntry, _proxy: object
) -> None:
    """Test a connection that was idle. Raises DisconnectionError, at which the pool tries a new one."""
    if time.monotonic() - record.info.get("used_at", time.monotonic()) < IDLE_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.OperationalError as error:
        raise DisconnectionError from error


if TYPE_CHECKING:
    # Flask-SQLAlchemy builds the class at run time, where a type checker cannot follow.
    Model = Base
else:
    Model = db.Model


def lock_number(purpose: str) -> int:
    """Return the number of PostgreSQL's advisory lock for a purpose, such as "fold".

    Numbers kept by hand once gave two purposes the same lock: an import of the registry held up a publication.
    """
    return int.from_bytes(sha256(f"lightup {purpose}".encode()).digest()[:8], signed=True)


def new_id() -> UUID:
    """Return a key like the database's (RFC 9562, version 7), for code that needs it before the row exists."""
    stamp = time.time_ns() // 1_000_000 << 80
    version, variant = 7 << 76, 2 << 62
    chance = int.from_bytes(os.urandom(10)) & ~(0xF << 76 | 0x3 << 62)
    return UUID(int=stamp | version | variant | chance)


def uuid_key() -> Mapped[UUID]:
    """Return the column of a primary key that sorts by time of creation and does not reveal the number of rows."""
    return mapped_column(primary_key=True, server_default=func.uuidv7())
