"""Past supporters from a file: read into rows, checked without changing anything, then brought in batch by batch.

Nobody who said no is overruled: suppressed addresses and people whose newest answer is no stay as they are. A yes
comes only with its source and its date. Who was here before gets no new address, and keeps their own answers.
"""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, case, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from campaign import audit, spreadsheets
from campaign.audit import Actor
from campaign.db import db
from campaign.institutions.countries import countries_like, country_called
from campaign.institutions.folding import fold
from campaign.people import operations, queries
from campaign.people.import_rules import (
    OPEN,
    BadRow,
    Candidate,
    Column,
    InvalidMapping,
    MappingProblem,
    Problem,
    guess,
    read_row,
)
from campaign.people.models import (
    Consent,
    ImportRow,
    Outcome,
    Person,
    Supporter,
    SupporterImport,
)
from campaign.tasks import State, Task
from campaign.text import without_formulas
from campaign.tokens import Signer

KEPT = timedelta(days=7)
# Rows that one transaction checks or brings in.
_BATCH = 500
_STORED_AT_ONCE = 1000
_SAMPLES = 3


class NoRows(spreadsheets.UnreadableTable):
    """The file has no row below its headers."""


class ImportExpired(Exception):
    """The rows were removed before all of them were brought in."""


def add(actor: Actor, path: Path, file_name: str, locale: str, now: datetime) -> SupporterImport:
    """Store the rows of a file and guess what its columns are. Raises UnreadableTable."""
    rows = spreadsheets.read(path)
    first = list(islice(rows, _SAMPLES + 1))
    has_headers = bool(first) and not any("@" in cell for cell in first[0].cells)
    if len(first) <= has_headers:
        raise NoRows
    width = max(len(row.cells) for row in first)
    headers = _widened(first[0].cells, width) if has_headers else [""] * width
    made = SupporterImport(
        actor=actor,
        file_name=file_name,
        headers=headers,
        columns=guess(headers, [row.cells for row in first[has_headers:]]),
        locale=locale,
        rows=0,
        expires_at=now + KEPT,
    )
    db.session.add(made)
    db.session.flush()
    made.rows = _store(made.id, chain(first[has_headers:], rows))
    audit.record(actor, "supporters uploaded", f"import:{made.id}", {"after": {"rows": made.rows}})
    db.session.flush()
    return made


def _widened(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]


def _store(import_id: UUID, rows: Iterator[spreadsheets.Row]) -> int:
    """Add the rows, some at a time: a long file takes no more memory than a short one."""
    stored = 0
    while batch := list(islice(rows, _STORED_AT_ONCE)):
        values = [
            {"import_id": import_id, "number": number, "cells": [_storable(cell) for cell in cells]}
            for number, cells in batch
        ]
        db.session.execute(insert(ImportRow), values)
        stored += len(batch)
    return stored


def _storable(cell: str) -> str:
    return cell.replace("\0", "")[:1000]


def get(import_id: UUID) -> SupporterImport | None:
    """The import with this id."""
    return db.session.get(SupporterImport, import_id)


def get_locked(import_id: UUID) -> SupporterImport | None:
    """The same, its row locked and read anew."""
    return db.session.get(SupporterImport, import_id, with_for_update=True, populate_existing=True)


def recent(limit: int = 50) -> Sequence[SupporterImport]:
    """The newest imports."""
    newest = select(SupporterImport).order_by(SupporterImport.id.desc()).limit(limit)
    return db.session.scalars(newest).all()


def samples(import_: SupporterImport) -> list[list[str]]:
    """The first values of each column that are not empty."""
    rows = [row.cells for row in db.session.scalars(_rows(import_.id).limit(50))]
    values = ([cells[place] for cells in rows if any(cells[place : place + 1])] for place in
              range(len(import_.headers)))  # fmt: skip
    return [list(dict.fromkeys(column))[:_SAMPLES] for column in values]


def _rows(import_id: UUID, after: int = 0) -> Select[ImportRow]:
    return (
        select(ImportRow)
        .where(ImportRow.import_id == import_id, ImportRow.number > after)
        .order_by(ImportRow.number)
    )


