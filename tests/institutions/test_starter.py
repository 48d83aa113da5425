"""The registry that ships with the program: real institutions, checked against an official dump."""

import json
from collections import Counter
from functools import cache
from typing import Any

import ijson
import pytest

from campaign.geography import COUNTRIES
from campaign.institutions.queries import starter_path
from campaign.institutions.records import Record, read_record
from campaign.institutions.ror import open_dump
from tests.conftest import SHARED

DUMP = SHARED / "data" / "ror-data-subset.zip"
OFFERED = ("ar", "en", "es", "fr", "hi", "pt", "ru", "sw", "ur", "zh")


@cache
def starter() -> list[Record]:
    with open_dump(starter_path()) as dump:
        entries = list(dump.entries())
    assert all(isinstance(entry, Record) for entry in entries)
    return entries  # type: ignore[return-value]


@pytest.fixture(scope="module")
def official() -> dict[str, dict[str, Any]]:
    """The records of the dump that the starter has too, as they are there."""
    if not DUMP.exists():
        pytest.skip("the dump in ../shared/data is not there")
    wanted = {f"https://ror.org/{record.id}" for record in starter()}
    with open_dump(DUMP) as dump:
        raw = ijson.items(dump.stream, "item", use_float=True)
        return {record["id"][-9:]: record for record in raw if record["id"] in wanted}


def test_it_is_large_enough_and_has_nothing_to_drop() -> None:
    assert 400 <= len(starter()) <= 500
    assert len({record.id for record in starter()}) == len(starter())
    assert [record.id for record in starter() if record.dropped_domains] == []


def test_all_are_active_and_hardly_any_is_a_company() -> None:
    assert {record.status for record in starter()} == {"active"}
    assert not [record.id for record in starter() if "company" in record.types]


def test_it_covers_the_world() -> None:
    countries = Counter(record.country for record in starter())
    assert len(countries) >= 190
    assert {COUNTRIES[country][0] for country in countries} == {"002", "009", "019", "142", "150"}
    assert min(countries[large] for large in ("BR", "CN", "EG", "ET", "ID", "IN", "NG", "RU")) >= 3


def test_every_offered_language_has_names_of_its_own() -> None:
    languages = Counter(language for record in starter() for language, _ in record.labels)
    assert min(languages[language] for language in OFFERED) >= 5
    assert len(languages) >= 50


def test_most_have_a_domain_and_all_but_a_few_a_place() -> None:
    assert sum(bool(record.domains) for record in starter()) > 0.95 * len(starter())
    assert all(record.city and record.latitude is not None for record in starter())


def test_one_record_a_line_so_that_changes_can_be_reviewed() -> None:
    first, *lines, last = starter_path().read_text(encoding="utf-8").splitlines()
    assert (first, last) == ("[", "]")
    assert [json.loads(line.rstrip(","))["id"][-9:] for line in lines] == [
        record.id for record in starter()
    ]


def test_nearly_every_record_stands_in_the_official_dump(official: dict[str, Any]) -> None:
    assert len(official) > 0.95 * len(starter())


def test_the_facts_are_those_of_the_official_dump(official: dict[str, Any]) -> None:
    """Names may be added in an institution's own language, and domains where ROR has none."""
    for record in starter():
        if record.id not in official:
            continue
        other = read_record(official[record.id])
        assert record.name == other.name
        assert set(other.names) <= set(record.names)
        assert set(other.labels) <= set(record.labels)
        assert set(other.domains) in (set(record.domains), set())
        facts = (
            "status",
            "types",
            "country",
            "subdivision",
            "city",
            "latitude",
            "longitude",
            "website",
        )
        for fact in (*facts, "established"):
            assert getattr(record, fact) == getattr(other, fact), (record.id, fact)
