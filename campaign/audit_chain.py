"""Seal the audit log: a chain of keyed digests that shows whether a line was changed, removed or put in between.

Triggers refuse every change of the log, but not to a superuser, who can switch them off. So a job writes a seal for
the lines since the last one: a keyed digest of each line, and one over these and the seal before. Without the key,
which is not in the database, nobody can write a seal that fits.

A chain without its newest seals fits, too. So the digest of each seal is logged: ``verify`` finds whether one that
was noted elsewhere is still there.

A trigger that chains each line as it comes would have all staff wait for one another, or break.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, Row, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from campaign.audit import AuditEvent
from campaign.db import Model, db, lock_number
from campaign.tokens import Signer

LINES_PER_SEAL = 1_000
# How long a run waits for others' transactions; the next run tries again.
WAIT_SECONDS = 10.0
_PURPOSE = "audit"
_LOWEST_ID = -(2**63)
_SEAL_LOCK = lock_number("seal audit")

log = logging.getLogger(__name__)


class AuditSeal(Model):
    """One link of the chain: the lines from ``first_id`` to ``last_id``, and all before them by ``previous``.

    The first one begins at 1, each other one after the last line of the one before. Triggers refuse every change.
    """

    __tablename__ = "audit_seals"
    __table_args__ = (CheckConstraint("first_id <= last_id", name="is_range"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_id: Mapped[int] = mapped_column(BigInteger)
    last_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    # The lines there were, since ids of transactions that failed are missing, and the keyed digest of each.
    ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    line_digests: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    digest: Mapped[bytes]
    sealed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Fault(StrEnum):
    """What is wrong with a line, a seal or a digest."""

    CHANGED = "changed"
    REMOVED = "removed"
    PUT_IN = "put in"
    SEAL_CHANGED = "seal changed"
    SEAL_REMOVED = "seal removed"
    DIGEST_UNKNOWN = "digest unknown"


@dataclass(frozen=True)
class Finding:
    """A fault, and the lines that it is about, from the first to the last."""

    fault: Fault
    first_id: int
    last_id: int


@dataclass(frozen=True)
class Verification:
    """What ``verify`` found: how many lines are sealed, up to which, and every fault."""

    sealed: int
    last_id: int
    digest: str
    findings: Sequence[Finding]


def seal(signer: Signer, limit: int = LINES_PER_SEAL, wait_seconds: float = WAIT_SECONDS) -> int:
    """Seal the next lines that nothing can come between any more; return how many.

    0, too, where a transaction that was open when the newest line was read does not end: it may have drawn a lower
    id. The caller commits and calls again, until nothing is left.
    """
    if not db.session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _SEAL_LOCK}):
        return 0
    # In this order: whoever drew an id up to the newest one either has ended now, or is among the writers.
    newest_id = db.session.scalar(select(func.max(AuditEvent.id))) or 0
    before = _newest_seal()
    first_id = before.last_id + 1 if before else 1
    if newest_id < first_id or not _writers_end(wait_seconds):
        return 0
    lines = _lines(first_id, newest_id, limit)
    last_id = lines[-1].id if len(lines) == limit else newest_id
    made = AuditSeal(
        id=before.id + 1 if before else 1,
        first_id=first_id,
        last_id=last_id,
        ids=[line.id for line in lines],
        line_digests=[_line_digest(signer, line) for line in lines],
    )
    made.digest = _digest(signer, made, before.digest if before else b"")
    db.session.add(made)
    db.session.flush()
    log.info("audit log sealed up to line %d: %s", last_id, made.digest.hex())
    return len(lines)


# An INSERT locks the table before it draws an id, and keeps the lock until its transaction ends (CREATE INDEX
# CONCURRENTLY waits for the same). Snapshots would not do: an id may be drawn before the transaction has a number.
_WRITERS = text(
    """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'audit_events'::regclass AND mode = 'RowExclusiveLock' AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND pid IS DISTINCT FROM pg_backend_pid()"""
)


def _writers_end(wait_seconds: float) -> bool:
    """Wait until all transactions that write to the log now have ended; whether they did in time."""
    until = time.monotonic() + wait_seconds
    writers = _writers()
    while (left := writers & _writers()) and time.monotonic() < until:
        time.sleep(0.1)
    return not left


def _writers() -> set[str]:
    return set(db.session.scalars(_WRITERS))


def _newest_seal() -> AuditSeal | None:
    return db.session.scalar(select(AuditSeal).order_by(AuditSeal.id.desc()).limit(1))


# Columns, not objects: what the session has loaded may differ from what is in the table.
_COLUMNS = (
    AuditEvent.id,
    AuditEvent.__table__.c.actor_kind,
    AuditEvent.__table__.c.actor_id,
    AuditEvent.action,
    AuditEvent.subject,
    AuditEvent.details,
    AuditEvent.session_id,
    AuditEvent.happened_at,
)


def _lines(first_id: int, last_id: int, limit: int | None = None) -> Sequence[Row[Any]]:
    lines = select(*_COLUMNS).where(AuditEvent.id.between(first_id, last_id))
    return db.session.execute(lines.order_by(AuditEvent.id).limit(limit)).all()


def _line_digest(signer: Signer, line: Row[Any]) -> bytes:
    """The keyed digest of a line. What is in it never changes: it would not fit the seals of before."""
    said = {
        "id": line.id,
        "actor": [line.actor_kind, line.actor_id],
        "action": line.action,
        "subject": line.subject,
        "details": line.details,
        "session": str(line.session_id) if line.session_id else None,
        "at": line.happened_at.astimezone(UTC).isoformat(),
    }
    return signer.fingerprint(_PURPOSE, _canonical(said))


def _digest(signer: Signer, made: AuditSeal, previous: bytes) -> bytes:
    said = {
        "id": made.id,
        "lines": [made.first_id, made.last_id],
        "digests": [
            [id_, digest.hex()] for id_, digest in zip(made.ids, made.line_digests, strict=False)
        ],
        "previous": previous.hex(),
    }
    return signer.fingerprint(_PURPOSE, _canonical(said))


def _canonical(said: Mapping[str, Any]) -> str:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def unsealed_since() -> datetime | None:
    """Return when the oldest line was added that is not sealed; None where all are. One statement."""
    sealed = select(func.coalesce(func.max(AuditSeal.last_id), 0)).scalar_subquery()
    return db.session.scalar(select(func.min(AuditEvent.happened_at)).where(AuditEvent.id > sealed))


def verify(signer: Signer, noted: Sequence[str] = ()) -> Verification:
    """Compare every sealed line with its seal, and the seals with one another; never stops at the first fault.

    ``noted`` are digests in hexadecimal that seals had before.
    """
    seals = select(AuditSeal).order_by(AuditSeal.id).execution_options(populate_existing=True)
    findings = [Finding(Fault.PUT_IN, line.id, line.id) for line in _lines(_LOWEST_ID, 0)]
    digests, sealed, newest = set(), 0, None
    for made in db.session.scalars(seals, execution_options={"yield_per": 100}):
        findings += chain(_faults_of_seal(signer, made, newest), _faults_of_lines(signer, made))
        digests.add(made.digest.hex())
        sealed += len(made.ids)
        newest = made
    last_id = newest.last_id if newest else 0
    unknown = (Finding(Fault.DIGEST_UNKNOWN, 0, 0) for digest in noted if digest not in digests)
    digest = newest.digest.hex() if newest else ""
    return Verification(sealed, last_id, digest, [*findings, *unknown])


def _faults_of_seal(signer: Signer, made: AuditSeal, before: AuditSeal | None) -> Iterator[Finding]:
    expected_id, first_id = (before.id + 1, before.last_id + 1) if before else (1, 1)
    if made.id != expected_id or made.first_id != first_id:
        yield Finding(Fault.SEAL_REMOVED, first_id, made.first_id - 1)
    elif made.digest != _digest(signer, made, before.digest if before else b""):
        yield Finding(Fault.SEAL_CHANGED, made.first_id, made.last_id)


def _faults_of_lines(signer: Signer, made: AuditSeal) -> Iterator[Finding]:
    sealed = dict(zip(made.ids, made.line_digests, strict=False))
    found = {line.id: line for line in _lines(made.first_id, made.last_id)}
    for id_ in sorted(sealed.keys() | found.keys()):
        if fault := _fault_of_line(signer, sealed.get(id_), found.get(id_)):
            yield Finding(fault, id_, id_)


def _fault_of_line(signer: Signer, sealed: bytes | None, line: Row[Any] | None) -> Fault | None:
    if line is None:
        return Fault.REMOVED
    if sealed is None:
        return Fault.PUT_IN
    return None if _line_digest(signer, line) == sealed else Fault.CHANGED
