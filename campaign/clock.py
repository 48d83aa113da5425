"""The time, in one place: always UTC, always aware."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
