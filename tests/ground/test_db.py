"""Connections and keys."""

from datetime import timedelta

from sqlalchemy import create_engine, make_url, text

from campaign.db import IDLE_SECONDS, lock_number, new_id


def test_a_connection_whose_server_side_is_gone_is_replaced(database_url):
    engine = create_engine(database_url, pool_size=1)
    with engine.connect() as connection:
        first = connection.scalar(text("SELECT pg_backend_pid()"))
        record = connection.connection._connection_record
    terminate = create_engine(database_url)
    with terminate.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": first})
    record.info["used_at"] -= 2 * IDLE_SECONDS  # as if it had rested

    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != first
    engine.dispose()
    terminate.dispose()


def test_moments_are_read_in_utc_whatever_the_zone_of_the_server(database_url):
    zone = {"options": "-c timezone=Pacific/Kiritimati"}
    engine = create_engine(make_url(database_url).update_query_dict(zone), pool_size=1)
    for _ in range(2):
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT now()")).utcoffset() == timedelta(0)
    engine.dispose()


def test_a_key_made_here_is_of_the_kind_the_database_makes(session):
    ours, theirs = new_id(), session.scalar(text("SELECT uuidv7()"))

    assert (ours.version, ours.variant) == (theirs.version, theirs.variant) == (7, theirs.variant)
    assert abs((ours.int >> 80) - (theirs.int >> 80)) < 60_000  # milliseconds since 1970


def test_each_advisory_lock_has_a_number_of_its_own() -> None:
    """PostgreSQL's are 64 bits, signed; the same at each start, since two versions may run side by side."""
    numbers = [
        lock_number(purpose) for purpose in ("fold tallies", "publish records", "fold tally")
    ]
    assert len(set(numbers)) == 3
    assert all(-(2**63) <= number < 2**63 for number in numbers)
    assert lock_number("fold tallies") == numbers[0]
