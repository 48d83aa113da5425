"""The chain over the audit log: it grows beside its writers, and shows whatever was done to a sealed line."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Event

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from campaign import audit, audit_chain
from campaign.audit import AuditEvent
from campaign.audit_chain import AuditSeal, Fault
from campaign.db import db
from tests.conftest import APPEND_ONLY
from tests.factories import STAFF, policy

Elsewhere = Callable[[Callable[[], object]], "Future[object]"]


@pytest.fixture(autouse=True)
def from_one(committing: None) -> None:
    """Let ids begin at 1, so that tests can name them."""
    db.session.execute(text("ALTER TABLE audit_events ALTER COLUMN id RESTART"))
    db.session.commit()


def act(number: int = 1) -> None:
    for _ in range(number):
        audit.record(STAFF, "tried", "test:1", {"how": "hard", "share": 0.5, "name": "Œuvre"})
    db.session.commit()


def seal(limit: int = 1_000) -> int:
    sealed = audit_chain.seal(policy().signer, limit, wait_seconds=0)
    db.session.commit()
    return sealed


def tamper(change: str) -> None:
    """Do what only a superuser can."""
    for table in APPEND_ONLY:
        db.session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    db.session.execute(text(change))
    for table in APPEND_ONLY:
        db.session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    db.session.commit()


def faults(*noted: str) -> list[tuple[Fault, int, int]]:
    found = audit_chain.verify(policy().signer, noted)
    return [(one.fault, one.first_id, one.last_id) for one in found.findings]


def test_a_log_with_four_writers_is_sealed_while_they_write(elsewhere: Elsewhere) -> None:
    writers = [elsewhere(lambda: [act() for _ in range(25)]) for _ in range(4)]
    while not all(writer.done() for writer in writers):
        seal(10)
    while seal(10):
        pass
    found = audit_chain.verify(policy().signer)
    assert (found.sealed, found.findings) == (100, [])
    assert db.session.scalar(select(func.count()).select_from(AuditEvent)) == 100


@pytest.fixture
def stop(elsewhere: Elsewhere) -> Iterator[Callable[[], object]]:
    """A transaction elsewhere that has drawn the next id and is open until this is called."""
    drawn, stopping = Event(), Event()

    def write() -> None:
        audit.record(STAFF, "waited", "test:2", {})
        db.session.flush()
        drawn.set()
        stopping.wait(10)
        db.session.commit()

    writer = elsewhere(write)
    drawn.wait(10)

    def stop() -> None:
        stopping.set()
        writer.result(10)

    yield stop
    stopping.set()


def test_nothing_is_sealed_that_an_open_transaction_may_come_before(
    stop: Callable[[], object],
) -> None:
    act(2)  # ids 2 and 3
    assert seal() == 0
    stop()  # id 1 appears
    assert seal() == 3
    assert faults() == []


def test_a_seal_waits_for_those_who_write_and_not_for_those_who_come_later(
    stop: Callable[[], object], elsewhere: Elsewhere
) -> None:
    act(2)
    sealing = elsewhere(lambda: audit_chain.seal(policy().signer, wait_seconds=10))
    stop()
    assert sealing.result(10) == 3


def test_ids_of_failed_transactions_are_no_fault() -> None:
    act()
    audit.record(STAFF, "failed", "test:1", {})
    db.session.flush()
    db.session.rollback()
    act()
    assert seal() == 2
    assert faults() == []


SEALED = 6  # lines, two for each seal


@pytest.fixture
def sealed() -> str:
    """Six lines in three seals; the digest of the last."""
    act(SEALED)
    while seal(2):
        pass
    return audit_chain.verify(policy().signer).digest


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE audit_events SET action = 'slept' WHERE id = 3", (Fault.CHANGED, 3, 3)),
        ("UPDATE audit_events SET details = '{}' WHERE id = 4", (Fault.CHANGED, 4, 4)),
        ("UPDATE audit_events SET actor_id = 'eve' WHERE id = 4", (Fault.CHANGED, 4, 4)),
        (
            "UPDATE audit_events SET happened_at = happened_at + interval '1 ms' WHERE id = 1",
            (Fault.CHANGED, 1, 1),
        ),
        (
            "UPDATE audit_events SET session_id = gen_random_uuid() WHERE id = 1",
            (Fault.CHANGED, 1, 1),
        ),
        ("DELETE FROM audit_events WHERE id = 5", (Fault.REMOVED, 5, 5)),
        (
            "INSERT INTO audit_events (id, actor_kind, action, subject, details)"
            " VALUES (0, 'system', 'tried', 'test:1', '{}')",
            (Fault.PUT_IN, 0, 0),
        ),
        ("DELETE FROM audit_seals WHERE id = 2", (Fault.SEAL_REMOVED, 3, 4)),
        ("DELETE FROM audit_seals WHERE id = 1", (Fault.SEAL_REMOVED, 1, 2)),
        (
            "UPDATE audit_seals SET sealed_at = now(), line_digests[1] = line_digests[2] WHERE id = 2",
            (Fault.SEAL_CHANGED, 3, 4),
        ),
    ],
)
def test_whatever_was_done_to_a_sealed_line_is_found(
    sealed: str, change: str, found: tuple[Fault, int, int]
) -> None:
    assert faults(sealed) == []
    tamper(change)
    assert found in faults(sealed)


def test_a_line_put_in_where_a_transaction_had_failed_is_found() -> None:
    act()
    db.session.execute(text("SELECT nextval(pg_get_serial_sequence('audit_events', 'id'))"))
    act()
    seal()
    tamper(
        "INSERT INTO audit_events (id, actor_kind, action, subject, details)"
        " VALUES (2, 'system', 'tried', 'test:1', '{}')"
    )
    assert faults() == [(Fault.PUT_IN, 2, 2)]


def test_newest_seals_that_were_removed_are_missed_by_who_noted_a_digest(sealed: str) -> None:
    tamper("DELETE FROM audit_seals WHERE id = 3; DELETE FROM audit_events WHERE id > 4")
    assert faults() == []
    assert faults(sealed) == [(Fault.DIGEST_UNKNOWN, 0, 0)]


def test_a_seal_made_without_the_key_does_not_fit(sealed: str) -> None:
    tamper(
        "UPDATE audit_events SET action = 'slept' WHERE id = 6;"
        "UPDATE audit_seals SET line_digests[2] = sha256('slept'), digest = sha256('slept') WHERE id = 3"
    )
    assert faults() == [(Fault.SEAL_CHANGED, 5, 6), (Fault.CHANGED, 6, 6)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_seals SET sealed_at = now()",
        "DELETE FROM audit_seals",
        "TRUNCATE audit_seals",
    ],
)
def test_no_seal_can_be_changed_or_removed(sealed: str, change: str) -> None:
    with pytest.raises(DBAPIError, match="only ever added to"):
        db.session.execute(text(change))
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(AuditSeal)) == SEALED / 2