def describe(
    import_: SupporterImport,
    columns: Sequence[Column | None],
    consent_source: str | None,
    consent_on: date | None,
    today: date,
) -> None:
    """Say what the columns are, and where and when these people said yes, if they did. Raises InvalidMapping.

    Without source and date they are brought in and never written to. A column of dates replaces the one date.
    """
    named = [column for column in columns if column]
    has_date = consent_on is not None or Column.CONSENT_DATE in named
    problems = {
        MappingProblem.NO_EMAIL: Column.EMAIL not in named,
        MappingProblem.TWICE: len(named) != len(set(named)),
        MappingProblem.CONSENT_HALF_GIVEN: bool(consent_source) != has_date,
        MappingProblem.CONSENT_IN_FUTURE: consent_on is not None and consent_on > today,
    }
    for problem, applies in problems.items():
        if applies:
            raise InvalidMapping(problem)
    import_.columns = _fitting(columns, len(import_.headers))
    import_.consent_source, import_.consent_on = consent_source or None, consent_on


def _fitting(columns: Sequence[Column | None], width: int) -> list[str | None]:
    return [*columns[:width], *[None] * (width - len(columns))]


def decide(import_: SupporterImport, problem: Problem, detail: str, value: str) -> None:
    """Say what cells stand for: the code of a country, an ISO date, or "" for nothing. Raises ValueError."""
    if problem not in OPEN:
        raise ValueError(problem)
    if problem is Problem.COUNTRY and value and country_called(value) != value:
        raise ValueError(value)
    if problem is Problem.CONSENT_DATE and value:
        date.fromisoformat(value)
    decided = {**import_.decisions.get(problem, {}), detail: value}
    import_.decisions = {**import_.decisions, problem: decided}


class Group(NamedTuple):
    """Rows that have one problem in common, and what they may stand for."""

    outcome: Outcome
    problem: Problem
    detail: str
    rows: int
    suggestions: list[str]


def counts(import_: SupporterImport) -> dict[Outcome, int]:
    """How many rows have each outcome; their sum is the number of rows, once all are checked."""
    by_outcome = (
        select(ImportRow.outcome, func.count())
        .where(ImportRow.import_id == import_.id, ImportRow.outcome.is_not(None))
        .group_by(ImportRow.outcome)
    )
    found = dict(db.session.execute(by_outcome).all())
    return {outcome: found.get(outcome, 0) for outcome in Outcome}


def groups(import_: SupporterImport, limit: int = 200) -> list[Group]:
    """The rows that staff may decide about, those with the same cell together, and the refused by problem."""
    is_open = ImportRow.problem.in_(OPEN)
    rows = func.count()
    detail = case((is_open, func.coalesce(ImportRow.detail, "")), else_="").label("cell")
    by_problem = (
        select(ImportRow.outcome, ImportRow.problem, detail, rows)
        .where(ImportRow.import_id == import_.id, ImportRow.problem.is_not(None))
        .group_by(ImportRow.outcome, ImportRow.problem, detail)
        .order_by(ImportRow.outcome.desc(), rows.desc(), detail)
        .limit(limit)
    )
    return [
        Group(Outcome(outcome), Problem(problem), cell, number, _suggestions(problem, cell))
        for outcome, problem, cell, number in db.session.execute(by_problem)
    ]


def _suggestions(problem: str, cell: str) -> list[str]:
    return countries_like(cell) if problem == Problem.COUNTRY else []


def report(import_: SupporterImport) -> Iterator[str]:
    """Lines of CSV: each row that is not brought in, with its number in the file, why, and its cells."""
    bad = _rows(import_.id).where(ImportRow.outcome.not_in([Outcome.NEW, Outcome.KNOWN]))
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL)
    writer.writerow(["row", "outcome", "problem", *map(without_formulas, import_.headers)])
    for row in db.session.scalars(bad.execution_options(yield_per=_STORED_AT_ONCE)):
        cells = map(without_formulas, row.cells)
        writer.writerow([row.number, row.outcome, row.problem or "", *cells])
        yield line.getvalue()
        line.seek(0)
        line.truncate()
    yield line.getvalue()


