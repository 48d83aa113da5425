"""The time, in one place: always UTC, always aware."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def recent_months(number: int) -> list[str]:
    """The last months up to this one ("2026-11"), as tallies name them."""
    today = now()
    last = today.year * 12 + today.month - 1
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(last - number + 1, last + 1)]
