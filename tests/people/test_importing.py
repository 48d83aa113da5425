"""Past supporters from a file: what the dry run says, what is brought in, and how it is undone."""

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaign import jobs, tasks
from campaign.audit import AuditEvent
from campaign.clock import now
from campaign.db import db
from campaign.people import importing
from campaign.people import operations as people
from campaign.people import queries as people_queries
from campaign.people.import_rules import Column, InvalidMapping, MappingProblem, Problem
from campaign.people.models import Consent, ImportRow, Outcome, Person, Supporter, SupporterImport
from campaign.people.rules import parse_address
from campaign.pledges import operations, supporter_imports
from campaign.tasks import State, WrongState
from tests.factories import STAFF, confirmed, institution, policy, submitted

Upload = Callable[..., SupporterImport]
TODAY = date(2026, 11, 30)


@pytest.fixture
def upload(session: Session, tmp_path: Path) -> Upload:
    """Store a file, say where its people said yes, and have it checked."""

    def add(*lines: str, said_yes: bool = True) -> SupporterImport:
        path = tmp_path / "table.csv"
        path.write_text("\n".join(["E-mail,Name,Country", *lines]))
        made = importing.add(STAFF, path, "fair.csv", "fr", now())
        if said_yes:
            describe(made, "the fair in Nairobi", date(2024, 3, 1))
        check(made)
        return made

    return add


def describe(made: SupporterImport, source: str | None, day: date | None) -> None:
    columns = [column and Column(column) for column in made.columns]
    importing.describe(made, columns, source, day, TODAY)


def check(made: SupporterImport) -> None:
    supporter_imports.start_check(made, STAFF)
    jobs.commit()
    tasks.run(now)


def bring_in(made: SupporterImport) -> dict[str, Any]:
    task = supporter_imports.start(made, STAFF)
    jobs.commit()
    tasks.run(now)
    assert task.state == State.DONE, task.error
    return {outcome: number for outcome, number in task.result.items() if number}


def found(made: SupporterImport) -> dict[str, int]:
    return {outcome: number for outcome, number in importing.counts(made).items() if number}


def supporters() -> list[tuple[str, str | None, str | None]]:
    rows = select(Person.address, Supporter.name, Supporter.country).join(Supporter.person)
    return [tuple(row) for row in db.session.execute(rows.order_by(Person.address))]


