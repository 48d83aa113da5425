"""A file as a whole: which are read, and what is said of those that are not."""

import hashlib
import json
import zipfile
from datetime import date
from pathlib import Path

import pytest

from campaign.institutions.ror import DamagedDump, NotADump, OldSchema, Record, Refusal, open_dump
from tests.institutions.dumps import record, ror_id, write_json, write_zip

OLD = {"id": "https://ror.org/052gg0110", "name": "Oxford", "country": {"country_code": "GB"}}


def entries(path: Path) -> list[Record | Refusal]:
    with open_dump(path) as dump:
        return list(dump.entries())


def ids(path: Path) -> list[str | None]:
    return [entry.id for entry in entries(path)]


def test_a_plain_json_array_is_read(tmp_path: Path) -> None:
    path = write_json(tmp_path / "dump.json", [record(1), record(2)])
    assert ids(path) == [ror_id(1), ror_id(2)]


def test_a_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "dump.json"
    path.write_text("\ufeff\n" + json.dumps([record(1)]), encoding="utf-8")
    assert ids(path) == [ror_id(1)]


def test_a_zip_is_read_as_ror_publishes_it(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "dump.zip",
        {"__MACOSX/v2.json": b"no", "v2-ror-data.csv": b"id", "v2-ror-data.json": [record(1)]},
    )
    assert ids(path) == [ror_id(1)]


def test_of_two_schemas_in_a_zip_the_second_is_read(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "dump.zip",
        {"v1.45-ror-data.json": [OLD], "v1.45-ror-data_schema_v2.json": [record(1)]},
    )
    assert ids(path) == [ror_id(1)]


def test_the_release_is_read_from_the_names_of_the_files(tmp_path: Path) -> None:
    inner = {"v1.58-2024-12-11-ror-data_schema_v2.json": [record(1)]}
    paths = [
        write_zip(tmp_path / "download (1).zip", inner),
        write_zip(tmp_path / "v2.0-2025-12-16-ror-data.zip", {"data.json": [record(1)]}),
        write_json(tmp_path / "v2.9-2026-06-23-ror-data-subset.json", [record(1)]),
    ]
    releases = []
    for path in paths:
        with open_dump(path) as dump:
            releases.append((dump.release.version, dump.release.released_on))
            assert dump.release.file_name == path.name
            assert dump.release.digest == hashlib.sha256(path.read_bytes()).digest()
    assert releases == [
        ("1.58", date(2024, 12, 11)),
        ("2.0", date(2025, 12, 16)),
        ("2.9", date(2026, 6, 23)),
    ]


@pytest.mark.parametrize("name", ["ror.json", "v2-ror-data.json", "v2.9-2026-13-45-ror-data.json"])
def test_a_file_that_names_no_release_is_read_all_the_same(tmp_path: Path, name: str) -> None:
    with open_dump(write_json(tmp_path / name, [record(1)])) as dump:
        assert (dump.release.version, dump.release.released_on) == (None, None)
        assert [entry.id for entry in dump.entries()] == [ror_id(1)]


@pytest.mark.parametrize(
    ("packed", "day"),
    [((2026, 6, 23), date(2026, 6, 23)), ((1980, 1, 1), None), ((2026, 0, 0), None)],
)
def test_without_a_name_the_zip_says_of_which_day_its_json_is(
    tmp_path: Path, packed: tuple[int, int, int], day: date | None
) -> None:
    member = zipfile.ZipInfo("data.json", (*packed, 0, 0, 0))
    with zipfile.ZipFile(tmp_path / "dump.zip", "w") as archive:
        archive.writestr(member, json.dumps([record(1)]))
    with open_dump(tmp_path / "dump.zip") as dump:
        assert (dump.release.version, dump.release.released_on) == (None, day)


def test_a_broken_record_has_its_place_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write_json(tmp_path / "d.json", [record(1), record(2, status="x"), 5, record(3)])
    first, second, third, fourth = entries(path)
    assert isinstance(second, Refusal)
    assert str(second) == f"record 2 (https://ror.org/{ror_id(2)}): 'x' is not a status"
    assert str(third) == "record 3 (without id): it is not an object"
    assert (first.id, fourth.id) == (ror_id(1), ror_id(3))


def test_an_id_counts_only_once(tmp_path: Path) -> None:
    path = write_json(tmp_path / "dump.json", [record(1), record(1, established=1990)])
    refused = entries(path)[1]
    assert isinstance(refused, Refusal)
    assert refused.reason == "its id has occurred before"


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", NotADump, "not a JSON array"),
        (b"   \n", NotADump, "not a JSON array"),
        (b"id,name\n1,Oxford", NotADump, "not a JSON array"),
        (b'{"items": []}', NotADump, "not a JSON array"),
        (b"\x89PNG\r\n\x1a\n", NotADump, "not a JSON array"),
        (b"[]", NotADump, "no record that could be imported"),
        (b'[{"a": 1}]', NotADump, "its first record is not one of ROR's"),
        (b"[1, 2]", NotADump, "its first record is not one of ROR's"),
        (json.dumps([OLD]).encode(), OldSchema, "schema v1"),
        (
            json.dumps([record(1, status="x")]).encode(),
            NotADump,
            "no record that could be imported",
        ),
        (json.dumps([record(1), record(2)])[:-400].encode(), DamagedDump, "breaks off"),
        (json.dumps([record(1)])[:-1].encode(), DamagedDump, "breaks off"),
        (json.dumps([record(1)]).encode() + b" x", DamagedDump, "after record 1"),
        (json.dumps([record(1)]).encode()[:-1] + b", 'x']", DamagedDump, "after record 1"),
        (b'[{"id": "\xff\xfe"}]', DamagedDump, "after record 0"),
        (b"PK\x03\x04 and nothing more", DamagedDump, "zip is damaged or not all there"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(
    tmp_path: Path, content: bytes, error: type[Exception], message: str
) -> None:
    path = tmp_path / "dump"
    path.write_bytes(content)
    with pytest.raises(error, match=message):
        entries(path)


def test_a_zip_without_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADump, match="holds no JSON file"):
        entries(write_zip(tmp_path / "dump.zip", {"ror.csv": b"id"}))


def test_a_zip_whose_content_is_damaged_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "dump.zip", {"v2.json": [record(n) for n in range(300)]})
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(DamagedDump, match="after record"):
        entries(path)


def test_half_a_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "dump.zip", {"v2.json": [record(1)]})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DamagedDump, match="damaged or not all there"):
        entries(path)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "dump.zip", {"v2.json": [record(1)]})
    with zipfile.ZipFile(path) as archive:
        flags_in_directory = archive.start_dir + 8
    locked = bytearray(path.read_bytes())
    locked[flags_in_directory] |= 1
    path.write_bytes(locked)
    with pytest.raises(NotADump, match="encrypted"):
        entries(path)


def test_progress_can_be_told_in_bytes(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "dump.zip", {"v2.json": [record(n) for n in range(500)]})
    with open_dump(path) as dump:
        read = [dump.bytes_read for _ in dump.entries()]
    assert read == sorted(read)
    assert 0 < read[0] < read[-1] == dump.size
