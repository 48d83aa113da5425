"""Import a ROR dump into the registry: new records are added, different ones changed, none is deleted."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Text, any_, delete, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from campaign import topics
from campaign.db import db
from campaign.institutions import corrections, names
from campaign.institutions.corrections import LOCK
from campaign.institutions.models import (
    REGISTRY,
    Institution,
    InstitutionName,
    RegistryImport,
)
from campaign.institutions.queries import by_ids, latest_imports
from campaign.institutions.records import Record
from campaign.institutions.ror import Refusal, Release, open_dump

# Part of every digest. Raise it when records are to be stored differently: the next import then rewrites all.
_FORMAT = 2
_BATCH = 1000
# How many records a preview shows of each kind.
SAMPLE = 20

_COLUMNS = (
    "id", "status", "types", "country", "subdivision", "city", "latitude", "longitude", "name", "labels",
    "acronyms", "aliases", "domains", "website", "website_host", "established", "parents", "successor_id",
    "weight", "digest",
)  # fmt: skip
_COMPARED = tuple(
    name for name in _COLUMNS if name not in {"id", "weight", "digest", "website_host"}
)

# COPY is by far the fastest way in, but cannot update rows: it fills this table, and _UPSERT does the rest.
# DEFAULTS fills imported_at.
_MAKE_INCOMING = """
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming_institutions
    (LIKE institutions INCLUDING DEFAULTS) ON COMMIT DROP
"""
_UPSERT = f"""
    INSERT INTO institutions SELECT * FROM incoming_institutions
    ON CONFLICT (id) DO UPDATE SET
    {", ".join(f"{column} = excluded.{column}" for column in (*_COLUMNS[1:], "imported_at"))}
"""  # noqa: S608


class DroppedDomain(NamedTuple):
    """A domain that the institution with this ROR id does not own alone, so it was left out."""

    ror_id: str
    domain: str


@dataclass
class ImportSummary:
    """How many records an import added, changed and found unchanged, and what it left out."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)
    dropped_domains: list[DroppedDomain] = field(default_factory=list)


class FieldChange(NamedTuple):
    """What ROR said of a field, and what it says now."""

    field: str
    before: object
    after: object


class RecordChange(NamedTuple):
    """A record that an import would change; no field is named where only names of no language differ."""

    id: str
    name: str
    changes: Sequence[FieldChange]


@dataclass
class ImportDiff:
    """What an import would change: counted in full, and shown by the first of each kind."""

    summary: ImportSummary = field(default_factory=ImportSummary)
    # How many records would change in each field.
    fields: Counter[str] = field(default_factory=Counter)
    added: list[Record] = field(default_factory=list)
    changed: list[RecordChange] = field(default_factory=list)

    def note_added(self, record: Record) -> None:
        if len(self.added) < SAMPLE:
            self.added.append(record)

    def note_changed(self, now: Institution, changes: Sequence[FieldChange]) -> None:
        self.fields.update(change.field for change in changes)
        if len(self.changed) < SAMPLE:
            self.changed.append(RecordChange(now.id, now.name, changes))


# Called with the bytes read so far and the size of the dump in bytes.
Progress = Callable[[int, int], None]


def import_dump(path: Path, progress: Progress | None = None) -> ImportSummary:
    """Import a dump and return what it changed, for the caller to commit.

    Raises ror.DumpError or OSError, perhaps halfway: the caller then rolls back.
    """
    summary = ImportSummary()
    with open_dump(path) as dump:
        db.session.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        entries = dump.entries()
        while batch := list(islice(entries, _BATCH)):
            _import_batch(batch, summary)
            if progress:
                progress(dump.bytes_read, dump.size)
    if summary.added or summary.changed:
        names.refresh()
        db.session.expire_all()  # COPY bypasses the session, whose objects may be out of date now
    _note(dump.release, summary)
    return summary


def preview(path: Path, progress: Progress | None = None) -> ImportDiff:
    """Return what importing a dump would change; nothing changes. Raises ror.DumpError or OSError."""
    diff = ImportDiff()
    with open_dump(path) as dump:
        entries = dump.entries()
        while batch := list(islice(entries, _BATCH)):
            different, changed, _ = _sorted_out(batch, diff.summary)
            _compare(different, set(changed), diff)
            if progress:
                progress(dump.bytes_read, dump.size)
    return diff


