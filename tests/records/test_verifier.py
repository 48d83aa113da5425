"""docs/verify.py accepts what was published, and refuses it once a single pledge is added, removed or moved."""

import json
import os
import random
import re
import shutil
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import timedelta
from hashlib import sha256
from io import BytesIO, StringIO
from pathlib import Path
from runpy import run_path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from flask import Flask
from sqlalchemy import select

from campaign.db import db
from campaign.paths import VERIFIER
from campaign.pledges.models import Pledge, Status
from campaign.records import package
from campaign.records.listing import CountKey, receipt
from campaign.records.operations import canonical
from campaign.records.package import Listed, ListedInstitution
from tests.factories import policy
from tests.records.publishing import DAY, Row, invent, publish, rows, verify, write

Change = Callable[[list[Row], random.Random], None]


@pytest.fixture(scope="module")
def original(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of the demonstration's numbers; the folder of the second one. Nothing is committed."""
    folder = tmp_path_factory.mktemp("published")
    with app.app_context():
        invent()
        publish(folder, DAY - timedelta(days=1))
        published = publish(folder)
        db.session.rollback()  # now: other tests invent the same people, and would wait for these
    return published


@pytest.fixture
def dataset(original: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return shutil.copytree(original, tmp_path / str(DAY))


def add(listed: list[Row], chance: random.Random) -> None:
    institution = of(listed, "institution")[0][3]
    for dimension, key in (("country", "KE"), ("institution", institution), ("day", "2026-05-01")):
        name = chance.randbytes(16).hex()
        listed.append([name, "heart-of-science", dimension, key, "person"])


def remove(listed: list[Row], chance: random.Random) -> None:
    for dimension in ("country", "institution", "day"):
        of_people = [r for r in of(listed, dimension) if r[1::3] == ["heart-of-science", "person"]]
        listed.remove(chance.choice(of_people))


def remove_line(listed: list[Row], chance: random.Random) -> None:
    listed.remove(chance.choice(listed[1:]))


def move(dimension: str) -> Change:
    def change(listed: list[Row], chance: random.Random) -> None:
        moved = chance.choice(of(listed, dimension))
        others = {row[3] for row in of(listed, dimension)} - {moved[3]}
        moved[3] = chance.choice(sorted(others))

    return change


def move_campaign(listed: list[Row], chance: random.Random) -> None:
    chance.choice(of(listed, "country"))[1] = "another-campaign"


def change_kind(listed: list[Row], chance: random.Random) -> None:
    moved = chance.choice(listed[1:])
    moved[4] = "institution" if moved[4] == "person" else "person"


def swap(listed: list[Row], chance: random.Random) -> None:
    """Two pledges change places: no count tells."""
    one, *others = chance.sample(of(listed, "country"), 200)
    other = next(row for row in others if row[1:] != one[1:])
    one[0], other[0] = other[0], one[0]


def of(listed: list[Row], dimension: str) -> list[Row]:
    return [row for row in listed[1:] if row[2] == dimension]


CHANGES: dict[str, Change] = {
    "added": add,
    "removed": remove,
    "a line removed": remove_line,
    "moved to another country": move("country"),
    "moved to another institution": move("institution"),
    "moved to another day": move("day"),
    "moved to another campaign": move_campaign,
    "of another kind": change_kind,
    "two swapped": swap,
}
SINGLE_PLEDGES = ["added", "removed", "moved to another country", "moved to another day"]
every_change = pytest.mark.parametrize("name", CHANGES)


def tamper(dataset: Path, name: str, seed: int = 1) -> None:
    listed = rows(dataset / "pledges.csv")
    CHANGES[name](listed, random.Random(seed))
    write(dataset / "pledges.csv", [listed[0], *sorted(listed[1:])])


def cover_up(dataset: Path) -> None:
    """Make tables and description anew from the list, as somebody would who knows how this works."""
    listed = rows(dataset / "pledges.csv")[1:]
    counts = Counter(CountKey(*row[1:]) for row in listed)
    counts.update(CountKey(row[1], "total", "", row[4]) for row in listed if row[2] == "country")
    institutions = {key.key: ListedInstitution("A name", "KE") for key in counts}
    countries = {key.key: "A name" for key in counts}
    campaigns = {key.campaign: "" for key in counts}
    package.write_tables(dataset, Listed(counts, campaigns), institutions, countries)
    package.describe(dataset, DAY, "http://localhost")


def cover_up_the_record(dataset: Path) -> None:
    """Make the newest records from the list, too."""
    path = dataset / "records.jsonl"
    lines = path.read_text().splitlines()
    listed = rows(dataset / "pledges.csv")[1:]
    for number, line in enumerate(lines):
        record = json.loads(line)
        if record["day"] == str(DAY):
            lines[number] = honest_looking(
                record, [r for r in listed if r[1] == record["campaign"]]
            )
    path.write_text("".join(f"{line}\n" for line in lines))
    package.describe(dataset, DAY, "http://localhost")


def honest_looking(record: dict[str, object], listed: list[Row]) -> str:
    def number(kind: str, *key: str) -> int:
        return sum(
            r[2] == "country" and r[4] == kind and (not key or r[3] == key[0]) for r in listed
        )

    countries = {row[3] for row in listed if row[2] == "country"}
    record["persons"], record["institutions"] = number("person"), number("institution")
    record["countries"] = {c: [number("person", c), number("institution", c)] for c in countries}
    record["digest"] = sha256("".join(",".join(row) + "\n" for row in listed).encode()).hexdigest()
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def test_the_published_dataset_is_accepted(dataset: Path) -> None:
    for form in (dataset, dataset / f"lightup-{DAY}.zip"):
        verdict = verify(form)
        assert (verdict.code, verdict.output.splitlines()[-1]) == (0, "Everything agrees.")


@every_change
def test_a_list_with_a_single_pledge_changed_is_refused(dataset: Path, name: str) -> None:
    tamper(dataset, name)

    verdict = verify(dataset)

    assert verdict.code == 1
    assert "pledges.csv is not the file that datapackage.json describes" in verdict.output
    assert "a pledge was added, removed or moved" in verdict.output


@every_change
def test_it_is_refused_when_all_else_is_made_to_fit(dataset: Path, name: str) -> None:
    """Counts and checksums of the package say what the list says; only the chain knows better."""
    tamper(dataset, name)
    cover_up(dataset)

    verdict = verify(dataset)

    assert verdict.code == 1
    assert "a pledge was added, removed or moved" in verdict.output
    assert "datapackage.json describes" not in verdict.output


@pytest.mark.parametrize("name", SINGLE_PLEDGES)
def test_a_changed_record_is_refused_by_whoever_noted_the_digest(dataset: Path, name: str) -> None:
    noted = [
        sha256(line).hexdigest() for line in (dataset / "records.jsonl").read_bytes().splitlines()
    ]
    tamper(dataset, name)
    cover_up(dataset)
    cover_up_the_record(dataset)

    alone, with_digest = verify(dataset), verify(dataset, *noted)

    assert alone.code == 0, alone.output
    assert with_digest.code == 1
    assert "nor the digest of a day in this chain" in with_digest.output


def test_many_small_changes_are_all_refused(dataset: Path, tmp_path: Path) -> None:
    names = [*CHANGES]
    for seed in range(9):
        copy = tmp_path / f"copy-{seed}"
        shutil.copytree(dataset, copy)
        tamper(copy, names[seed % len(names)], seed)
        assert verify(copy).code == 1, (seed, names[seed % len(names)])


def test_a_past_day_cannot_be_rewritten(dataset: Path) -> None:
    path = dataset / "records.jsonl"
    first, *others = path.read_text().splitlines()
    path.write_text(
        "".join(f"{line}\n" for line in (first.replace('"persons":', '"persons":1'), *others))
    )
    package.describe(dataset, DAY, "http://localhost")

    verdict = verify(dataset)

    assert verdict.code == 1
    assert f"{DAY} does not follow" in verdict.output


@pytest.mark.parametrize("name", ["tallies.csv", "institutions.csv", "countries.csv"])
def test_a_table_that_counts_one_more_is_refused(dataset: Path, name: str) -> None:
    table = rows(dataset / name)
    column = -1 if name == "tallies.csv" else -2
    table[3][column] = str(int(table[3][column]) + 1)
    write(dataset / name, table)
    package.describe(dataset, DAY, "http://localhost")

    verdict = verify(dataset)

    assert verdict.code == 1
    assert f"WRONG: {name} " in verdict.output


@pytest.mark.parametrize("name", ["tallies.csv", "institutions.csv", "countries.csv"])
def test_a_row_that_says_something_else_first_is_refused(dataset: Path, name: str) -> None:
    heading, *table = rows(dataset / name)
    false = [*table[0][:-2], "9", "9"] if name != "tallies.csv" else [*table[0][:-1], "9"]
    write(dataset / name, [heading, false, *table])
    package.describe(dataset, DAY, "http://localhost")

    verdict = verify(dataset)

    assert verdict.code == 1
    assert f"WRONG: {name} " in verdict.output
    assert "stands twice" in verdict.output


def test_a_pledge_in_place_of_the_heading_is_refused(dataset: Path) -> None:
    listed = rows(dataset / "pledges.csv")
    write(dataset / "pledges.csv", [["0" * 32, *listed[1][1:]], *listed[1:]])
    package.describe(dataset, DAY, "http://localhost")

    verdict = verify(dataset)

    assert verdict.code == 1
    assert "the first line does not name the columns" in verdict.output


@pytest.mark.parametrize("days_left", [1, 0])
def test_a_campaign_cannot_be_rolled_back_or_left_out(dataset: Path, days_left: int) -> None:
    """The other campaign of the demonstration, whose chain is cut short together with its lines."""
    path = dataset / "records.jsonl"
    lines = path.read_text().splitlines()
    theirs = [line for line in lines if json.loads(line)["campaign"] != "heart-of-science"]
    cut = [line for line in lines if line not in theirs[days_left:]]
    path.write_text("".join(f"{line}\n" for line in cut))
    listed = rows(dataset / "pledges.csv")
    write(
        dataset / "pledges.csv",
        [row for row in listed if row[1] in {"campaign", "heart-of-science"}],
    )
    cover_up(dataset)

    verdict = verify(dataset)

    assert verdict.code == 1
    assert "is not the newest day, or a campaign is missing" in verdict.output


def test_more_institutions_than_pledges_are_refused(dataset: Path) -> None:
    listed = rows(dataset / "pledges.csv")
    institution = of(listed, "institution")[0][3]
    more = [
        [f"{number:032x}", "heart-of-science", "institution", institution, "person"]
        for number in range(len(listed))
    ]
    write(dataset / "pledges.csv", [listed[0], *sorted([*listed[1:], *more])])
    cover_up(dataset)
    cover_up_the_record(dataset)

    verdict = verify(dataset)

    assert "more than one institution for a pledge" in verdict.output


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("records.jsonl", "[]\n"), ("records.jsonl", "{"), ("pledges.csv", "x\ny\n"),
        ("tallies.csv", ""), ("datapackage.json", "{}"), ("countries.csv", "campaign\nx\n"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_without_a_traceback(
    dataset: Path, name: str, contents: str
) -> None:
    (dataset / name).write_text(contents)

    verdict = verify(dataset)

    assert verdict.code == 1
    assert "WRONG: " in verdict.output


def test_a_missing_file_is_told(dataset: Path, tmp_path: Path) -> None:
    (dataset / "pledges.csv").unlink()
    (tmp_path / "broken.zip").write_bytes(b"PK no archive")

    for form in (dataset, tmp_path / "broken.zip", tmp_path / "nowhere"):
        assert "cannot be read as a dataset" in verify(form).output


@pytest.mark.usefixtures("session")
def test_a_receipt_is_found_with_everything_it_counts_for(tmp_path: Path) -> None:
    invent(50)
    dataset = publish(tmp_path)
    counting = select(Pledge).where(Pledge.status == Status.CONFIRMED)
    pledge = db.session.scalars(counting.order_by(Pledge.id).limit(1)).one()
    mine = receipt(policy().signer, pledge.id)

    verdict = verify(dataset, mine.upper())

    assert verdict.code == 0
    for key in (pledge.country, pledge.institution_id, f"{pledge.confirmed_at:%Y-%m-%d}"):
        assert f" {key}\n" in verdict.output


def test_a_receipt_of_nobody_is_refused(dataset: Path) -> None:
    verdict = verify(dataset, "0" * 32)

    assert verdict.code == 1
    assert f"{'0' * 32}: no receipt in this list" in verdict.output


# Bytes that the writer never writes
#
# The kind: a parser that reads more than the writer writes. Each attack comes from a person who knows how all this
# works: whatever can be made to fit afterwards is, so that one thing alone is wrong. Beside it: what is said.

Bytes = Callable[[bytes], bytes]
Records = list[dict[str, Any]]


def swapped(old: bytes, new: bytes, at: int = 0) -> Bytes:
    """Replace one occurrence, by default the first."""

    def change(data: bytes) -> bytes:
        parts = data.split(old)
        assert len(parts) > 1, old
        at_ = at % (len(parts) - 1)
        return old.join(parts[: at_ + 1]) + new + old.join(parts[at_ + 1 :])

    return change


def matched(pattern: bytes, new: bytes) -> Bytes:
    """Replace the last match: in the chain, of the newest record, which no other one names."""

    def change(data: bytes) -> bytes:
        *_, last = re.finditer(pattern, data)
        return data[: last.start()] + last.expand(new) + data[last.end() :]

    return change


def after(more: bytes) -> Bytes:
    return lambda data: data + more


def before(more: bytes) -> Bytes:
    return lambda data: more + data


def exchanged(first: int, second: int) -> Bytes:
    """Exchange two lines."""

    def change(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        lines[first], lines[second] = lines[second], lines[first]
        return b"".join(lines)

    return change


def again(number: int) -> Bytes:
    """One line twice."""

    def change(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        return b"".join([*lines[:number], lines[number], *lines[number:]])

    return change


def unended(data: bytes) -> bytes:
    return data[:-1]


def with_returns(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


HEADING = "the first line does not name the columns"
LINE = "pledges.csv: not a line of the list: "
RECORD = "records.jsonl: not a record: "
ABSENT = "a campaign has no record of 2026-11-21, or not where it must stand"
TABLE = "a line is missing, changed or stands twice"
DESCRIPTION = "datapackage.json is not as the site writes it"

OF_THE_LIST: dict[str, tuple[Bytes, str]] = {
    "empty": (lambda _: b"", HEADING),
    "a mark of the byte order": (before(b"\xef\xbb\xbf"), HEADING),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), HEADING),
    "returns before line ends": (with_returns, HEADING),
    "a return before the last line end": (swapped(b"\n", b"\r\n", -1), LINE),
    "no last line end": (unended, "pledges.csv: a line has no end"),
    "an empty line at the end": (after(b"\n"), LINE),
    "an empty line between": (swapped(b"\n", b"\n\n", 5), LINE),
    "a byte after the last line": (after(b"\0"), "pledges.csv: a line has no end"),
    "a comment": (after(b"# all is well\n"), LINE),
    "a line that never ends": (after(b"f" * 2_000_000), "pledges.csv: a line has no end"),
    "uppercase digits": (matched(rb"\n\w{32},", b"\nFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF,"), LINE),
    "a fingerprint that is too short": (matched(rb"\n(\w{31})\w,", rb"\n\1,"), LINE),
    "a fingerprint that is too long": (matched(rb"\n(\w{32}),", rb"\n\g<1>0,"), LINE),
    "a blank after a comma": (matched(rb"country,([A-Z]{2}),", rb"country, \1,"), LINE),
    "quotation marks that nothing needs": (matched(rb",person\n", b',"person"\n'), LINE),
    "a sixth column": (matched(rb",person\n", b",person,1\n"), LINE),
    "a column less": (matched(rb",person\n", b"\n"), LINE),
    "a sixth column in the heading": (swapped(b"kind\n", b"kind,count\n"), HEADING),
    "another kind": (matched(rb",person\n", b",persons\n"), LINE),
    "a kind in uppercase": (matched(rb",person\n", b",Person\n"), LINE),
    "another dimension": (matched(rb",country,", b",commitment,"), LINE),
    "a total": (matched(rb",country,[A-Z]{2},", b",total,,"), LINE),
    "a country in lowercase": (matched(rb"country,[A-Z]{2},", b"country,ke,"), LINE),
    "a country of three letters": (matched(rb"country,[A-Z]{2},", b"country,KEN,"), LINE),
    "letters that look alike": (matched(rb"country,[A-Z]{2},", "country,ΚE,".encode()), LINE),
    "no country": (matched(rb"country,[A-Z]{2},", b"country,,"), LINE),
    "a link in place of an id": (matched(rb"institution,0", b"institution,https://ror.org/0"), LINE),
    "a day without zeros": (matched(rb"-\d\d,person", b"-1,person"), LINE),
    "a moment": (matched(rb"(day,[\d-]+),", rb"\1T00:00:00Z,"), LINE),
    "digits of another script": (matched(rb"day,2026", "day,٢٠٢٦".encode()), LINE),
    "a campaign in uppercase": (matched(rb",heart-of-science,", b",Heart-Of-Science,"), LINE),
    "bytes that are no UTF-8": (matched(rb",heart-of-science,", b",heart\xff\xfe,"), LINE),
    "a NUL": (matched(rb",person\n", b",person\0\n"), LINE),
    "a return in a line": (matched(rb",person\n", b",person\r\n"), LINE),
    "two lines out of order": (exchanged(3, 4), "stands twice or out of order"),
    "a line twice": (again(3), "stands twice or out of order"),
}  # fmt: skip

# Of the newest record: nothing names its digest yet.
OF_THE_CHAIN: dict[str, tuple[Bytes, str]] = {
    "empty": (lambda _: b"", "heart-of-science: not in the chain"),
    "a mark of the byte order": (before(b"\xef\xbb\xbf"), RECORD),
    "returns before line ends": (with_returns, RECORD),
    "a return before the last line end": (swapped(b"\n", b"\r\n", -1), RECORD),
    "no last line end": (unended, "records.jsonl: a line has no end"),
    "an empty line": (after(b"\n"), RECORD),
    "a byte after the last line": (after(b" "), "records.jsonl: a line has no end"),
    "not a record": (after(b"[]\n"), RECORD),
    "a key twice, the last one counts": (matched(rb'"persons":', b'"persons":1,"persons":'), RECORD),
    "a key twice, the first one counts": (matched(rb'("persons":\d+)', rb'\1,"persons":1'), RECORD),
    "a country twice": (matched(rb'("[A-Z]{2}":\[\d+,\d+\])\}', rb"\1,\1}"), RECORD),
    "a blank after a colon": (matched(rb'"persons":', b'"persons": '), RECORD),
    "a blank at the start": (matched(rb'\{"campaign":', b' {"campaign":'), RECORD),
    "a blank at the end": (matched(rb"\}\n", b"} \n"), RECORD),
    "a form feed": (matched(rb"\}\n", b"}\x0c\n"), RECORD),
    "keys out of order": (matched(rb'("persons":\d+),("previous":"\w+")', rb"\2,\1"), RECORD),
    "countries out of order": (
        matched(rb'\{("[A-Z]{2}":\[\d+,\d+\]),("[A-Z]{2}":\[\d+,\d+\])', rb"{\2,\1"), RECORD,
    ),
    "one key more": (matched(rb'("previous":"\w+")', rb'\1,"verified":true'), RECORD),
    "one key less": (matched(rb',"previous":"\w+"', b""), RECORD),
    "an escape that nothing needs": (matched(rb'"heart-of-science"', rb'"\\u0068eart-of-science"'), RECORD),
    "a number with a point": (matched(rb'("persons":\d+)', rb"\1.0"), RECORD),
    "a number with an exponent": (matched(rb'("persons":\d+)', rb"\1e0"), RECORD),
    "a number with a zero before it": (matched(rb'"persons":', b'"persons":0'), RECORD),
    "minus zero": (matched(rb"\[(\d+),0\]", rb"[\1,-0]"), RECORD),
    "a number below zero": (matched(rb'"persons":', b'"persons":-'), RECORD),
    "no number": (matched(rb'"persons":\d+', b'"persons":NaN'), RECORD),
    "infinity": (matched(rb'"persons":\d+', b'"persons":Infinity'), RECORD),
    "true": (matched(rb'"persons":\d+', b'"persons":true'), RECORD),
    "a number in quotation marks": (matched(rb'"persons":(\d+)', rb'"persons":"\1"'), RECORD),
    "digits of another script": (matched(rb'"persons":\d+', '"persons":١٢'.encode()), RECORD),
    "a giant number": (matched(rb'"persons":\d+', b'"persons":' + b"9" * 500_000), RECORD),
    "a deep record": (after(b"[" * 400_000 + b"\n"), RECORD),
    "a digest in uppercase": (matched(rb'"previous":"\w+"', b'"previous":"' + b"A" * 64 + b'"'), RECORD),
    "a digest that is too short": (matched(rb'"previous":"\w', b'"previous":"'), RECORD),
    "bytes that are no UTF-8": (matched(rb'"previous":"\w', b'"previous":"\xff'), RECORD),
    "half a character": (matched(rb'"heart-of-science"', rb'"\\ud800"'), RECORD),
    "a country less": (matched(rb'"[A-Z]{2}":\[\d+,\d+\],', b""), "do not add up"),
    "a record twice": (again(-1), "does not follow"),
    "the records of a day out of order": (exchanged(-1, -2), ABSENT),
    "the days out of order": (exchanged(0, 2), "does not follow"),
}  # fmt: skip

OF_TALLIES: dict[str, tuple[Bytes, str]] = {
    "empty": (lambda _: b"", HEADING),
    "a mark of the byte order": (before(b"\xef\xbb\xbf"), HEADING),
    "returns before line ends": (with_returns, HEADING),
    "no last line end": (unended, "tallies.csv: a line has no end"),
    "an empty line": (after(b"\n"), TABLE),
    "a second column of counts": (
        lambda data: data.replace(b",count\n", b",count,count\n").replace(b"person,", b"person,9,"), HEADING,
    ),
    "a count with a line below": (matched(rb",(\d)(\d+)\n", rb",\1_\2\n"), TABLE),
    "a count with a plus": (matched(rb",(\d+)\n", rb",+\1\n"), TABLE),
    "a count with a blank": (matched(rb",(\d+)\n", rb", \1\n"), TABLE),
    "a count with a zero before it": (matched(rb",(\d+)\n", rb",0\1\n"), TABLE),
    "a count with a point": (matched(rb",(\d+)\n", rb",\1.0\n"), TABLE),
    "digits of another script": (matched(rb",1\n", ",١\n".encode()), TABLE),
    "quotation marks that nothing needs": (matched(rb",(\d+)\n", rb',"\1"\n'), TABLE),
    "another column": (matched(rb",(\d+)\n", rb",\1,9\n"), TABLE),
    "a place that nobody has": (after(b"heart-of-science,country,ZZ,person,0\n"), TABLE),
    "a line twice": (again(3), TABLE),
    "two lines out of order": (exchanged(3, 4), TABLE),
    "a line less": (lambda data: b"".join(data.splitlines(keepends=True)[:-1]), TABLE),
    "bytes that are no UTF-8": (matched(rb"\nheart", b"\n\xffheart"), TABLE),
    "a NUL": (matched(rb",(\d+)\n", rb",\1\0\n"), ""),
}  # fmt: skip

NAME = rb",([A-Z][a-z]+),(\d+,\d+\n)"
OF_COUNTRIES: dict[str, tuple[Bytes, str]] = {
    "a count with a line below": (matched(rb",(\d+),0\n", rb",0_\1,0\n"), TABLE),
    "minus zero": (matched(rb",0\n", b",-0\n"), TABLE),
    "a second column of names": (
        lambda data: data.replace(b",name,", b",name,name,"), HEADING,
    ),
    "quotation marks that nothing needs": (matched(NAME, rb',"\1",\2'), TABLE),
    "a name of two lines": (matched(NAME, rb',"\1\n",\2'), TABLE),
    "a name that never ends": (matched(NAME, rb',"\1,\2'), TABLE),
    "a name that is no UTF-8": (matched(NAME, b",Per\xfa,\\2"), TABLE),
    "a name of a million letters": (matched(NAME, b"," + b"K" * 1_200_000 + rb",\2"), ""),
    "a column less": (matched(NAME, rb",\2"), TABLE),
}  # fmt: skip

OF_THE_DESCRIPTION: dict[str, tuple[Bytes, str]] = {
    "empty": (lambda _: b"", DESCRIPTION),
    "a mark of the byte order": (before(b"\xef\xbb\xbf"), DESCRIPTION),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), DESCRIPTION),
    "returns before line ends": (with_returns, DESCRIPTION),
    "no last line end": (unended, DESCRIPTION),
    "a blank at the end": (after(b" "), DESCRIPTION),
    "a second description": (lambda data: data * 2, DESCRIPTION),
    "a key twice": (swapped(b'  "version"', b'  "version": "2026-11-20",\n  "version"'), DESCRIPTION),
    "resources twice": (swapped(b'  "resources"', b'  "resources": [],\n  "resources"'), DESCRIPTION),
    "one key more": (swapped(b'  "version"', b'  "image": "x.png",\n  "version"'), DESCRIPTION),
    "one key less": (matched(rb'  "homepage": .*\n', b""), DESCRIPTION),
    "keys out of order": (matched(rb'(  "name": .*\n)(  "title": .*\n)', rb"\2\1"), DESCRIPTION),
    "one resource more": (
        matched(rb"\n  \]\n\}\n", b',\n    {\n      "name": "more",\n      "path": "more.csv"\n    }\n  ]\n}\n'),
        DESCRIPTION,
    ),
    "no resources": (matched(rb'"resources": \[[^$]*\n  \]', b'"resources": []'), DESCRIPTION),
    "a resource elsewhere": (swapped(b'"path": "countries.csv"', b'"path": "../countries.csv"'), DESCRIPTION),
    "a resource on the web": (swapped(b'"path": "countries.csv"', b'"path": "https://x.example"'), DESCRIPTION),
    "data of its own": (swapped(b'      "encoding"', b'      "data": [],\n      "encoding"'), DESCRIPTION),
    "another dialect": (
        swapped(b'      "schema"', b'      "dialect": {\n        "commentChar": "0"\n      },\n      "schema"'),
        DESCRIPTION,
    ),
    "another encoding": (swapped(b'"encoding": "utf-8"', b'"encoding": "latin1"'), DESCRIPTION),
    "another order of columns": (
        matched(rb'"name": "person_pledges"', b'"name": "institution_pledges"'), DESCRIPTION,
    ),
    "another type": (swapped(b'"type": "integer"', b'"type": "string"'), DESCRIPTION),
    "missing values": (
        swapped(b'"missingValues": []', b'"missingValues": [\n          "KE"\n        ]'), DESCRIPTION,
    ),
    "a size with a point": (matched(rb'("bytes": \d+)', rb"\1.0"), DESCRIPTION),
    "a size with an exponent": (matched(rb'("bytes": \d+)', rb"\1e0"), DESCRIPTION),
    "a size with a zero before it": (matched(rb'"bytes": ', b'"bytes": 0'), DESCRIPTION),
    "another size": (matched(rb'"bytes": ', b'"bytes": 1'), "is not the file that datapackage.json describes"),
    "a giant size": (matched(rb'"bytes": \d+', b'"bytes": ' + b"9" * 100_000), ""),
    "a size that is no number": (matched(rb'"bytes": \d+', b'"bytes": NaN'), DESCRIPTION),
    "a digest in uppercase": (
        matched(rb'sha256:\w+', b"sha256:" + b"A" * 64), "is not the file that datapackage.json describes",
    ),
    "another day": (swapped(b'"version": "2026-11-21"', b'"version": "2026-11-22"'), DESCRIPTION),
    "a later day": (
        lambda data: data.replace(b"2026-11-21", b"2026-11-22"), "2026-11-21 is not the newest day",
    ),
    "a day that does not exist": (lambda data: data.replace(b"2026-11-21", b"2026-11-31"), DESCRIPTION),
    "a day without hyphens": (lambda data: data.replace(b"2026-11-21", b"20261121"), DESCRIPTION),
    "a day of a week": (lambda data: data.replace(b"2026-11-21", b"2026-W47-6"), DESCRIPTION),
    "a list": (lambda _: b"[]\n", DESCRIPTION),
    "a number": (lambda _: b"1\n", DESCRIPTION),
    "nothing": (lambda _: b"null\n", DESCRIPTION),
    "an escape that nothing needs": (swapped(b'"lightup"', rb'"\u006cightup"'), DESCRIPTION),
    "half a character": (swapped(b'"lightup"', rb'"\ud800"'), DESCRIPTION),
    "bytes that are no UTF-8": (swapped(b'"lightup"', b'"\xff"'), DESCRIPTION),
    "a deep value": (swapped(b'"lightup"', b"[" * 200_000 + b"]" * 200_000), DESCRIPTION),
    "two million blanks": (after(b" " * 2_000_000), DESCRIPTION),
}  # fmt: skip


def table(attacks: dict[str, tuple[Bytes, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", attacks)


def refused(form: Path, sentence: str) -> None:
    """It says what does not agree, in a few lines, and ends with 1."""
    code, output = run(form)
    assert code == 1
    wrong = [line for line in output.splitlines() if line.startswith("WRONG: ")]
    assert any(sentence in line for line in wrong), output[:2000]
    assert output.isascii()
    assert len(wrong) <= 20
    assert len(output) < 40_000


def run(form: Path) -> tuple[int, str]:
    """The same as ``verify``, in this process: an exception that it does not catch fails the test."""
    with redirect_stdout(StringIO()) as output:
        code = run_path(str(VERIFIER))["main"](str(form))
    return code, output.getvalue()


def change(path: Path, attack: Bytes) -> None:
    data = path.read_bytes()
    changed = attack(data)
    assert changed != data
    path.write_bytes(changed)


@table(OF_THE_LIST)
def test_a_list_is_written_in_one_way(dataset: Path, name: str) -> None:
    attack, sentence = OF_THE_LIST[name]
    change(dataset / "pledges.csv", attack)
    cover_up_the_digests(dataset)
    refused(dataset, sentence)


def cover_up_the_digests(dataset: Path) -> None:
    """Make the newest records name the digests of the list's very bytes."""
    digests: dict[bytes, Any] = defaultdict(sha256)
    for line in (dataset / "pledges.csv").read_bytes().splitlines(keepends=True)[1:]:
        digests[line.split(b",")[1] if b"," in line else b""].update(line)
    *earlier, first, second = (dataset / "records.jsonl").read_text().splitlines()
    newest = [json.loads(line) for line in (first, second)]
    for record in newest:
        record["digest"] = digests[record["campaign"].encode()].hexdigest()
    lines = [*earlier, *map(canonical, newest)]
    (dataset / "records.jsonl").write_text("".join(f"{line}\n" for line in lines))
    package.describe(dataset, DAY, "http://localhost")


@pytest.mark.parametrize(
    ("file", "name", "attack", "sentence"),
    [
        (file, name, *attack)
        for file, attacks in (
            ("records.jsonl", OF_THE_CHAIN), ("tallies.csv", OF_TALLIES), ("countries.csv", OF_COUNTRIES),
        )
        for name, attack in attacks.items()
    ],
)  # fmt: skip
def test_chain_and_tables_are_written_in_one_way(
    dataset: Path, file: str, name: str, attack: Bytes, sentence: str
) -> None:
    change(dataset / file, attack)
    package.describe(dataset, DAY, "http://localhost")
    refused(dataset, sentence)


@table(OF_THE_DESCRIPTION)
def test_the_description_is_written_in_one_way(dataset: Path, name: str) -> None:
    attack, sentence = OF_THE_DESCRIPTION[name]
    change(dataset / "datapackage.json", attack)
    refused(dataset, sentence)


# Everything is named


def removed_from_the_past(records: Records) -> Records:
    """The other campaign is left out of the chain; the first day's record still names it."""
    kept = [record for record in records if record["campaign"] == "heart-of-science"]
    kept[-1]["campaigns"] = ["heart-of-science"]
    return kept


def removed_from_a_day(records: Records) -> Records:
    """The other campaign has no record of the first day, and begins with the second."""
    return [
        r for r in records if (r["campaign"], r["day"]) != ("haikou-initiative", records[0]["day"])
    ]


def named_and_missing(records: Records) -> Records:
    """Every record names a campaign that has none."""
    return [record | {"campaigns": ["another", *record["campaigns"]]} for record in records]


def named_twice(records: Records) -> Records:
    return [
        record | {"campaigns": [*record["campaigns"], "heart-of-science"]} for record in records
    ]


def named_in_another_order(records: Records) -> Records:
    return [record | {"campaigns": record["campaigns"][::-1]} for record in records]


def a_day_too_many(records: Records) -> Records:
    """Records of the day after the one that the dataset is of."""
    return [*records, *(record | {"day": "2026-11-22"} for record in records[-2:])]


def a_day_that_does_not_exist(records: Records) -> Records:
    return [record | {"day": "2026-02-30"} for record in records[:2]] + records[2:]


def the_same_day_twice(records: Records) -> Records:
    return [*records, *records[-2:]]


def the_last_day_missing(records: Records) -> Records:
    return records[:2]


def one_ends_early(records: Records) -> Records:
    """A campaign's chain ends with the first day; later records do not name it."""
    *others, last = [
        r for r in records if r["campaign"] != "haikou-initiative" or r["day"] != str(DAY)
    ]
    return [*others, last | {"campaigns": ["heart-of-science"]}]


def more_in_a_country_of_the_past(records: Records) -> Records:
    first, *others = records
    return [first | {"countries": first["countries"] | {"ZZ": [5, 0]}}, *others]


OF_RECORDS: dict[str, tuple[Callable[[Records], Records], str]] = {
    "removed from the past": (removed_from_the_past, "names other campaigns than have a record"),
    "removed from a day": (removed_from_a_day, "names other campaigns than have a record"),
    "named, but missing": (named_and_missing, "names other campaigns than have a record"),
    "named twice": (named_twice, "names other campaigns than have a record"),
    "named in another order": (named_in_another_order, "names other campaigns than have a record"),
    "a day too many": (a_day_too_many, "is not the newest day"),
    "a day that does not exist": (a_day_that_does_not_exist, "2026-02-30 stands after nothing"),
    "the same day twice": (the_same_day_twice, "does not follow"),
    "the last day missing": (the_last_day_missing, "is not the newest day"),
    "one ends early": (
        one_ends_early,
        ABSENT,
    ),
    "more in a country of the past": (more_in_a_country_of_the_past, "do not add up"),
}


@pytest.mark.parametrize("name", OF_RECORDS)
def test_every_campaign_is_named_every_day(dataset: Path, name: str) -> None:
    attack, sentence = OF_RECORDS[name]
    path = dataset / "records.jsonl"
    records = attack([json.loads(line) for line in path.read_text().splitlines()])
    digests: dict[str, str] = {}
    lines = []
    for record in records:  # the chain is made anew
        line = canonical(record | {"previous": digests.get(record["campaign"])})
        digests[record["campaign"]] = sha256(line.encode()).hexdigest()
        lines.append(f"{line}\n")
    path.write_text("".join(lines))
    if not any(record["campaign"] == "haikou-initiative" for record in records):
        listed = rows(dataset / "pledges.csv")
        write(dataset / "pledges.csv", [row for row in listed if row[1] != "haikou-initiative"])
        cover_up(dataset)
    package.describe(dataset, DAY, "http://localhost")
    refused(dataset, sentence)


@pytest.mark.parametrize(
    "day", ["2026-11-22", "2099-01-01", "2026-02-30", "2026-00-01", "0000-01-01"]
)
def test_a_pledge_of_a_day_to_come_is_refused(dataset: Path, day: str) -> None:
    listed = rows(dataset / "pledges.csv")
    of(listed, "day")[0][3] = day
    write(dataset / "pledges.csv", listed)
    cover_up(dataset)
    cover_up_the_record(dataset)
    refused(dataset, "a pledge was confirmed after 2026-11-21, or on a day that does not exist")


# Everything is described


def beside(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text("read me first")


def linked(folder: Path) -> None:
    """A file that could be another one tomorrow."""
    (folder / "tallies.csv").rename(folder.parent / "tallies.csv")
    (folder / "tallies.csv").symlink_to(folder.parent / "tallies.csv")


def renamed(folder: Path) -> None:
    (folder / "tallies.csv").rename(folder / "Tallies.csv")


def a_pipe(folder: Path) -> None:
    """Opening it would never end."""
    (folder / "records.jsonl").unlink()
    os.mkfifo(folder / "records.jsonl")


def a_folder_of_that_name(folder: Path) -> None:
    (folder / "tallies.csv").unlink()
    (folder / "tallies.csv").mkdir()


OF_THE_FOLDER: dict[str, tuple[Callable[[Path], object], str]] = {
    "one file more": (beside("more.csv"), "'more.csv' is not a file of this dataset"),
    "a hidden file": (beside(".htaccess"), "'.htaccess' is not a file of this dataset"),
    "a table in uppercase": (beside("PLEDGES.CSV"), "'PLEDGES.CSV' is not a file of this dataset"),
    "the archive of another day": (beside("lightup-2026-11-20.zip"), "is not a file of this dataset"),
    "a name for the terminal": (beside("\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}"), "is not a file of this"),
    "one folder more": (lambda folder: (folder / "more").mkdir(), "'more' is not a file"),
    "a link": (linked, "'tallies.csv' is not a file of this dataset"),
    "another name": (renamed, "tallies.csv is missing"),
    "a pipe": (a_pipe, "records.jsonl is missing"),
    "a folder in place of a file": (a_folder_of_that_name, "tallies.csv is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_THE_FOLDER)
def test_a_folder_has_nothing_that_is_not_described(dataset: Path, name: str) -> None:
    attack, sentence = OF_THE_FOLDER[name]
    attack(dataset)
    refused(dataset, sentence)


Entries = list[tuple[ZipInfo, bytes]]
NAMES = "the .zip file must have pledges.csv, "
ENTRY = "is not in the .zip file as the site writes it"
ROOM = "has something before, between or after its files"


def entry(name: str, data: bytes = b"", **different: Any) -> tuple[ZipInfo, bytes]:
    """As the writer makes it, but for these attributes."""
    info = ZipInfo(name, (DAY.year, DAY.month, DAY.day, 0, 0, 0))
    info.compress_type, info.external_attr = ZIP_DEFLATED, 0o100644 << 16
    for attribute, value in different.items():
        setattr(info, attribute, value)
    return info, data


def first_as(**different: Any) -> Callable[[Entries], Entries]:
    """The first entry with other attributes."""
    return lambda entries: [entry(entries[0][0].filename, entries[0][1], **different), *entries[1:]]


OF_ENTRIES: dict[str, tuple[Callable[[Entries], Entries], str]] = {
    "two files of one name, the first one false": (lambda e: [entry("pledges.csv"), *e], NAMES),
    "two files of one name, the last one false": (lambda e: [*e, entry("pledges.csv")], NAMES),
    "one file more": (lambda e: [*e, entry("readme.txt")], NAMES),
    "one file less": (lambda e: e[:-2] + e[-1:], NAMES),
    "no file": (lambda _: [], NAMES),
    "another order": (lambda e: e[::-1], NAMES),
    "a folder": (lambda e: [*e, entry("more/")], NAMES),
    "a path up": (lambda e: [*e, entry("../pledges.csv")], NAMES),
    "a path from the root": (lambda e: [*e, entry("/pledges.csv")], NAMES),
    "a path without an end": (lambda e: [*e, entry("//")], NAMES),
    "a path of Windows": (lambda e: [*e, entry("..\\pledges.csv")], NAMES),
    "a name in uppercase": (lambda e: [*e, entry("Pledges.csv")], NAMES),
    "letters that look alike": (lambda e: [*e, entry("plеdges.csv")], NAMES),
    "all in a folder": (lambda e: [entry(f"x/{info.filename}", data) for info, data in e], NAMES),
    "a link": (first_as(external_attr=0o120777 << 16), ENTRY),
    "a program": (first_as(external_attr=0o100755 << 16), ENTRY),
    "another day": (first_as(date_time=(2026, 11, 20, 0, 0, 0)), ENTRY),
    "not compressed": (first_as(compress_type=ZIP_STORED), ENTRY),
    "another compression": (first_as(compress_type=ZIP_BZIP2), ENTRY),
    "a comment on a file": (first_as(comment=b"the true one is elsewhere"), ROOM),
    "more about a file": (first_as(extra=b"\x75\x70\x04\x00abcd"), ENTRY),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_ENTRIES)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_has_the_files_and_nothing_else(dataset: Path, name: str) -> None:
    attack, sentence = OF_ENTRIES[name]
    path = dataset / f"lightup-{DAY}.zip"
    with ZipFile(path) as archive:
        entries = [(info, archive.read(info)) for info in archive.infolist()]
    with ZipFile(path, "w") as archive:
        for info, data in attack([entry(info.filename, data) for info, data in entries]):
            with archive.open(info, "w", force_zip64=True) as file:
                file.write(data)
    refused(path, sentence)


def test_an_archive_made_again_is_accepted(dataset: Path) -> None:
    """As it is above, without an attack."""
    path = dataset / f"lightup-{DAY}.zip"
    original = path.read_bytes()
    with ZipFile(path) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with ZipFile(path, "w") as archive:
        for info, data in (entry(*both) for both in entries):
            with archive.open(info, "w", force_zip64=True) as file:
                file.write(data)
    assert path.read_bytes() == original
    assert run(path)[0] == 0


def with_a_comment(data: bytes) -> bytes:
    return data[:-2] + b"\x05\x00hello"


def with_another_head(data: bytes) -> bytes:
    """What stands before the first file names another digest than the directory at the end."""
    return data[:14] + b"\0\0\0\0" + data[18:]


def with_another_name_in_its_head(data: bytes) -> bytes:
    return data[:30] + b"Pledges.csv" + data[41:]


def with_bytes_after_the_end(data: bytes) -> bytes:
    """The last file is said to be longer than its compressed bytes are: others could stand behind their end."""
    archive = ZipFile(BytesIO(data))
    last, more = archive.infolist()[-1], b"hidden"
    size = last.compress_size + len(more)
    head = last.header_offset
    extra = head + 30 + len(last.filename) + 12  # where the longer sizes are, in the head
    before, end = data[: archive.start_dir], bytearray(data[archive.start_dir :])
    before = before[:extra] + size.to_bytes(8, "little") + before[extra + 8 :] + more
    entry = end.rindex(b"PK\1\2")
    end[entry + 20 : entry + 24] = size.to_bytes(4, "little")
    end[-6:-2] = len(before).to_bytes(4, "little")
    return bytes(before + end)


def as_if_it_began_later(data: bytes) -> bytes:
    """A gap before the first file, and a directory that knows of it: what installers look like."""
    with ZipFile(BytesIO(data)) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    output = BytesIO(b"#!/bin/sh\n")
    output.seek(0, os.SEEK_END)
    with ZipFile(output, "a") as archive:
        for info, content in (entry(*both) for both in entries):
            with archive.open(info, "w", force_zip64=True) as file:
                file.write(content)
    return output.getvalue()


OF_THE_ARCHIVE: dict[str, tuple[Bytes, str]] = {
    "empty": (lambda _: b"", "cannot be read as a dataset"),
    "bytes after it": (after(b"more"), ROOM),
    "bytes before it": (before(b"#!/bin/sh\n"), ENTRY),
    "bytes before it that it knows": (as_if_it_began_later, ENTRY),
    "another archive before it": (lambda data: data + data, ENTRY),
    "a comment": (with_a_comment, ROOM),
    "another head": (with_another_head, ENTRY),
    "bytes after the end of a compressed file": (with_bytes_after_the_end, ENTRY),
    "another name in a head": (with_another_name_in_its_head, ENTRY),
    "cut off": (lambda data: data[: len(data) // 2], "cannot be read as a dataset"),
    "a bit turned": (
        lambda data: data[:900] + bytes([data[900] ^ 1]) + data[901:], "cannot be read as a dataset",
    ),
}  # fmt: skip


@table(OF_THE_ARCHIVE)
def test_an_archive_has_no_room_for_anything_else(dataset: Path, name: str) -> None:
    attack, sentence = OF_THE_ARCHIVE[name]
    path = dataset / f"lightup-{DAY}.zip"
    change(path, attack)
    refused(path, sentence)


def test_a_long_list_needs_no_more_memory_than_a_short_one(dataset: Path) -> None:
    """A hundred thousand lines of one place: the list is streamed."""
    with (dataset / "pledges.csv").open("wb") as file:
        file.write(b"fingerprint,campaign,dimension,key,kind\n")
        for number in range(100_000):
            file.write(b"%032x,heart-of-science,country,KE,person\n" % number)
    verifier = run_path(str(VERIFIER))
    tracemalloc.start()
    pledges = verifier["PledgeList"](dataset, {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pledges.counts["heart-of-science", "total", "", "person"] == 100_000
    assert peak < 2_000_000


def test_it_is_short_and_explains_itself() -> None:
    source = VERIFIER.read_text()
    assert len(source.splitlines()) < 340
    assert "python3 verify.py" in source.split('"""')[1]
