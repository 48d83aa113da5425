"""The time: always in UTC, always with its zone."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def recent_months(number: int) -> list[str]:
    """Return so many months, the last being this one, as tallies name them: "2026-11"."""
    today = now()
    last = today.year * 12 + today.month - 1
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(last - number + 1, last + 1)]