def check(signer: Signer, task: Task) -> bool:
    """Say of the next rows what would become of each; return whether there are more. Changes no person."""
    import_, rows = _next(task)
    said = {row.number: read_row(signer, import_, row.cells) for row in rows}
    found = _Found([it for it in said.values() if isinstance(it, Candidate)])
    earlier = _earlier(import_.id, found.fingerprints, task.cursor.get("number", 0))
    for row in rows:
        _note(row, said[row.number], found, earlier)
    _move(task, rows)
    return task.done < task.total


def _next(task: Task) -> tuple[SupporterImport, Sequence[ImportRow]]:
    # Read anew: staff may have decided something since the last batch.
    import_ = db.session.get_one(SupporterImport, UUID(task.plan["import"]), populate_existing=True)
    rows = db.session.scalars(_rows(import_.id, task.cursor.get("number", 0)).limit(_BATCH)).all()
    if not rows and task.done < task.total:
        raise ImportExpired
    return import_, rows


def _move(task: Task, rows: Sequence[ImportRow]) -> None:
    if rows:
        task.cursor = {"number": rows[-1].number}
    task.done += len(rows)


def _note(row: ImportRow, said: Candidate | BadRow, found: "_Found", earlier: set[bytes]) -> None:
    row.fingerprint, row.problem, row.detail = None, None, None
    if isinstance(said, Candidate):
        row.fingerprint = said.fingerprint
        said = found.refusal(said) or said
    if isinstance(said, BadRow):
        row.outcome = Outcome.UNDECIDED if said.problem in OPEN else Outcome.REFUSED
        row.problem, row.detail = said.problem, said.detail
    elif said.fingerprint in earlier:
        row.outcome = Outcome.REPEATED
    else:
        earlier.add(said.fingerprint)
        row.outcome = Outcome.KNOWN if found.person_of(said) else Outcome.NEW


def _earlier(import_id: UUID, fingerprints: Collection[bytes], number: int) -> set[bytes]:
    """Which of these people are brought in by a row further up."""
    above = select(ImportRow.fingerprint).where(
        ImportRow.import_id == import_id,
        ImportRow.fingerprint.in_(fingerprints),
        ImportRow.number <= number,
        ImportRow.outcome.in_([Outcome.NEW, Outcome.KNOWN]),
    )
    return {it for it in db.session.scalars(above) if it}


class _Found:
    """What is known of the people of some rows, by four statements."""

    def __init__(self, candidates: Sequence[Candidate], *, lock: bool = False) -> None:
        self.fingerprints = {candidate.fingerprint for candidate in candidates}
        people = select(Person).where(Person.fingerprint.in_(self.fingerprints))
        people = people.order_by(Person.fingerprint, Person.id)
        if lock:
            people = people.with_for_update()
        self._people = db.session.scalars(people).all()
        ids = [person.id for person in self._people]
        self._suppressed = queries.suppressed(self.fingerprints)
        self._answers = _newest_answers(ids)
        self._rooted = _rooted(ids)

    def person_of(self, candidate: Candidate) -> Person | None:
        """The person a row means: their mailbox's, or one with another spelling that is certainly in use."""
        spellings = self._spellings(candidate)
        same = (it for it in spellings if it.mailbox == candidate.address.mailbox)
        return next(same, None) or next((it for it in spellings if it.id in self._rooted), None)

    def has_answered(self, person: Person) -> bool:
        return person.id in self._answers

    def refusal(self, candidate: Candidate) -> BadRow | None:
        """Why nothing changes for this person, who said no."""
        if candidate.fingerprint in self._suppressed:
            return BadRow(Problem.SUPPRESSED)
        said_no = any(self._answers.get(it.id) is False for it in self._spellings(candidate))
        return BadRow(Problem.UNSUBSCRIBED) if said_no else None

    def _spellings(self, candidate: Candidate) -> list[Person]:
        return [it for it in self._people if it.fingerprint == candidate.fingerprint]


