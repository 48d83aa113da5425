"""The registry at its real size: 51,370 real records, where common words are common."""

import json
from collections.abc import Iterator
from pathlib import Path

import ijson
import pytest
from flask import Flask
from sqlalchemy import func, select

from campaign.db import db
from campaign.institutions.models import Institution, InstitutionName, Status
from campaign.institutions.operations import ImportSummary, import_dump
from campaign.institutions.queries import propose_by_domain, search
from campaign.institutions.ror import open_dump
from tests.conftest import SHARED

DUMP = SHARED / "data" / "ror-data-subset.zip"
RECORDS = 51_370


@pytest.fixture(scope="module")
def imported(app: Flask) -> Iterator[ImportSummary]:
    """The whole dump on top of the starter, taken back after the last test here."""
    if not DUMP.exists():
        pytest.skip("the dump in ../shared/data is not there")
    with app.app_context():
        yield import_dump(DUMP)
        db.session.rollback()


def found(typed: str, country: str | None = None, locale: str = "en") -> list[str]:
    return [match.name for match in search(typed, locale=locale, country=country)]


def test_every_record_goes_in(imported: ImportSummary) -> None:
    assert imported.added + imported.changed + imported.unchanged == RECORDS
    assert imported.refused == []
    assert db.session.scalar(select(func.count(Institution.id))) >= RECORDS


def test_importing_again_changes_nothing(imported: ImportSummary, tmp_path: Path) -> None:
    """A sample, since all of them would take as long as the import."""
    with open_dump(DUMP) as dump:
        records = ijson.items(dump.stream, "item", use_float=True)
        sample = [record for position, record in enumerate(records) if position % 20 == 0]
    path = tmp_path / "sample.json"
    path.write_text(json.dumps(sample), encoding="utf-8")
    again = import_dump(path)
    assert (again.added, again.changed, again.unchanged) == (0, 0, len(sample))


def test_domains_that_are_anybodys_were_dropped(imported: ImportSummary) -> None:
    dropped = {domain for _, domain in imported.dropped_domains}
    assert {"edu.cn", "ac.id", "gov.uk", "yahoo.co.jp", "ea.univeristy"} <= dropped
    assert propose_by_domain("somebody.edu.cn", locale="en") == []


def test_withdrawn_institutions_lead_to_successors_in_the_dump(imported: ImportSummary) -> None:
    withdrawn = select(Institution).where(Institution.status == Status.WITHDRAWN)
    with_successor = db.session.scalars(
        withdrawn.where(Institution.successor_id.is_not(None))
    ).all()
    assert len(with_successor) > 1000


@pytest.mark.parametrize(
    ("typed", "country", "expected"),
    [
        ("mit", None, "Massachusetts Institute of Technology"),
        ("unam", None, "National Autonomous University of Mexico"),
        ("unam", "NA", "University of Namibia"),
        ("cnrs", None, "French National Centre for Scientific Research"),
        ("usp", "FJ", "University of the South Pacific"),
        ("eth", None, "ETH Zurich"),
        ("oxford", None, "University of Oxford"),
        ("oxford university", None, "University of Oxford"),
        ("harvard", "CN", "Harvard University"),
        ("geneva", "CH", "University of Geneva"),
        ("tokyo university", None, "The University of Tokyo"),
        ("univeristy of oxfrod", None, "University of Oxford"),
        ("standford", None, "Stanford University"),
        ("massachusets instit", None, "Massachusetts Institute of Technology"),
        ("technische universitaet muenchen", None, "Technical University of Munich"),
        ("ludwig maximilians", None, "Ludwig-Maximilians-Universität München"),
        ("clausthal technical", None, "Clausthal University of Technology"),
        ("北京", None, "Peking University"),
        ("清华", "US", "Tsinghua University"),
        ("海南", "CN", "Hainan University"),
        ("东京大学", "CN", "The University of Tokyo"),
        ("京都大", None, "Kyoto University"),
        ("국립서울대", None, "Seoul National University"),
        ("서울대", None, "Seoul National University"),
        ("มหิดล", None, "Mahidol University"),
        ("الملك سعود", None, "King Saud University"),
        ("ملک سعود", None, "King Saud University"),
        ("ломоносова", None, "Lomonosov Moscow State University"),
        ("दिल्ली विश्व", None, "University of Delhi"),
        ("कोलकाता", None, "University of Calcutta"),
        ("ঢাকা বিশ্ব", "BD", "University of Dhaka"),
        ("αριστοτελειο", None, "Aristotle University of Thessaloniki"),
        ("העברית", None, "Hebrew University of Jerusalem"),
    ],
)
def test_what_people_mean_is_near_the_top(
    imported: ImportSummary, typed: str, country: str | None, expected: str
) -> None:
    assert expected in found(typed, country)[:3]


@pytest.mark.parametrize("country", ["CN", "FR", "IN", "KE", "US"])
def test_a_common_word_shows_institutions_of_the_readers_country(
    imported: ImportSummary, country: str
) -> None:
    matches = search("universit", locale="en", country=country)
    assert {match.country for match in matches} == {country}


def test_names_are_shown_in_the_readers_language(imported: ImportSummary) -> None:
    assert found("peking", locale="zh-Hans")[0] == "北京大学"
    assert found("makerere", locale="sw")[0] == "Chuo Kikuu cha Makerere"


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("maths.ox.ac.uk", "University of Oxford"),
        ("student.ethz.ch", "ETH Zurich"),
        ("orn.mpg.de", "Max Planck Society"),
        ("cnrs.fr", "French National Centre for Scientific Research"),
    ],
)
def test_an_address_proposes_the_most_general_of_those_that_share_its_host(
    imported: ImportSummary, domain: str, expected: str
) -> None:
    proposals = [match.name for match in propose_by_domain(domain, locale="en")]
    assert expected in proposals


def test_no_name_is_lost_to_folding(imported: ImportSummary) -> None:
    nothing_left = select(func.count()).where(InstitutionName.folded == "")
    assert db.session.scalar(nothing_left) == 0
