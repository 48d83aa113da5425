"""Importing a dump: what is new is added, what is different changed, nothing ever deleted."""

from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from campaign import topics
from campaign.institutions import corrections
from campaign.institutions.models import (
    REGISTRY,
    Institution,
    InstitutionName,
    InstitutionWord,
)
from campaign.institutions.names import index_names_of_before
from campaign.institutions.operations import ImportSummary, import_dump, preview
from campaign.institutions.queries import latest_imports, latest_release, search, starter_path
from campaign.institutions.ror import DamagedDump
from campaign.staff.scopes import EVERYTHING
from tests.factories import STAFF
from tests.institutions.dumps import name, record, related, ror_id, write_json


@pytest.fixture
def path(tmp_path: Path, session: Session) -> Path:
    return tmp_path / "dump.json"


def imported(path: Path, *records: Any) -> ImportSummary:
    return import_dump(write_json(path, records))


def counts(summary: ImportSummary) -> tuple[int, int, int]:
    return summary.added, summary.changed, summary.unchanged


def named(*values: str) -> dict[str, Any]:
    first, *others = values
    return {"names": [name(first, "ror_display"), *(name(other, "alias") for other in others)]}


def test_importing_again_changes_nothing(path: Path, session: Session) -> None:
    assert counts(imported(path, record(1), record(2))) == (2, 0, 0)
    before = session.scalars(select(Institution.imported_at)).all()
    assert counts(import_dump(path)) == (0, 0, 2)
    assert session.scalars(select(Institution.imported_at)).all() == before


def test_an_import_notes_its_release(tmp_path: Path, session: Session) -> None:
    path = write_json(tmp_path / "v2.9-2026-06-23-ror-data.json", [record(1), record(2)])
    import_dump(path)
    (note,) = latest_imports(1)
    assert (note.version, note.released_on) == ("2.9", date(2026, 6, 23))
    assert (note.file_name, note.digest) == (path.name, sha256(path.read_bytes()).digest())
    assert (note.added, note.changed, note.unchanged, note.refused) == (2, 0, 0, 0)


def test_the_same_file_again_is_noted_once_and_another_release_without_changes_anew(
    tmp_path: Path, session: Session
) -> None:
    paths = [
        write_json(tmp_path / f"v2.{number}-2026-0{number}-01-ror-data.json", records)
        for number, records in ((1, [record(1)]), (2, [record(1), record(1)]))
    ]
    before = topics.version(REGISTRY, "")
    for path in (paths[0], paths[0], paths[1], paths[1]):
        import_dump(path)
    assert [note.version for note in latest_imports(3)] == ["2.2", "2.1", None]
    assert topics.version(REGISTRY, "") == before + 2


def test_the_release_shown_is_the_last_that_a_file_named(tmp_path: Path, session: Session) -> None:
    assert latest_release() is None
    import_dump(write_json(tmp_path / "v2.9-2026-06-23-ror-data.json", [record(1)]))
    import_dump(write_json(tmp_path / "additions.json", [record(2)]))
    release = latest_release()
    assert release is not None
    assert release.version == "2.9"


def test_the_starter_is_in_place_and_unchanged(session: Session) -> None:
    added, changed, unchanged = counts(import_dump(starter_path()))
    assert (added, changed) == (0, 0)
    assert unchanged >= 400


def test_a_changed_record_is_stored_with_its_new_names(path: Path, session: Session) -> None:
    imported(path, record(1, **named("Quagga College", "Old Alias")), record(2))
    summary = imported(path, record(1, **named("Zebra College")), record(2))
    assert counts(summary) == (0, 1, 1)
    assert session.get_one(Institution, ror_id(1)).aliases == []
    assert [match.id for match in search("zebra college", locale="en")] == [ror_id(1)]
    assert ror_id(1) not in [match.id for match in search("quagga", locale="en")]


def test_an_institution_that_the_dump_no_longer_has_stays(path: Path, session: Session) -> None:
    imported(path, record(1), record(2))
    imported(path, record(2))
    assert session.get(Institution, ror_id(1)) is not None


def test_an_institution_in_use_can_change_and_be_withdrawn(path: Path, session: Session) -> None:
    imported(path, record(1))
    withdrawn = record(1, status="withdrawn", relationships=[related("successor", 2)])
    assert counts(imported(path, withdrawn)) == (0, 1, 0)
    found = session.get_one(Institution, ror_id(1))
    assert (found.status, found.successor_id) == ("withdrawn", ror_id(2))


def test_broken_records_are_reported_and_the_rest_goes_in(path: Path, session: Session) -> None:
    summary = imported(path, record(1), record(2, locations=[]), record(3))
    assert counts(summary) == (2, 0, 0)
    assert [refusal.position for refusal in summary.refused] == [2]
    assert session.get(Institution, ror_id(2)) is None


