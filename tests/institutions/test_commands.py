"""`lightup institutions …`: what an operator types and reads."""

from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from campaign.cli.institutions import institutions
from campaign.institutions.models import Institution
from tests.institutions.dumps import record, related, ror_id, write_json


@pytest.fixture
def dump(tmp_path: Path, session: Session) -> Path:
    return tmp_path / "dump.json"


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(institutions, words)


def test_an_import_says_what_it_did_and_again_that_nothing_changed(app: Flask, dump: Path) -> None:
    write_json(dump, [record(1), record(2), record(3, status="?", domains=[])])
    first, second = run(app, "import", str(dump)), run(app, "import", str(dump))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "2 added, 0 changed, 0 unchanged, 1 refused." in first.output
    assert f"record 3 (https://ror.org/{ror_id(3)}): '?' is not a status" in first.output
    assert "0 added, 0 changed, 2 unchanged, 1 refused." in second.output


def test_dropped_domains_are_listed(app: Flask, dump: Path) -> None:
    write_json(dump, [record(1, domains=["edu.cn"])])
    assert f"{ror_id(1)}: edu.cn" in run(app, "import", str(dump)).output


def test_an_import_says_which_release_it_was_and_status_says_it_again(
    app: Flask, tmp_path: Path, session: Session
) -> None:
    path = write_json(tmp_path / "v2.9-2026-06-23-ror-data.json", [record(1)])
    release = f"ROR v2.9 of 2026-06-23, {path.name}"
    assert f"The registry is that of {release}." in run(app, "import", str(path)).output
    lines = run(app, "status").output.splitlines()
    assert lines[0].endswith(" active institutions.")
    assert lines[1].endswith(release)
    assert lines[2] == f"  SHA-256 {sha256(path.read_bytes()).hexdigest()}"
    assert lines[3] == "  1 added, 0 changed, 0 unchanged, 0 refused"
    assert lines[4].endswith("  starter.json (its name says no release)")


def test_a_file_that_breaks_off_changes_nothing(app: Flask, dump: Path, session: Session) -> None:
    write_json(dump, [record(number) for number in range(1500)])
    dump.write_bytes(dump.read_bytes()[:-1000])
    result = run(app, "import", str(dump))
    assert result.exit_code == 1
    assert "Error: Nothing was imported. The file breaks off" in result.output
    assert session.get(Institution, ror_id(1)) is None


def test_the_starter_can_be_imported_again(app: Flask, session: Session) -> None:
    result = run(app, "import", "--starter")
    assert result.exit_code == 0
    assert "0 added, 0 changed" in result.output


@pytest.mark.parametrize("words", [(), ("--starter", __file__), ("no-such-file.zip",)])
def test_a_command_that_makes_no_sense_explains_itself(app: Flask, words: tuple[str, ...]) -> None:
    result = run(app, "import", *words)
    assert result.exit_code == 2
    assert "Usage:" in result.output


def test_a_dry_run_shows_what_would_change(app: Flask, dump: Path, session: Session) -> None:
    run(app, "import", str(write_json(dump, [record(1)])))
    write_json(dump, [record(1, established=1888), record(2)])
    result = run(app, "import", str(dump), "--dry-run")
    assert result.exit_code == 0
    assert "1 added, 1 changed, 0 unchanged, 0 refused." in result.output
    assert "established: 1970 → 1888" in result.output
    assert f"{ror_id(2)}: Example University 2" in result.output
    assert session.get(Institution, ror_id(2)) is None


def test_a_correction_is_said_beside_ror_and_taken_back(app: Flask, dump: Path) -> None:
    run(app, "import", str(write_json(dump, [record(1)])))
    corrected = run(app, "correct", ror_id(1), "domains", "a.ac.ke", "b.ac.ke")
    assert 'domains: ["a.ac.ke", "b.ac.ke"] (ROR: [])' in corrected.output
    assert "not owned (gmail.com)" in run(app, "correct", ror_id(1), "domains", "gmail.com").output
    assert run(app, "correct", ror_id(1), "types", "x").exit_code == 1
    assert run(app, "take-back", ror_id(1), "domains").exit_code == 0
    assert "as ROR has it" in run(app, "take-back", ror_id(1), "domains").output


def test_an_institution_is_added_and_found(app: Flask, session: Session) -> None:
    added = run(app, "add", "Ndoto Institute", "ke", "--type", "facility", "--city", "Kisumu")
    assert added.output.startswith("x")
    assert run(app, "search", "ndoto institute").output.startswith(added.output[:9])
    assert "country: no country" in run(app, "add", "Ndoto", "kenya").output


def test_search_shows_names_in_a_language_and_the_place(app: Flask, session: Session) -> None:
    result = run(app, "search", "makerere", "--locale", "ar", "--country", "ug")
    first = result.output.splitlines()[0]
    assert first.startswith("03dmz0111  جامعة ماكيريري (Makerere University)")
    assert first.endswith("Kampala, Uganda")


def test_show_tells_all_that_is_known(app: Flask, dump: Path) -> None:
    write_json(
        dump, [record(1, status="withdrawn", relationships=[related("successor", 2)]), record(2)]
    )
    run(app, "import", str(dump))
    shown = run(app, "show", f"https://ror.org/{ror_id(1)}").output
    assert f"successor:    https://ror.org/{ror_id(2)}" in shown
    assert "name en:      Example University 1" in shown
    assert "coordinates:  -1.28, 36.82" in shown


def test_show_says_when_there_is_none(app: Flask, session: Session) -> None:
    result = run(app, "show", "052gg0111")
    assert result.exit_code == 1
    assert "No institution in the registry has the id 052gg0111." in result.output


@pytest.mark.parametrize(
    "command", ["add", "correct", "import", "match", "search", "show", "status", "take-back"]
)
def test_help_is_worth_reading(app: Flask, command: str) -> None:
    result = run(app, command, "--help")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) >= 6
