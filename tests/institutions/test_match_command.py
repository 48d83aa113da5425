"""`lightup institutions match FILE.csv`: a list with the institutions beside its rows."""

import csv
import tracemalloc
from io import StringIO
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from campaign.cli.institutions import institutions

NAIROBI = "https://ror.org/02y9nww90"
MAKERERE = "https://ror.org/03dmz0111"


@pytest.fixture
def path(tmp_path: Path, session: Session) -> Path:
    return tmp_path / "list.csv"


def run(app: Flask, *words: object) -> Result:
    return app.test_cli_runner().invoke(institutions, ["match", *map(str, words)])


def rows(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline=""), delimiter=delimiter))


def test_each_row_gets_id_score_and_name_beside_it(app: Flask, path: Path) -> None:
    path.write_text('name,note\nUniversity of Nairobi,"a, b"\nXyzzyq,\n', "utf-8")
    result = run(app, path)
    assert result.exit_code == 0
    assert rows(result.stdout) == [
        ["name", "note", "ror_id", "score", "matched_name"],
        ["University of Nairobi", "a, b", NAIROBI, "1.000", "University of Nairobi"],
        ["Xyzzyq", "", "", "", ""],
    ]
    assert "Matching" in result.stderr
    assert "2 rows: 1 matched, 1 without a match, 0 broken." in result.stderr


@pytest.mark.parametrize("column", ["where", "2"])
def test_columns_are_named_or_numbered(app: Flask, path: Path, column: str) -> None:
    path.write_text("id;where;land\n1;Makerere University;ug\n", "utf-8")
    options = ("--column", column, "--country-column", "land", "--delimiter", ";")
    result = run(app, path, *options)
    assert rows(result.stdout, ";")[1][:4] == ["1", "Makerere University", "ug", MAKERERE]


def test_a_file_can_be_written(app: Flask, path: Path) -> None:
    path.write_bytes("\ufeffname\r\nUniversity of Nairobi\r\n".encode())
    output = path.with_name("matched.csv")
    result = run(app, path, "--output", output)
    assert (result.exit_code, result.stdout) == (0, "")
    assert output.read_bytes().startswith(b"\xef\xbb\xbfname,ror_id,")
    assert rows(output.read_text("utf-8-sig"))[1][1] == NAIROBI


def test_a_broken_row_is_reported_with_its_line_and_the_rest_goes_on(
    app: Flask, path: Path
) -> None:
    lines = [
        b"name,country", b"Universit\xe9,KE", b",KE", b"x" * 1001, b"Nairobi,Kenya",
        b'"' + b"y" * 140_000 + b'",', b"University of Nairobi", b"University of Nairobi,KE,more",
    ]  # fmt: skip
    path.write_bytes(b"\n".join(lines))
    result = run(app, path, "--country-column", "country")
    assert result.exit_code == 0
    for line, reason in (
        (2, "The row is not UTF-8."), (3, "The line is empty."), (4, "The line is longer"),
        (5, "The country is not"), (6, "The row is no CSV: field larger"),
    ):  # fmt: skip
        assert f"line {line}: {reason}" in result.stderr
    assert "7 rows: 2 matched, 0 without a match, 5 broken." in result.stderr
    *_, short, long = result.stdout_bytes.splitlines()
    assert short == f"University of Nairobi,,{NAIROBI},1.000,University of Nairobi".encode()
    assert long.startswith(f"University of Nairobi,KE,{NAIROBI},".encode())
    assert long.endswith(b",more")
    assert b"Universit\xe9,KE,,,\r\n" in result.stdout_bytes


def test_what_makes_no_sense_explains_itself(app: Flask, path: Path) -> None:
    path.write_text("name\nNairobi\n", "utf-8")
    for words, code, reason in (
        (("--column", "nowhere"), 1, "has no column nowhere."),
        (("--column", "2"), 1, "has no column 2."),
        (("--output", path), 2, "FILE and --output are the same file."),
        (("--delimiter", ";;"), 1, "cannot be matched"),
    ):
        result = run(app, path, *words)
        assert result.exit_code == code, result.output
        assert reason in result.stderr
    path.write_bytes(b"")
    assert "has no column 1." in run(app, path).stderr


def test_a_longer_file_takes_no_more_memory(app: Flask, path: Path) -> None:
    peaks = []
    for number in (50, 1000):
        path.write_text("name,note\n" + f",{'n' * 2000}\n" * number, "utf-8")
        tracemalloc.start()
        run(app, path, "--output", path.with_name("out.csv"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000, "the second file has two million characters"
