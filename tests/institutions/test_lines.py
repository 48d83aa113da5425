"""One line of a list: what it may mean, and why some lines cannot be read."""

import pytest

from campaign.institutions.matching import MOST_MATCHES, BrokenLine, match
from campaign.institutions.search import LONGEST_QUERY
from tests.factories import institution

pytestmark = pytest.mark.usefixtures("session")


def test_a_line_is_matched_with_how_sure_it_is_and_the_name_that_fits() -> None:
    first = match("University of Nairobi", locale="en")[0]
    assert (first.id, first.score) == ("02y9nww90", 1.0)
    assert first.matched_name == "University of Nairobi"


def test_a_line_has_few_matches() -> None:
    assert 0 < len(match("university", locale="en")) <= MOST_MATCHES
    assert len(match("university", locale="en", limit=1)) == 1


@pytest.mark.parametrize("country", ["KE", "ke", " ke ", "", None])
def test_a_country_may_be_typed_in_any_case_or_missing(country: str | None) -> None:
    assert match("University of Nairobi", locale="en", country=country)[0].id == "02y9nww90"


def test_invisible_characters_do_not_hide_a_name() -> None:
    assert match("Univ\u00adersity\u200b of\0 Nairobi\ud800", locale="en")[0].id == "02y9nww90"


@pytest.mark.parametrize(
    ("line", "country", "reason"),
    [
        ("", None, "The line is empty."),
        (" \0\u200b\n", None, "The line is empty."),
        ("x" * (LONGEST_QUERY + 1), None, "The line is longer than 1,000 characters."),
        ("Nairobi", "XX", "The country is not one of ISO 3166-1 (alpha-2)."),
        ("Nairobi", "ß", "The country is not one of ISO 3166-1 (alpha-2)."),
        ("Nairobi", "Kenya\0", "The country is not one of ISO 3166-1 (alpha-2)."),
    ],
)
def test_a_broken_line_says_why(line: str, country: str | None, reason: str) -> None:
    with pytest.raises(BrokenLine) as error:
        match(line, locale="en", country=country)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    "line", ["%", "_ & | ! <-> :*", "'; DROP TABLE pledges; --", "🎓" * 500, "a", "é" * 1000]
)
def test_any_other_line_is_answered(line: str) -> None:
    institution()
    assert len(match(line, locale="ar")) <= MOST_MATCHES
