"""Reading the registry by id and by e-mail domain, and showing names."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaign.institutions.operations import import_dump
from campaign.institutions.queries import (
    get,
    has_domain,
    name_in,
    propose_by_domain,
    resolve,
    search,
)
from tests.factories import institution
from tests.institutions.dumps import name, record, related, ror_id, write_json

OXFORD = "052gg0110"


@pytest.fixture
def registry(tmp_path: Path, session: Session) -> Any:
    """Imports records on top of the starter registry."""
    return lambda *records: import_dump(write_json(tmp_path / "dump.json", records))


def proposed(domain: str) -> list[str]:
    return [match.id for match in propose_by_domain(domain, locale="en")]


@pytest.mark.parametrize("id_", [OXFORD, f"https://ror.org/{OXFORD}"])
def test_an_institution_is_found_by_its_id(session: Session, id_: str) -> None:
    found = get(id_)
    assert found is not None
    assert found.name == "University of Oxford"


@pytest.mark.parametrize("id_", ["", "052gg0111", "x" * 10_000, "\x00", "'; --", "0zzzzzz98"])
def test_nothing_is_found_by_what_is_no_id(session: Session, id_: str) -> None:
    assert get(id_) is None
    assert resolve(id_) is None


def test_a_withdrawn_record_leads_to_the_last_of_its_successors(registry: Any) -> None:
    registry(
        record(1, status="withdrawn", relationships=[related("successor", 2)]),
        record(2, status="inactive", relationships=[related("successor", 3)]),
        record(3),
    )
    found = resolve(ror_id(1))
    assert found is not None
    assert found.id == ror_id(3)


def test_a_successor_that_is_not_in_the_registry_ends_the_chain(registry: Any) -> None:
    registry(record(1, status="withdrawn", relationships=[related("successor", 99)]))
    found = resolve(ror_id(1))
    assert found is not None
    assert found.id == ror_id(1)


def test_a_successor_may_come_with_a_later_dump(registry: Any) -> None:
    registry(record(1, status="withdrawn", relationships=[related("successor", 2)]))
    registry(record(2))
    found = resolve(ror_id(1))
    assert found is not None
    assert found.id == ror_id(2)


def test_a_circle_of_successors_comes_to_an_end(registry: Any) -> None:
    registry(
        record(1, status="withdrawn", relationships=[related("successor", 2)]),
        record(2, status="inactive", relationships=[related("successor", 1)]),
    )
    found = resolve(ror_id(1))
    assert found is not None
    assert found.id in {ror_id(1), ror_id(2)}


def test_an_active_institution_stands_for_itself_whatever_follows_it(registry: Any) -> None:
    registry(record(1, relationships=[related("successor", 2)]), record(2))
    found = resolve(ror_id(1))
    assert found is not None
    assert found.id == ror_id(1)


@pytest.mark.parametrize("domain", ["ox.ac.uk", "OX.AC.UK.", "maths.ox.ac.uk", "a.b.ox.ac.uk"])
def test_a_domain_or_one_below_it_proposes_the_institution(session: Session, domain: str) -> None:
    assert proposed(domain) == [OXFORD]


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "ac.uk",
        "uk",
        "edu.cn",
        "yahoo.co.jp",
        "gmail.com",
        "notox.ac.uk",
        "x..y",
        "\x00",
        "ä" * 300,
    ],
)
def test_a_domain_that_is_nobodys_proposes_nothing(session: Session, domain: str) -> None:
    assert proposed(domain) == []


def test_a_public_suffix_in_a_record_catches_nobody(registry: Any) -> None:
    registry(record(1, domains=["edu.cn", "yahoo.co.jp"]))
    assert proposed("somebody-else.edu.cn") == []
    assert proposed("yahoo.co.jp") == []


def test_the_nearest_host_comes_first_then_the_one_that_others_belong_to(registry: Any) -> None:
    registry(
        record(1, domains=["shared.example.ke"], relationships=[related("parent", 2)]),
        record(2, domains=["shared.example.ke"]),
        record(3, domains=["unit.shared.example.ke"]),
    )
    assert proposed("unit.shared.example.ke") == [ror_id(3), ror_id(2), ror_id(1)]


def test_a_website_of_its_own_proposes_too_but_after_domains(registry: Any) -> None:
    website = {"type": "website", "value": "https://www.own.example.ke/"}
    page = {"type": "website", "value": "https://www.own.example.ke/people"}
    registry(
        record(1, links=[website]), record(2, links=[page]), record(3, domains=["own.example.ke"])
    )
    assert proposed("own.example.ke") == [ror_id(3), ror_id(1)]


def test_a_closed_institution_proposes_its_successor(registry: Any) -> None:
    closed = record(1, status="inactive", domains=["closed.example.ke"])
    registry(closed | {"relationships": [related("successor", 2)]}, record(2))
    assert proposed("closed.example.ke") == [ror_id(2)]


def test_no_more_than_five_are_proposed(registry: Any) -> None:
    registry(*(record(number, domains=["crowd.example.ke"]) for number in range(8)))
    assert len(proposed("crowd.example.ke")) == 5


@pytest.mark.parametrize(
    ("domain", "official"),
    [
        ("uni.ac.ke", True),
        ("Mail.UNI.ac.ke", True),
        ("notuni.ac.ke", False),
        ("ac.ke", False),
        ("uni.ac.ke.evil.com", False),
        ("xn--", False),
        ("", False),
    ],
)
def test_mail_is_official_from_its_domain_and_below(
    session: Session, domain: str, official: bool
) -> None:
    assert has_domain(institution(domains=["uni.ac.ke"]), domain) is official


def test_a_website_alone_makes_no_mail_official(session: Session) -> None:
    assert not has_domain(institution(domains=[], website_host="uni.ac.ke"), "uni.ac.ke")


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("zh-Hans", "北京大学"),
        ("en", "Peking University"),
        ("en-GB", "Peking University"),
        ("fr", "Universitas Pekinensis"),
    ],
)
def test_a_name_is_shown_in_the_readers_language_or_as_ror_shows_it(
    session: Session, locale: str, shown: str
) -> None:
    labels = {"zh": "北京大学", "en": "Peking University"}
    found = institution(name="Universitas Pekinensis", labels=labels)
    assert name_in(found, locale) == shown


def test_a_match_has_both_names_place_and_the_acronym_typed(registry: Any) -> None:
    names = [
        name("Quagga Institute", "ror_display", "label", lang="en"),
        name("معهد كواغا", "label", lang="ar"),
        name("QGGX", "acronym"),
    ]
    registry(record(1, names=names))
    [match] = search("qggx", locale="ar")
    assert (match.name, match.other_name) == ("معهد كواغا", "Quagga Institute")
    assert (match.city, match.country, match.acronym) == ("Nairobi", "KE", "QGGX")
