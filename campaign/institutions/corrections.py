"""Correct the registry and add to it: what staff say lies over what ROR says, and an import takes nothing back.

The columns of ``institutions``, and the names that are searched, are what is shown: ROR's record with the
corrections applied. For an institution with corrections ``corrected_records`` keeps what ROR says, so that each
correction can be taken back. Nothing commits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.exc import OperationalError

from campaign import audit, topics
from campaign.audit import Actor
from campaign.db import db, lock_number
from campaign.institutions import names, rules
from campaign.institutions.models import (
    REGISTRY,
    SUCCESSOR,
    CorrectedRecord,
    Institution,
    InstitutionCorrection,
    InstitutionName,
    Status,
)
from campaign.institutions.records import new_own_id, website_host
from campaign.institutions.rules import LABEL
from campaign.staff.scopes import Scope

# One change of the registry at a time: an import compares a dump with what is stored, and all count words.
LOCK = lock_number("import institutions")
_WAIT = "3s"
_PLAIN = ("name", "domains", "website", "parents")


class RegistryBusy(Exception):
    """An import is changing the registry: try again in a minute."""


class NotCorrected(Exception):
    """The field of this institution is as ROR has it."""


@dataclass(frozen=True)
class Original:
    """The part of a record that staff can correct.

    ``names`` are all that are searched, each with its kind: some are neither the name displayed nor in a language.
    """

    name: str
    labels: dict[str, str]
    names: list[list[str]]
    domains: list[str]
    website: str | None
    parents: list[str]
    status: str
    successor_id: str | None

    def of_kind(self, kind: str) -> list[str]:
        return [name for name, its_kind in self.names if its_kind == kind]

    def value(self, field: str) -> object:
        """Return what ROR says of one field; None where it says nothing."""
        if field.startswith(LABEL):
            return self.labels.get(field.removeprefix(LABEL))
        kinds = {"acronyms": "acronym", "aliases": "alias"}
        if field in kinds:
            return self.of_kind(kinds[field])
        return getattr(self, "successor_id" if field == SUCCESSOR else field)


@dataclass(frozen=True)
class Correction:
    """What staff say of a field, and what ROR does."""

    field: str
    value: Any
    ror_value: Any
    actor: Actor
    corrected_at: datetime


def of(institution_id: str) -> list[Correction]:
    """Return the corrections of an institution, by field."""
    rows = _rows(institution_id)
    if not rows:
        return []
    original = original_of(institution_id)
    return [
        Correction(row.field, row.value, original.value(row.field), row.actor, row.corrected_at)
        for row in rows
    ]


def original_of(institution_id: str) -> Original:
    """Return what ROR says of an institution, or what was said of one of our own when it was added."""
    kept = db.session.get(CorrectedRecord, institution_id, populate_existing=True)
    return Original(**kept.original) if kept else _as_shown(institution_id)


def originals_of(institution_ids: Iterable[str]) -> dict[str, dict[str, object]]:
    """Return what ROR says of those that are corrected, by column of ``institutions``."""
    kept = select(CorrectedRecord).where(CorrectedRecord.institution_id.in_(institution_ids))
    originals = {row.institution_id: Original(**row.original) for row in db.session.scalars(kept)}
    return {
        id_: {field: value for field, value in asdict(original).items() if field != "names"}
        | {"acronyms": original.of_kind("acronym"), "aliases": original.of_kind("alias")}
        for id_, original in originals.items()
    }


def correct(institution: Institution, said: Mapping[str, Any], actor: Actor, scope: Scope) -> None:
    """Say what is right, by field; what agrees with ROR takes an earlier correction back.

    Raises InvalidInstitution, OutOfScope, RegistryBusy.
    """
    scope.check(institution.country, institution.id)
    clean = rules.check(institution.id, said)
    take_lock()
    before = _say(institution, clean, actor)
    _record(institution, "institution corrected", before, clean, actor)


def take_back(institution: Institution, field: str, actor: Actor, scope: Scope) -> None:
    """Show of one field what ROR says again. Raises NotCorrected, OutOfScope, RegistryBusy."""
    scope.check(institution.country, institution.id)
    take_lock()
    if field not in {row.field for row in _rows(institution.id)}:
        raise NotCorrected
    ror_value = original_of(institution.id).value(field)
    before = _say(institution, {field: ror_value}, actor)
    _record(institution, "correction taken back", before, {field: ror_value}, actor)


def succeed(institution: Institution, successor_id: str | None, actor: Actor) -> None:
    """Say that another institution has taken the place of this one, or, with None, what ROR says of it again.

    A part of a merge, which notes in the audit log what happened. Raises RegistryBusy.
    """
    take_lock()
    ror_value = original_of(institution.id).successor_id
    said = {SUCCESSOR: ror_value if successor_id is None else successor_id}
    _say(institution, said, actor)


def add_own(said: Mapping[str, Any], actor: Actor, scope: Scope) -> Institution:
    """Add an institution that ROR does not have; ``said`` needs name, country and type.

    If ROR gets a record of it, staff merge it into that. Raises InvalidInstitution, OutOfScope, RegistryBusy.
    """
    clean = rules.check(None, {"name": "", "country": "", "type": ""} | dict(said))
    scope.check(clean["country"])
    take_lock()
    institution = Institution(
        id=_free_id(),
        status=Status.ACTIVE,
        types=[clean["type"]],
        country=clean["country"],
        city=clean.get("city"),
        name=clean["name"],
        labels={},
        acronyms=clean.get("acronyms", []),
        aliases=clean.get("aliases", []),
        domains=clean.get("domains", []),
        website=clean.get("website"),
        parents=clean.get("parents", []),
        weight=names.weight([clean["type"]], 1, 0, Status.ACTIVE),
        digest=b"",
    )
    db.session.add(institution)
    db.session.flush()
    _show(institution, replace(_as_shown(institution.id), names=_own_names(clean)))
    details = {"before": None, "after": clean}
    audit.record_if_staff(actor, "institution added", f"institution:{institution.id}", details)
    topics.raise_version(REGISTRY)
    return institution


def _free_id() -> str:
    while db.session.get(Institution, id_ := new_own_id()):
        pass
    return id_


def _own_names(said: Mapping[str, Any]) -> list[list[str]]:
    kinds = {"acronym": said.get("acronyms", []), "alias": said.get("aliases", [])}
    others = [[value, kind] for kind, values in kinds.items() for value in values]
    return [[said["name"], "name"], *others]


def apply_after_import(institution_ids: Iterable[str]) -> None:
    """Apply the corrections anew to institutions whose records an import has just overwritten."""
    corrected = select(Institution).join(CorrectedRecord).where(Institution.id.in_(institution_ids))
    for institution in db.session.scalars(corrected, execution_options={"populate_existing": True}):
        original = _as_shown(institution.id)
        _keep(institution.id, original)
        _show(institution, _corrected(original, _rows(institution.id)))


def take_lock() -> None:
    """Have no other change of the registry begin before this transaction ends. Raises RegistryBusy."""
    try:
        with db.session.begin_nested():
            db.session.execute(text(f"SET LOCAL lock_timeout = '{_WAIT}'"))
            db.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            db.session.execute(text("SET LOCAL lock_timeout = DEFAULT"))
    except OperationalError as error:
        raise RegistryBusy from error


def _record(
    institution: Institution,
    action: str,
    before: Mapping[str, object],
    after: Mapping[str, Any],
    actor: Actor,
) -> None:
    details = {"before": before, "after": {field: after[field] for field in before}}
    if before:
        audit.record_if_staff(actor, action, f"institution:{institution.id}", details)


def _say(institution: Institution, said: Mapping[str, Any], actor: Actor) -> dict[str, object]:
    """Store what differs from what ROR says, forget what does not, and show the outcome.

    Returns what was shown before, of the fields that changed.
    """
    db.session.refresh(institution, with_for_update={"key_share": True})
    before, original = _as_shown(institution.id), original_of(institution.id)
    changed = {field: value for field, value in said.items() if before.value(field) != value}
    if not changed:
        return {}
    _keep(institution.id, original)
    for field, value in changed.items():
        _store(institution.id, field, value, original, actor)
    db.session.flush()
    rows = _rows(institution.id)
    with names.words_recounted(institution.id):
        _show(institution, _corrected(original, rows))
    if not rows:
        db.session.execute(
            delete(CorrectedRecord).where(CorrectedRecord.institution_id == institution.id)
        )
    topics.raise_version(REGISTRY)
    return {field: before.value(field) for field in changed}


def _store(
    institution_id: str, field: str, value: object, original: Original, actor: Actor
) -> None:
    row = db.session.get(InstitutionCorrection, (institution_id, field))
    if value == original.value(field):
        if row:
            db.session.delete(row)
        return
    if row is None:
        row = InstitutionCorrection(institution_id=institution_id, field=field)
        db.session.add(row)
    row.value, row.actor = value, actor


def _rows(institution_id: str) -> Sequence[InstitutionCorrection]:
    rows = select(InstitutionCorrection).filter_by(institution_id=institution_id)
    return db.session.scalars(rows.order_by(InstitutionCorrection.field)).all()


def _keep(institution_id: str, original: Original) -> None:
    db.session.merge(CorrectedRecord(institution_id=institution_id, original=asdict(original)))
    db.session.flush()


def _as_shown(institution_id: str) -> Original:
    """Return the record as it is shown: without corrections, what ROR says."""
    shown = db.session.get_one(Institution, institution_id)
    searched = (
        select(InstitutionName.value, InstitutionName.kind)
        .where(InstitutionName.institution_id == institution_id)
        .order_by(InstitutionName.position)
    )
    return Original(
        name=shown.name,
        labels=dict(shown.labels),
        names=[list(row) for row in db.session.execute(searched)],
        domains=list(shown.domains),
        website=shown.website,
        parents=list(shown.parents),
        status=shown.status,
        successor_id=shown.successor_id,
    )


def _corrected(original: Original, rows: Iterable[InstitutionCorrection]) -> Original:
    """Return the record with the corrections applied."""
    said = {row.field: row.value for row in rows}
    labels = {**original.labels}
    for field, value in said.items():
        if field.startswith(LABEL):
            labels[field.removeprefix(LABEL)] = value
    labels = {language: label for language, label in sorted(labels.items()) if label}
    plain = {
        field: said[field] for field in ("name", "domains", "website", "parents") if field in said
    }
    shown = replace(original, labels=labels, **plain)
    if SUCCESSOR in said:
        # Only what is withdrawn leads to its successor wherever it is found.
        shown = replace(shown, successor_id=said[SUCCESSOR], status=Status.WITHDRAWN)
    return replace(shown, names=_corrected_names(original, shown, said))


def _corrected_names(
    original: Original, shown: Original, said: Mapping[str, Any]
) -> list[list[str]]:
    """Return all names that are searched: those shown, and those of no language that ROR has besides."""
    known = {original.name, *original.labels.values()}
    besides = [name for name in original.of_kind("name") if name not in known]
    kinds: dict[str, str] = {}
    for name in (shown.name, *shown.labels.values(), *besides):
        kinds.setdefault(name, "name")
    for field, kind in (("acronyms", "acronym"), ("aliases", "alias")):
        for name in said.get(field, original.of_kind(kind)):
            kinds.setdefault(name, kind)
    return [list(item) for item in kinds.items()]


def _show(institution: Institution, shown: Original) -> None:
    """Write the columns and the names that are searched."""
    institution.name, institution.labels = shown.name, shown.labels
    institution.acronyms, institution.aliases = shown.of_kind("acronym"), shown.of_kind("alias")
    institution.domains, institution.parents = shown.domains, shown.parents
    institution.website = shown.website
    institution.website_host = website_host(
        shown.website, shown.parents, [name for name, _ in shown.names]
    )
    institution.status, institution.successor_id = shown.status, shown.successor_id
    db.session.flush()
    names.rewrite(institution, shown.names)