def test_a_broken_record_leaves_what_was_known_before(path: Path, session: Session) -> None:
    imported(path, record(1))
    imported(path, record(1, names=[]), record(2))
    assert session.get_one(Institution, ror_id(1)).name == "Example University 1"


def test_dropped_domains_are_reported(path: Path) -> None:
    summary = imported(path, record(1, domains=["edu.cn", "uni.edu.cn"]))
    assert summary.dropped_domains == [(ror_id(1), "edu.cn")]


def test_a_damaged_file_raises_for_the_caller_to_roll_back(path: Path, session: Session) -> None:
    write_json(path, [record(number) for number in range(2000)])
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DamagedDump), session.begin_nested():
        import_dump(path)
    assert session.get(Institution, ror_id(1)) is None


def test_what_was_loaded_before_an_import_is_fresh_after_it(path: Path, session: Session) -> None:
    imported(path, record(1))
    loaded = session.get_one(Institution, ror_id(1))
    imported(path, record(1, established=1888))
    assert loaded.established == 1888


def test_words_are_counted_with_every_change(path: Path, session: Session) -> None:
    frequency = select(InstitutionWord.frequency).where(InstitutionWord.word == "quagga")
    imported(path, record(1, **named("Quagga One")), record(2, **named("Quagga Two", "Quagga 2")))
    assert session.scalar(frequency) == 3
    imported(path, record(2, **named("Zebra Two")))
    assert session.scalar(frequency) == 1
    imported(path, record(1, **named("Zebra One")))
    assert session.scalar(frequency) is None


def test_more_records_than_fit_into_one_batch(path: Path, session: Session) -> None:
    summary = imported(path, *(record(number) for number in range(2100)))
    names = select(func.count()).where(InstitutionName.institution_id >= ror_id(0))
    assert counts(summary) == (2100, 0, 0)
    assert session.scalar(names) == 2100


def test_no_search_has_to_read_through_what_the_index_put_aside(
    path: Path, session: Session
) -> None:
    imported(path, *(record(number) for number in range(100)))
    pages_put_aside = text("SELECT gin_clean_pending_list('ix_institution_names_terms')")
    assert session.scalar(pages_put_aside) == 0


def test_progress_is_told_in_bytes(path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_json(path, [record(number) for number in range(1500)])
    import_dump(path, lambda done, total: told.append((done, total)))
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


def test_names_with_signs_of_sql_and_copy_are_stored_as_they_are(
    path: Path, session: Session
) -> None:
    value = r"O'Neil \N {a,\"b\"} $$ %s :x; DROP"
    imported(path, record(1, names=[name(value, "ror_display"), name(value + "!", "acronym")]))
    found = session.get_one(Institution, ror_id(1))
    assert (found.name, found.acronyms) == (value, [value + "!"])


def test_a_preview_says_what_would_change_and_changes_nothing(path: Path, session: Session) -> None:
    imported(path, record(1, established=1888), record(2), record(3))
    corrected = session.get_one(Institution, ror_id(2))
    corrections.correct(corrected, {"domains": ["ours.ac.ke"]}, STAFF, EVERYTHING)
    write_json(
        path,
        [
            record(1, established=1999, **named("New Name")),
            record(2, domains=["theirs.ac.ke"]), record(3), record(4), record(5, status="?"),
        ],
    )  # fmt: skip
    diff = preview(path)

    assert counts(diff.summary) == (1, 2, 1)
    assert [refusal.position for refusal in diff.summary.refused] == [5]
    assert diff.fields == {"name": 1, "labels": 1, "established": 1, "domains": 1}
    assert [one.id for one in diff.added] == [ror_id(4)]
    first, second = diff.changed
    assert ("established", 1888, 1999) in first.changes
    assert second.changes == [("domains", [], ["theirs.ac.ke"])]
    assert session.get_one(Institution, ror_id(1)).established == 1888
    assert session.get(Institution, ror_id(4)) is None


def test_names_of_an_earlier_version_are_found_after_migrating(session: Session) -> None:
    before = names_of(session)
    session.execute(update(InstitutionName).values(key="", place="", terms="", folded=""))
    assert not search("University of Nairobi", locale="en")

    assert index_names_of_before() == len(before)

    assert search("University of Nairobi", locale="en")[0].id == "02y9nww90"
    after = names_of(session)
    assert {row[:5] for row in after} == {row[:5] for row in before}
    assert index_names_of_before() == 0


def names_of(session: Session) -> set[tuple[object, ...]]:
    """Every name as it is searched; the place, of which only a dump has all parts, comes last."""
    columns = (
        InstitutionName.institution_id, InstitutionName.value, InstitutionName.folded,
        InstitutionName.key, InstitutionName.terms, InstitutionName.place,
    )  # fmt: skip
    return {tuple(row) for row in session.execute(select(*columns))}
