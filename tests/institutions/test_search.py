"""Finding institutions while typing, in the starter registry and a few records beside it."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from campaign.institutions.models import Institution
from campaign.institutions.operations import import_dump
from campaign.institutions.queries import search
from campaign.institutions.spelling import mistakes
from tests.institutions.dumps import name, place, record, related, ror_id, write_json


@pytest.fixture
def registry(tmp_path: Path, session: Session) -> Any:
    return lambda *records: import_dump(write_json(tmp_path / "dump.json", records))


def named(*names: dict[str, Any], **different: Any) -> dict[str, Any]:
    return {"names": list(names)} | different


def shown(value: str) -> dict[str, Any]:
    return name(value, "ror_display", "label")


def found(typed: str, country: str | None = None) -> list[str]:
    return [match.id for match in search(typed, locale="en", country=country)]


def names_found(typed: str, country: str | None = None) -> list[str]:
    return [match.name for match in search(typed, locale="en", country=country)]


OXFORD, TOKYO, ZURICH, PEKING = "052gg0110", "057zh3y96", "02crff812", "02v51f717"
KING_SAUD, DELHI, MAHIDOL, SEOUL = "02f81g417", "04gzb2213", "01znkr924", "04h9pn542"
MOSCOW, CHARLES, DHAKA, ATHENS = "010pmpe69", "024d6js02", "05wv2vq37", "04gnjpq42"
YEREVAN, HEBREW, TAIWAN, KARACHI = "00s8vne50", "03qxff017", "05bqach95", "05bbbc791"
SAO_PAULO, DAR_ES_SALAAM, ADDIS, COLOMBO = "036rp1748", "0479aed98", "038b8e254", "02phn5242"


@pytest.mark.parametrize(
    ("typed", "institution"),
    [
        ("University of Oxford", OXFORD),
        ("UNIVERSITY OF OXFORD", OXFORD),
        ("oxford university", OXFORD),
        ("oxfo", OXFORD),
        ("universidade de sao paulo", SAO_PAULO),
        ("São Pau", SAO_PAULO),
        ("tokyo university", TOKYO),
        ("東京大", TOKYO),
        ("东京大学", TOKYO),
        ("Zürich", ZURICH),
        ("zurich univ", ZURICH),
        ("Zuerich", ZURICH),
        ("北京", PEKING),
        ("北京大学", PEKING),
        ("臺灣大學", TAIWAN),
        ("台湾大学", TAIWAN),
        ("جامعة الملك سعود", KING_SAUD),
        ("جامعه الملك سعود", KING_SAUD),
        ("الملك سع", KING_SAUD),
        ("ملك سعود", KING_SAUD),
        ("جَامِعَةُ المَلِكِ سُعُود", KING_SAUD),
        ("جامعہ کراچی", KARACHI),
        ("दिल्ली", DELHI),
        ("มหิดล", MAHIDOL),
        ("มห", MAHIDOL),
        ("서울대", SEOUL),
        ("МОСКОВСКИЙ государственный", MOSCOW),
        ("karlova", CHARLES),
        ("ঢাকা", DHAKA),
        ("καποδιστριακο", ATHENS),
        ("Երևանի", YEREVAN),
        ("האוניברסיטה העברית", HEBREW),
        ("chuo kikuu dar", DAR_ES_SALAAM),
        ("አዲስ አበባ", ADDIS),
        ("கொழும்பு", COLOMBO),
    ],
)
def test_a_name_is_found_in_any_script_and_spelling(
    session: Session, typed: str, institution: str
) -> None:
    assert institution in found(typed)[:5]


@pytest.mark.parametrize(
    ("typed", "institution"),
    [
        ("univeristy of oxfrod", OXFORD),
        ("Oxfrod", OXFORD),
        ("Moskovskij Lomonossov", MOSCOW),
        ("charls university", CHARLES),
        ("universty of tokio", TOKYO),
        ("zurihc", ZURICH),
        ("Московскй государственый университет", MOSCOW),
        ("جامعة الملك سعوود", KING_SAUD),
        ("दिल्लि विश्वविद्यालय", DELHI),
        ("東就大学", TOKYO),
        ("oxford university england", OXFORD),
    ],
)
def test_a_typo_or_two_and_a_word_too_many_are_forgiven(
    session: Session, typed: str, institution: str
) -> None:
    assert institution in found(typed)[:5]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        ".",
        "'",
        "\\",
        ")(&|!:*<->",
        "\x00",
        "\ud800",
        "\u202e",
        "%_%",
        "zqxjkvbp",
        "ㅤ",
        "🙂" * 50,
    ],
)
def test_what_is_no_name_finds_nothing_and_breaks_nothing(session: Session, typed: str) -> None:
    assert found(typed) == []


@pytest.mark.parametrize(
    "typed", ["university " * 100, "大" * 500, "a b c d e f g h i j k l m n o p", "o'x:*&'y'", "u"]
)
def test_any_text_may_be_typed(session: Session, typed: str) -> None:
    assert len(found(typed)) <= 10


@pytest.mark.parametrize("country", ["", "XX", "'", "us", "\x00"])
def test_a_country_that_is_none_is_no_harm(session: Session, country: str) -> None:
    assert found("oxford", country)[0] == OXFORD


def test_exact_acronym_comes_before_longer_ones_and_names(registry: Any) -> None:
    registry(
        record(1, **named(shown("Qggx University"), name("QGGXU", "acronym"))),
        record(2, **named(shown("Another Place"), name("QGGX", "acronym"))),
    )
    assert found("qggx")[:2] == [ror_id(2), ror_id(1)]


def test_the_readers_country_comes_first(registry: Any) -> None:
    registry(
        record(1, **named(shown("Quagga University of Science"))),
        record(
            2, **named(shown("Quagga University of Science"), locations=[place(country_code="FR")])
        ),
    )
    assert found("quagga", "KE")[0] == ror_id(1)
    assert found("quagga", "FR")[0] == ror_id(2)


def test_an_exact_name_elsewhere_comes_before_a_longer_one_at_home(registry: Any) -> None:
    registry(
        record(1, **named(shown("Quagga University Hospital"))),
        record(2, **named(shown("Quagga University"), locations=[place(country_code="FR")])),
    )
    assert found("quagga university", "KE")[:2] == [ror_id(2), ror_id(1)]


def test_schools_come_before_companies_and_the_living_before_the_closed(registry: Any) -> None:
    registry(
        record(1, **named(shown("Quagga East"), types=["company"])),
        record(2, **named(shown("Quagga West"), types=["education"], status="inactive")),
        record(3, **named(shown("Quagga Nord"), types=["education"])),
        record(4, **named(shown("Quagga Sued"), types=["facility"])),
    )
    assert found("quagga") == [ror_id(3), ror_id(4), ror_id(1), ror_id(2)]


def test_a_withdrawn_record_is_not_shown_but_leads_to_its_successor(registry: Any) -> None:
    registry(
        record(1, **named(shown("Quagga College")), status="withdrawn")
        | {"relationships": [related("successor", 2)]},
        record(2, **named(shown("Zebra University"))),
        record(3, **named(shown("Quagga Ghost School")), status="withdrawn"),
    )
    assert names_found("quagga") == ["Zebra University"]


def test_an_institution_with_many_fitting_names_is_shown_once(registry: Any) -> None:
    registry(
        record(1, **named(shown("Quagga"), name("Quagga A", "alias"), name("QUAGGA", "acronym")))
    )
    assert found("quagga") == [ror_id(1)]


def test_no_more_are_shown_than_asked_for(session: Session) -> None:
    assert len(search("university", locale="en", limit=3)) == 3


def test_a_search_leaves_the_planner_as_it_was(session: Session) -> None:
    search("oxford", locale="en")
    assert session.scalar(text("SHOW enable_seqscan")) == "on"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("dar es s", "University of Dar es Salaam"),
        ("Osh St", "Osh State University"),
        ("Universiti Tek", "Universiti Teknologi Brunei"),
        ("Universidad Nac", "Universidad Nacional de Colombia"),
        ("Université de Th", "Université de Thiès"),
        ("African Institute fo", "African Institute for Mathematical Sciences"),
        ("Universidad Centr", "Universidad Centroamericana José Simeón Cañas"),
        ("Indian Institute of Technology Bo", "Indian Institute of Technology Bombay"),
        ("University of Mad", "University of Madras"),
        ("Universidad de Bue", "Universidad de Buenos Aires"),
        ("RWTH Aac", "RWTH Aachen University"),
        ("St. Geo", "St. George's University"),
        ("Royal University of Agriculture, Cam", "Royal University of Agriculture, Cambodia"),
    ],
)
def test_an_unfinished_word_is_not_taken_for_what_it_would_be_short_for(
    session: Session, typed: str, name: str
) -> None:
    id_, country = session.execute(
        select(Institution.id, Institution.country).where(Institution.name == name)
    ).one()
    assert id_ in found(typed, country)


@pytest.mark.parametrize("typed", ["No", "Il", "im", "The"])
def test_a_little_word_alone_is_no_error(session: Session, typed: str) -> None:
    assert isinstance(found(typed), list)


@pytest.mark.parametrize(
    ("name", "typed", "is_found"),
    [
        ("Quaggan University", "Quaggam University", False),
        ("Quaggan University", "Quagggan University", True),
        ("Quaggan University of Kudu Land", "Quaggam University of Kudu Land", True),
        ("Quagga University of Science", "Quagga University of Medicine", False),
        ("Quagga University", "Quagga University of Science", False),
        ("Quagga University", "Department of Science, Quagga University", True),
        ("Quagga", "Kudu Research Hospital Quagga", False),
    ],
)
def test_a_neighbour_is_no_match(registry: Any, name: str, typed: str, is_found: bool) -> None:
    registry(record(1, **named(shown(name))))
    assert found(typed) == [ror_id(1)] * is_found


def test_an_acronym_with_another_letter_is_another(registry: Any) -> None:
    registry(record(1, **named(shown("Quagga University"), name("QGGXU", "acronym"))))
    assert found("qggxu") == [ror_id(1)]
    assert found("qggyu") == []


@pytest.mark.parametrize(
    ("typed", "known", "unfinished", "expected"),
    [
        ("oxford", "oxford", False, 0),
        ("oxfrod", "oxford", False, 1),
        ("oxfrd", "oxford", False, 1),
        ("oxfford", "oxford", False, 1),
        ("oxfird", "oxford", False, 1),
        ("cambrig", "cambridge", False, 2),
        ("cambrig", "cambridge", True, 1),
        ("", "abc", False, 3),
        ("abc", "", True, 3),
    ],
)
def test_mistakes_are_counted(typed: str, known: str, unfinished: bool, expected: int) -> None:
    assert mistakes(typed, known, unfinished=unfinished) == expected
