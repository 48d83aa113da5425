"""One record of a dump: what is kept of it, what is cleaned, and what makes it broken."""

from typing import Any

import pytest

from campaign.institutions.records import BrokenRecord, read_record, short_id
from tests.institutions.dumps import name, place, record, related, ror_id


def test_a_record_is_reduced_to_what_the_registry_keeps() -> None:
    found = read_record(
        record(
            7,
            names=[
                name("Universität Beispiel", "label", lang="de"),
                name("Example University", "ror_display", "label", lang="en"),
                name("EU", "acronym"),
                name("The Old School", "alias"),
            ],
            relationships=[related("parent", 8), related("successor", 9), related("related", 10)],
            links=[{"type": "website", "value": "https://www.uni.example.ac.ke/en/"}],
            domains=["Uni.Example.AC.KE"],
        )
    )
    assert (found.id, found.name, found.country, found.city) == (
        ror_id(7),
        "Example University",
        "KE",
        "Nairobi",
    )
    assert dict(found.labels) == {"de": "Universität Beispiel", "en": "Example University"}
    assert dict(found.names)["EU"] == "acronym"
    assert dict(found.names)["The Old School"] == "alias"
    assert (found.parents, found.successor_id) == ((ror_id(8),), ror_id(9))
    assert found.domains == ("uni.example.ac.ke",)
    assert found.website_host == "uni.example.ac.ke"


@pytest.mark.parametrize(
    ("id_", "short"),
    [
        ("https://ror.org/052gg0110", "052gg0110"),
        ("052gg0110", "052gg0110"),
        ("https://ror.org/052gg0111", None),
        ("x52gg0148", None),
        ("x52gg0149", "x52gg0149"),
        ("https://ror.org/x52gg0149", None),
        ("https://ror.org/052gg011", None),
        ("https://ror.org/052GG0110", None),
        ("https://ror.org/05ugg0110", None),
        ("http://example.org/052gg0110", None),
        ("", None),
        ("\x00", None),
    ],
)
def test_the_check_digits_of_an_id_are_checked(id_: str, short: str | None) -> None:
    assert short_id(id_) == short


@pytest.mark.parametrize(
    ("domain", "kept"),
    [
        ("ox.ac.uk", ("ox.ac.uk",)),
        ("Maths.OX.ac.uk.", ("maths.ox.ac.uk",)),
        ("universität.example.de", ("xn--universitt-y5a.example.de",)),
        ("edu.cn", ()),
        ("ac.uk", ()),
        ("yahoo.co.jp", ()),
        ("gmail.com", ()),
        ("ea.univeristy", ()),
        ("not a domain", ()),
        ("", ()),
    ],
)
def test_domains_that_are_anybodys_are_dropped_and_reported(
    domain: str, kept: tuple[str, ...]
) -> None:
    found = read_record(record(domains=[domain]))
    assert found.domains == kept
    assert found.dropped_domains == (() if kept else (domain,))


@pytest.mark.parametrize(
    ("website", "host"),
    [
        ("https://www.uonbi.ac.ke", "uonbi.ac.ke"),
        ("http://uonbi.ac.ke/en-us/", "uonbi.ac.ke"),
        ("http://www.uonbi.ac.ke/index.php/en/", "uonbi.ac.ke"),
        ("http://www.uonbi.ac.ke/index.php?slc_lang=en&sid=1", "uonbi.ac.ke"),
        ("http://www.uonbi.ac.ke/web/guest/home", "uonbi.ac.ke"),
        ("http://www.uonbi.ac.ke/#", "uonbi.ac.ke"),
        ("http://www.uonbi.ac.ke/unit.php?id=4", None),
        ("https://www.mpg.de/institutes/ornithology", None),
        ("https://www.facebook.com/example", None),
        ("https://example.blogspot.com/", "example.blogspot.com"),
        ("https://ac.ke/", None),
    ],
)
def test_a_website_shows_the_host_only_where_the_host_is_the_institutions_own(
    website: str, host: str | None
) -> None:
    found = read_record(record(links=[{"type": "website", "value": website}]))
    assert (found.website, found.website_host) == (website, host)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "ftp://x.ac.ke", "https://x\u202e.ke", 5]
)
def test_a_website_that_no_browser_should_open_is_left_out(address: object) -> None:
    assert read_record(record(links=[{"type": "website", "value": address}])).website is None


def test_names_lose_what_cannot_be_seen() -> None:
    dirty = "  جامعة\u202e\x00 المنوفية\u200e\n"
    found = read_record(record(names=[name(dirty, "ror_display", "label", lang="ar")]))
    assert found.name == dict(found.labels)["ar"] == "جامعة المنوفية"


def test_the_displayed_label_wins_over_another_of_its_language() -> None:
    names = [name("First", lang="en"), name("Shown", "label", "ror_display", lang="en")]
    assert dict(read_record(record(names=names)).labels) == {"en": "Shown"}


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({"id": None}, "it has no id"),
        ({"id": "https://ror.org/052gg0111"}, "is not a ROR id"),
        ({"id": "x52gg0149"}, "is not a ROR id"),
        ({"id": 52}, "is not a ROR id"),
        ({"status": "closed"}, "is not a status"),
        ({"status": ["active"]}, "is not a status"),
        ({"types": "education"}, "types is not a list"),
        ({"types": [1]}, "types has something that is not a text"),
        ({"names": None}, "it has no name to display"),
        ({"names": [name("Label only")]}, "it has no name to display"),
        ({"names": [name("\u200b\x01", "ror_display")]}, "a name is empty"),
        ({"names": [name("x" * 401, "ror_display")]}, "more than 400 characters"),
        ({"names": [{"value": 5, "types": ["ror_display"]}]}, "a name is not a text"),
        ({"names": [name("Same", "ror_display")] * 201}, "more than 200 names"),
        ({"names": ["Example"]}, "names has something that is not an object"),
        ({"locations": []}, "it has no location"),
        ({"locations": [{"geonames_id": 1}]}, "no geonames_details"),
        ({"locations": [place(country_code="XX")]}, "is not the code of a country"),
        ({"locations": [place(country_code=None)]}, "is not the code of a country"),
        ({"locations": [place(lat=91)]}, "lat is not a number between -90 and 90"),
        ({"locations": [place(lng="36.8")]}, "lng is not a number between -180 and 180"),
        ({"locations": [place(lat=float("nan"))]}, "lat is not a number"),
        ({"locations": [place(name=["Nairobi"])]}, "name is not a text"),
        ({"established": "1970"}, "is not the year of an establishment"),
        ({"established": True}, "is not the year of an establishment"),
        ({"established": 99999}, "is not the year of an establishment"),
        ({"domains": [None]}, "domains has something that is not a text"),
        ({"links": {"type": "website"}}, "links is not a list"),
        ({"relationships": [1]}, "relationships has something that is not an object"),
    ],
)
def test_a_broken_record_says_what_is_wrong(different: dict[str, Any], reason: str) -> None:
    with pytest.raises(BrokenRecord, match=reason):
        read_record(record(**different))


@pytest.mark.parametrize("raw", [None, 5, "text", [], [{}]])
def test_what_is_no_object_is_broken(raw: object) -> None:
    with pytest.raises(BrokenRecord, match="it is not an object"):
        read_record(raw)


def test_keys_that_are_not_needed_may_be_missing() -> None:
    needed = record()
    for key in ("domains", "links", "relationships", "established"):
        del needed[key]
    assert read_record(needed).website is None