def number_of(model: type[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_columns_are_guessed_in_many_languages(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("姓名;البريد الإلكتروني;Страна;Lugha;Fecha de consentimiento;x\na;b;c;d;e;f\n")
    made = importing.add(STAFF, path, "table.csv", "en", now())
    assert made.columns == ["name", "email", "country", "language", "consent date", None]


def test_a_file_without_headers(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a@example.org,Ada\nb@example.org,Ben\n")
    made = importing.add(STAFF, path, "table.csv", "en", now())
    assert (made.rows, made.columns) == (2, ["email", None])
    assert importing.samples(made) == [["a@example.org", "b@example.org"], ["Ada", "Ben"]]


def test_a_file_of_headers_only(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("E-mail,Name\n")
    with pytest.raises(importing.NoRows):
        importing.add(STAFF, path, "table.csv", "en", now())


@pytest.mark.parametrize(
    ("columns", "source", "day", "problem"),
    [
        ([Column.NAME], None, None, MappingProblem.NO_EMAIL),
        ([Column.EMAIL, Column.EMAIL], None, None, MappingProblem.TWICE),
        ([Column.EMAIL], "a fair", None, MappingProblem.CONSENT_HALF_GIVEN),
        ([Column.EMAIL], None, TODAY, MappingProblem.CONSENT_HALF_GIVEN),
        ([Column.EMAIL, Column.CONSENT_DATE], None, None, MappingProblem.CONSENT_HALF_GIVEN),
        ([Column.EMAIL], "a fair", TODAY + timedelta(days=1), MappingProblem.CONSENT_IN_FUTURE),
    ],
)
def test_a_mapping_that_cannot_be(
    upload: Upload,
    columns: list[Column | None],
    source: str | None,
    day: date | None,
    problem: MappingProblem,
) -> None:
    made = upload("a@example.org,Ada,KE")
    with pytest.raises(InvalidMapping) as caught:
        importing.describe(made, columns, source, day, TODAY)
    assert caught.value.problem is problem


def test_the_dry_run_counts_every_row_and_changes_nothing(upload: Upload) -> None:
    confirmed("known@example.org")
    made = upload(
        "new@example.org,Ada,Kenya",
        "KNOWN@example.org,Ben,KE",
        "new+fair@example.org,Ada again,KE",
        "no address,Eve,KE",
        "x@example.org,Kim,Atlantis",
    )
    assert found(made) == {"new": 1, "known": 1, "repeated": 1, "undecided": 1, "refused": 1}
    assert (number_of(Person), number_of(Supporter)) == (1, 0)


def test_who_said_no_stays_out(upload: Upload) -> None:
    person = confirmed("no@example.org", newsletter=True).person
    people.record_consent(person.id, "newsletter", False, "en", now())
    never = people_queries.fingerprint(policy().signer, parse_address("never@example.org"))
    people.suppress(never, "asked by telephone", STAFF)

    made = upload("no@example.org,,", "never+x@example.org,,", "free@example.org,,")

    assert [(it.problem, it.rows) for it in importing.groups(made)] == [
        (Problem.SUPPRESSED, 1), (Problem.UNSUBSCRIBED, 1),
    ]  # fmt: skip
    assert bring_in(made) == {"new": 1, "refused": 2}
    assert not people_queries.has_consented(person.id, "newsletter")


def test_rows_with_one_problem_are_decided_together(upload: Upload) -> None:
    made = upload(*(f"a{number}@example.org,,Germny" for number in range(3)))
    (group,) = importing.groups(made)
    assert (group.detail, group.rows, group.suggestions[0]) == ("Germny", 3, "DE")

    importing.decide(made, Problem.COUNTRY, "Germny", "DE")
    check(made)

    assert found(made) == {"new": 3}
    bring_in(made)
    assert {country for _, _, country in supporters()} == {"DE"}


def test_a_decision_must_be_a_country(upload: Upload) -> None:
    with pytest.raises(ValueError, match="Germny"):
        importing.decide(upload("a@example.org,,"), Problem.COUNTRY, "x", "Germny")


def test_supporters_come_with_their_yes(upload: Upload) -> None:
    made = upload("a@example.org,Ada Lovelace,United Kingdom")
    assert bring_in(made) == {"new": 1}
    assert supporters() == [("a@example.org", "Ada Lovelace", "GB")]
    consent = db.session.scalars(select(Consent)).one()
    assert (consent.granted, consent.source, consent.given_at.date(), consent.locale) == (
        True, "the fair in Nairobi", date(2024, 3, 1), "fr",
    )  # fmt: skip


def test_without_source_and_date_nobody_may_be_written_to(upload: Upload) -> None:
    made = upload("a@example.org,Ada,KE", said_yes=False)
    assert bring_in(made) == {"new": 1}
    assert number_of(Consent) == 0


def test_a_column_of_dates_replaces_the_one_date(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    days = ["2024-02-03", "03.02.2024", "", "3/2/2024", "2999-01-01"]
    lines = [f"a{number}@example.org,{day}" for number, day in enumerate(days)]
    path.write_text("\n".join(["E-mail,Consent date", *lines]))
    made = importing.add(STAFF, path, "table.csv", "en", now())
    describe(made, "the fair", None)
    check(made)

    assert found(made) == {"new": 3, "undecided": 2}
    bring_in(made)
    assert {it.given_at.date() for it in db.session.scalars(select(Consent))} == {date(2024, 2, 3)}
    assert (number_of(Supporter), number_of(Consent)) == (3, 2)


def test_a_ror_id_is_an_institution_and_anything_else_a_text(
    session: Session, tmp_path: Path
) -> None:
    known, path = institution(), tmp_path / "table.csv"
    path.write_text(f"E-mail,Affiliation\na@b.org,{known.ror_url}\nc@b.org,Atlantis Tech\n")
    made = importing.add(STAFF, path, "table.csv", "en", now())
    check(made)
    bring_in(made)
    rows = select(Supporter.institution_id, Supporter.institution_text).order_by(Supporter.id)
    assert set(db.session.execute(rows)) == {(known.id, None), (None, "Atlantis Tech")}


def test_who_is_here_already_keeps_their_own_answers(upload: Upload) -> None:
    person = confirmed("known@example.org", newsletter=True).person
    made = upload("known+fair@example.org,Other Name,CL")
    assert bring_in(made) == {"known": 1}
    assert (number_of(Person), number_of(Supporter)) == (1, 1)
    assert [it.source for it in people_queries.consents(person.id)] == [None, None]


def test_a_strangers_spelling_is_nobody(upload: Upload) -> None:
    """An unconfirmed pledge proves nothing, so its address takes nobody's place."""
    submitted("ada+x@example.org")
    made = upload("ada@example.org,Ada,KE")
    assert bring_in(made) == {"new": 1}
    assert supporters() == [("ada@example.org", "Ada", "KE")]


def test_a_killed_worker_goes_on_where_it_was(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH", 2)
    made = upload(*(f"a{number}@example.org,,KE" for number in range(5)))
    task = supporter_imports.start(made, STAFF)
    tasks.run(now, seconds=0)
    importing.bring_in(policy().signer, task)
    assert (task.done, number_of(Supporter)) == (2, 2)

    tasks.run(now)

    assert (task.state, task.result["new"], number_of(Supporter)) == (State.DONE, 5, 5)


def test_the_report_has_the_files_own_row_numbers(upload: Upload) -> None:
    made = upload("a@example.org,,KE", "=HYPERLINK(1),Eve,KE")
    header, bad = csv.reader("".join(importing.report(made)).splitlines())
    assert header == ["row", "outcome", "problem", "E-mail", "Name", "Country"]
    assert bad == ["3", "refused", "address", "'=HYPERLINK(1)", "Eve", "KE"]


def test_an_import_is_undone(upload: Upload) -> None:
    person = confirmed("known@example.org").person
    made = upload("new@example.org,,KE", "known@example.org,,KE")
    bring_in(made)
    assert number_of(Consent) == 3

    assert made.task is not None
    tasks.undo(made.task, STAFF, now())
    tasks.run(now)

    assert db.session.scalars(select(Person.id)).all() == [person.id]
    assert (number_of(Supporter), number_of(Consent)) == (0, 1)


def test_an_import_stays_once_one_of_them_pledges(upload: Upload) -> None:
    made = upload("a@example.org,,KE", "b@example.org,,KE")
    bring_in(made)
    confirmed("a@example.org")

    assert supporter_imports.touched(made) == 1
    assert made.task is not None
    with pytest.raises(WrongState):
        tasks.undo(made.task, STAFF, now())


def test_people_are_brought_in_once(upload: Upload) -> None:
    made = upload("a@example.org,,KE")
    bring_in(made)
    with pytest.raises(WrongState):
        supporter_imports.start(made, STAFF)
    with pytest.raises(WrongState):
        supporter_imports.start_check(made, STAFF)


def test_one_check_at_a_time(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("E-mail\na@example.org\n")
    made = importing.add(STAFF, path, "table.csv", "en", now())
    supporter_imports.start_check(made, STAFF)
    with pytest.raises(WrongState):
        supporter_imports.start_check(made, STAFF)


def test_nobody_is_brought_in_before_the_dry_run(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("E-mail\na@example.org\n")
    made = importing.add(STAFF, path, "table.csv", "en", now())
    with pytest.raises(WrongState):
        supporter_imports.start(made, STAFF)


def test_rows_are_removed_after_a_week(upload: Upload) -> None:
    made = upload("a@example.org,,KE")
    importing.forget(now() + importing.KEPT - timedelta(minutes=1))
    assert number_of(ImportRow) == 1
    importing.forget(now() + importing.KEPT)
    assert number_of(ImportRow) == 0
    task = supporter_imports.start(made, STAFF)
    jobs.commit()
    tasks.run(now)
    assert (task.state, task.error) == (State.FAILED, "ImportExpired")


def test_who_is_erased_is_gone_from_files_and_supporters(upload: Upload) -> None:
    made = upload("a@example.org,Ada,KE")
    bring_in(made)
    operations.erase_person(db.session.scalars(select(Person)).one(), STAFF)
    assert (number_of(Person), number_of(Supporter), number_of(Consent)) == (0, 0, 0)
    row = db.session.scalars(select(ImportRow), execution_options={"populate_existing": True}).one()
    assert (row.cells, row.outcome, row.problem) == ([], Outcome.REFUSED, "erased")


def test_a_supporter_stays_when_a_strangers_pledge_goes(upload: Upload) -> None:
    bring_in(upload("a@example.org,Ada,KE"))
    operations.disown(submitted("a@example.org"))
    operations.disown(submitted("b@example.org"))
    assert db.session.scalars(select(Person.address)).all() == ["a@example.org"]


def test_suppressing_and_releasing_are_in_the_record(session: Session) -> None:
    people.suppress(b"x" * 32, "complained", STAFF)
    assert people_queries.suppressed([b"x" * 32, b"y" * 32]) == {b"x" * 32}
    people.release(b"x" * 32, STAFF)
    assert people_queries.suppressed([b"x" * 32]) == set()
    assert db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all() == [
        "address suppressed",
        "address released",
    ]