def _compare(different: Sequence[Record], changed: set[str], diff: ImportDiff) -> None:
    """Add records that would be new or changed to the difference, with the fields that would change."""
    stored = by_ids([*changed])
    originals = corrections.originals_of(changed)
    for record in different:
        now = stored.get(record.id)
        if now is None:
            diff.note_added(record)
            continue
        before = _shown_fields(now) | originals.get(record.id, {})
        after = dict(zip(_COLUMNS, _row(record, b""), strict=True)) | {
            "labels": dict(record.labels)
        }
        fields = [name for name in _COMPARED if before[name] != after[name]]
        diff.note_changed(now, [FieldChange(name, before[name], after[name]) for name in fields])


def _shown_fields(institution: Institution) -> dict[str, object]:
    return {name: getattr(institution, name) for name in _COMPARED}


def _note(release: Release, summary: ImportSummary) -> None:
    """Note which release was imported, unless it is the last one again and changed nothing."""
    last = next(iter(latest_imports(limit=1)), None)
    if last and last.digest == release.digest and not (summary.added or summary.changed):
        return
    db.session.add(
        RegistryImport(
            version=release.version,
            released_on=release.released_on,
            file_name=release.file_name,
            digest=release.digest,
            added=summary.added,
            changed=summary.changed,
            unchanged=summary.unchanged,
            refused=len(summary.refused),
        )
    )
    db.session.flush()
    topics.raise_version(REGISTRY)


def _import_batch(batch: Iterable[Record | Refusal], summary: ImportSummary) -> None:
    different, changed, digests = _sorted_out(batch, summary)
    if different:
        _store(different, changed, digests)


def _sorted_out(
    batch: Iterable[Record | Refusal], summary: ImportSummary
) -> tuple[list[Record], list[str], dict[str, bytes]]:
    """Count a batch; return the records that are not stored so, the ids of those that are stored otherwise, and
    the digests of all."""
    records = []
    for entry in batch:
        if isinstance(entry, Refusal):
            summary.refused.append(entry)
        else:
            records.append(entry)
            summary.dropped_domains += [
                DroppedDomain(entry.id, domain) for domain in entry.dropped_domains
            ]
    digests = {record.id: _digest(record) for record in records}
    stored_digests = _stored_digests(digests.keys())
    different = [
        record for record in records if digests[record.id] != stored_digests.get(record.id)
    ]
    changed = [record.id for record in different if record.id in stored_digests]
    summary.added += len(different) - len(changed)
    summary.changed += len(changed)
    summary.unchanged += len(records) - len(different)
    return different, changed, digests


def _stored_digests(ids: Iterable[str]) -> dict[str, bytes]:
    """Return the digests of those records that are in the registry, by ROR id."""
    rows = db.session.execute(
        select(Institution.id, Institution.digest).where(
            Institution.id == any_(literal(list(ids), ARRAY(Text)))
        )
    )
    return dict(rows.all())


def _digest(record: Record) -> bytes:
    return hashlib.blake2b(json.dumps((_FORMAT, record)).encode(), digest_size=16).digest()


def _store(records: Sequence[Record], changed: Sequence[str], digests: dict[str, bytes]) -> None:
    """Write the records; ``changed`` are the ids of those that replace a stored one, with all its names."""
    db.session.execute(text(_MAKE_INCOMING))
    db.session.execute(text("TRUNCATE incoming_institutions"))
    names.copy(
        "incoming_institutions", _COLUMNS, (_row(record, digests[record.id]) for record in records)
    )
    db.session.execute(text(_UPSERT))
    if changed:
        db.session.execute(
            delete(InstitutionName).where(InstitutionName.institution_id.in_(changed))
        )
    names.copy(
        "institution_names",
        names.COLUMNS,
        (row for record in records for row in _name_rows(record)),
    )
    corrections.apply_after_import(changed)


def _row(record: Record, digest: bytes) -> tuple[object, ...]:
    by_kind = {
        kind: [name for name, its_kind in record.names if its_kind == kind]
        for kind in ("acronym", "alias")
    }
    return (
        record.id, record.status, list(record.types), record.country, record.subdivision, record.city,
        record.latitude, record.longitude, record.name, json.dumps(dict(record.labels), ensure_ascii=False),
        by_kind["acronym"], by_kind["alias"], list(record.domains), record.website, record.website_host,
        record.established, list(record.parents), record.successor_id, _weight(record), digest,
    )  # fmt: skip


def _name_rows(record: Record) -> Iterator[tuple[object, ...]]:
    place = names.place_words(record.city, record.subdivision, record.subdivision_code)
    for position, (name, kind) in enumerate(record.names):
        yield names.row(record.id, position, kind, name, place, record.country, _weight(record))


def _weight(record: Record) -> float:
    return names.weight(record.types, len(record.names), record.relationships, record.status)
