"""docs/verify.py accepts what was published, and refuses it once a single pledge is added, removed or moved."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from campaign.db import db
from campaign.paths import VERIFIER
from campaign.pledges.models import Pledge
from campaign.records import package
from campaign.records.listing import receipt
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
    for dimension, key in (("country", "KE"), ("institution", listed[1][3]), ("day", "2026-05-01")):
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
    counts = Counter(tuple(row[1:]) for row in listed)
    counts.update((row[1], "total", "", row[4]) for row in listed if row[2] == "country")
    write(dataset / "tallies.csv", [["campaign", "dimension", "key", "kind", "count"], *(
        [*place, str(count)] for place, count in sorted(counts.items())
    )])  # fmt: skip
    for name, dimension in (("institutions.csv", "institution"), ("countries.csv", "country")):
        column = ["campaign", dimension, "person_pledges", "institution_pledges"]
        keys = sorted({(p[0], p[2]) for p in counts if p[1] == dimension})
        found = [
            [c, k, *(str(counts[c, dimension, k, kind]) for kind in ("person", "institution"))]
            for c, k in keys
        ]
        write(dataset / name, [column, *found])
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
    more = [
        [f"{number:032x}", "heart-of-science", "institution", listed[1][3], "person"]
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
    pledge = db.session.scalars(select(Pledge).order_by(Pledge.id).limit(1)).one()
    mine = receipt(policy().signer, pledge.id)

    verdict = verify(dataset, mine.upper())

    assert verdict.code == 0
    for key in (pledge.country, pledge.institution_id, f"{pledge.confirmed_at:%Y-%m-%d}"):
        assert f" {key}\n" in verdict.output


def test_a_receipt_of_nobody_is_refused(dataset: Path) -> None:
    verdict = verify(dataset, "0" * 32)

    assert verdict.code == 1
    assert f"{'0' * 32}: no receipt in this list" in verdict.output


def test_it_is_short_and_explains_itself() -> None:
    source = VERIFIER.read_text()
    assert len(source.splitlines()) < 180
    assert "python3 verify.py" in source.split('"""')[1]
