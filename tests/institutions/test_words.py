"""The telling words of names, the same for all spellings of a name."""

import pytest

from campaign.institutions.words import begins_filler, begun_forms, key_of, telling_words


@pytest.mark.parametrize(
    ("written", "words"),
    [("University of Tokyo", 2), ("Université de la Réunion", 2), ("of the", 0), ("北京大学", 3)],
)
def test_words_that_tell_a_name_from_others_are_counted(written: str, words: int) -> None:
    assert len(telling_words(f"{written} MIT")) == words + 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The University of Michigan", "Univ. Michigan"),
        ("Texas A&M University", "Texas A and M University"),
        ("Oxford University", "University of Oxford"),
        ("King's College London", "King s College London"),
        ("King’s College, London", "Kings College London"),
        ("St Petersburg State University", "Saint Petersburg State Univ"),
        ("St. Gallen", "Sankt Gallen"),
        ("имени М. В. Ломоносова", "им. М.В.Ломоносова"),
        ("Paris XII", "Paris 12"),
        ("TU Graz", "Technische Universität Graz"),
        ("IIT Chennai", "Indian Institute of Technology Madras"),
        ("U of Michigan", "Universität Michigan"),
        ("Universität Zürich", "University of Zuerich"),
        ("Århus", "Aarhus"),
        ("Universidade Técnica de Lisboa", "Technical University of Lisbon"),
        ("Urbana-Champaign", "Urbana Champaign"),
        ("جامعة الملك سعود", "ملك سعود جامعه"),
        ("國立臺灣大學", "国立台湾大学"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert key_of(telling_words(one)) == key_of(telling_words(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Michigan State University", "University of Michigan"),
        ("Paris X", "Paris XI"),
        ("Kochi University", "Kochi University of Technology"),
        ("San Francisco", "Saint Francis"),
    ],
)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert key_of(telling_words(one)) != key_of(telling_words(other))


def test_little_words_stay_where_there_are_no_others() -> None:
    assert telling_words("of the") == ["of", "the"]


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("universid", "university"),
        ("univ", "university"),
        ("nac", "national"),
        ("tek", "technology"),
    ],
)
def test_an_unfinished_word_may_begin_one_of_many_forms(typed: str, form: str) -> None:
    assert 0.5 < begun_forms(typed)[form] <= 1


def test_what_one_search_adds_to_begun_forms_no_other_sees() -> None:
    begun_forms("nac")["stranger"] = 1.0
    assert "stranger" not in begun_forms("nac")


@pytest.mark.parametrize("typed", ["oxfor", "u"])
def test_a_word_or_a_letter_that_may_go_on_as_anything_begins_no_form(typed: str) -> None:
    assert not begun_forms(typed)


@pytest.mark.parametrize(
    ("typed", "expected"), [("th", True), ("o", True), ("v", False), ("tu", False)]
)
def test_a_little_word_may_be_begun(typed: str, expected: bool) -> None:
    assert begins_filler(typed) is expected


def test_a_short_word_is_no_acronym_if_others_follow() -> None:
    assert telling_words("St", go_on=True) == ["saint"]
    assert telling_words("the", go_on=True) == []