def _newest_answers(person_ids: Sequence[UUID]) -> dict[UUID, bool]:
    """The newest answer of each of these people to the newsletter."""
    answers = select(Consent.person_id, Consent.granted).where(
        Consent.person_id.in_(person_ids), Consent.purpose == "newsletter"
    )
    return dict(db.session.execute(answers.order_by(Consent.id)).all())


def _rooted(person_ids: Sequence[UUID]) -> set[UUID]:
    """Those who confirmed a pledge, which leaves a consent, or are supporters: no stranger has typed these."""
    consenting = select(Consent.person_id).where(Consent.person_id.in_(person_ids))
    supporting = select(Supporter.person_id).where(Supporter.person_id.in_(person_ids))
    return set(db.session.scalars(consenting.union(supporting)))


def bring_in(signer: Signer, task: Task) -> bool:
    """Add the people of the next rows as supporters; return whether there are more.

    The result counts every row: what the dry run left out, and what has changed since.
    """
    import_, rows = _next(task)
    wanted = [row for row in rows if row.outcome in {Outcome.NEW, Outcome.KNOWN}]
    said = [read_row(signer, import_, row.cells) for row in wanted]
    # In one order, so that two imports never wait for each other.
    candidates = sorted(
        (it for it in said if isinstance(it, Candidate)), key=lambda it: it.fingerprint
    )
    outcomes = [row.outcome for row in rows if row not in wanted]
    outcomes += [Outcome.REFUSED] * (len(said) - len(candidates))
    found = _Found(candidates, lock=True)
    outcomes += [_add_supporter(signer, import_, it, found) for it in candidates]
    task.result = {
        outcome: task.result.get(outcome, 0) + outcomes.count(outcome) for outcome in Outcome
    }
    _move(task, rows)
    return task.done < task.total


def _add_supporter(
    signer: Signer, import_: SupporterImport, candidate: Candidate, found: _Found
) -> Outcome:
    if found.refusal(candidate):
        return Outcome.REFUSED
    known = found.person_of(candidate)
    person = known or operations.find_or_add(signer, candidate.address, candidate.locale)
    values = {
        "person_id": person.id,
        "name": candidate.name,
        "name_folded": fold(candidate.name) if candidate.name else None,
        "country": candidate.country,
        "institution_id": candidate.institution_id,
        "institution_text": candidate.institution_text,
        "locale": candidate.locale,
        "source": import_.consent_source or import_.file_name,
        "import_id": import_.id,
        "added_person": known is None,
        "imported_at": func.clock_timestamp(),
    }
    db.session.execute(
        upsert(Supporter).values(values).on_conflict_do_nothing(index_elements=["person_id"])
    )
    if candidate.consent_on and not (known and found.has_answered(known)):
        _add_consent(import_, person, candidate)
    return Outcome.KNOWN if known else Outcome.NEW


def _add_consent(import_: SupporterImport, person: Person, candidate: Candidate) -> None:
    assert candidate.consent_on is not None, "a yes has its date"
    db.session.add(
        Consent(
            person_id=person.id,
            purpose="newsletter",
            granted=True,
            wording_version=operations.NOT_OUR_WORDING,
            locale=candidate.locale,
            given_at=datetime.combine(candidate.consent_on, time(), UTC),
            source=import_.consent_source,
            import_id=import_.id,
        )
    )


def forget(now: datetime) -> None:
    """Remove the rows of files that have expired, but not under the hands of the worker."""
    running = select(Task.id).where(Task.state == State.RUNNING)
    is_busy = SupporterImport.task_id.in_(running)
    expired = select(SupporterImport.id).where(
        SupporterImport.expires_at < now, is_busy.is_not(True)
    )
    db.session.execute(
        delete(ImportRow).where(ImportRow.import_id.in_(expired)),
        execution_options={"synchronize_session": False},
    )
