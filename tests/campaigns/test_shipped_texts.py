"""The campaign texts that ship: complete in every language, and written in the script of each."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

CAMPAIGNS = Path(__file__).parents[2] / "translations" / "campaigns"
SLUGS = ("heart-of-science", "haikou-initiative")
LOCALES = ("en", "zh-Hans", "ar", "fr", "es", "ru", "pt", "hi", "ur", "sw")

TEXTS = {"title", "theme", "summary", "introduction", "pledge", "pledge_institution"}
COMMITMENTS = ("commitments", "commitments_institution")
SCRIPTS = {
    "ar": "ARABIC",
    "ur": "ARABIC",
    "zh-Hans": "CJK UNIFIED IDEOGRAPH",
    "hi": "DEVANAGARI",
    "ru": "CYRILLIC",
}
BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# What GLOSSARY.md rules out: marks and letters of another language, left behind by a hurried hand.
FOREIGN_MARKS = {
    "zh-Hans": r"[,:;?!()]|\.(?!\d)",
    "ar": r"[,;?]",
    "ur": r"[;?يكه]|[,.](?!\d)",
    "hi": r"\.",
    "fr": r"(?<!\u202f)[;!?]|(?<!\u00a0):|«(?!\u202f)|(?<!\u202f)»|'",
    "en": r"'",
}

each_text = pytest.mark.parametrize(("slug", "locale"), list(product(SLUGS, LOCALES)))


def read(slug: str, name: str) -> dict[str, Any]:
    return tomllib.loads((CAMPAIGNS / slug / f"{name}.toml").read_text(encoding="utf-8"))


def strings(slug: str, locale: str) -> Iterator[str]:
    for value in read(slug, locale).values():
        yield from value.values() if isinstance(value, dict) else (value,)


@pytest.mark.parametrize("slug", SLUGS)
def test_each_campaign_speaks_exactly_the_ten_languages(slug: str) -> None:
    found = {path.stem for path in (CAMPAIGNS / slug).glob("*.toml")}

    assert found == {"campaign", *LOCALES}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_campaign_is_named_after_its_folder(slug: str) -> None:
    assert read(slug, "campaign")["slug"] == slug


def test_campaigns_have_different_places_in_the_order() -> None:
    orders = [read(slug, "campaign")["order"] for slug in SLUGS]

    assert orders == [1, 2]


@pytest.mark.parametrize("slug", SLUGS)
def test_codes_are_kebab_case_and_never_shared_by_persons_and_institutions(slug: str) -> None:
    campaign = read(slug, "campaign")
    codes = [code for kind in COMMITMENTS for code in campaign[kind]]

    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


@each_text
def test_each_language_has_the_same_keys(slug: str, locale: str) -> None:
    assert set(read(slug, locale)) == TEXTS | set(COMMITMENTS)


@each_text
@pytest.mark.parametrize("kind", COMMITMENTS)
def test_each_language_words_every_commitment(slug: str, locale: str, kind: str) -> None:
    assert list(read(slug, locale)[kind]) == read(slug, "campaign")[kind]


@each_text
def test_no_text_is_empty_or_padded(slug: str, locale: str) -> None:
    bad = [text for text in strings(slug, locale) if not text or text != text.strip()]

    assert bad == []


@each_text
def test_commitments_of_one_campaign_differ(slug: str, locale: str) -> None:
    texts = read(slug, locale)
    words = [word for kind in COMMITMENTS for word in texts[kind].values()]

    assert len(set(words)) == len(words)


@each_text
def test_no_text_hides_a_direction_mark(slug: str, locale: str) -> None:
    assert [text for text in strings(slug, locale) if BIDI_CONTROLS.search(text)] == []


@each_text
def test_texts_are_in_normal_form(slug: str, locale: str) -> None:
    assert [t for t in strings(slug, locale) if not unicodedata.is_normalized("NFC", t)] == []


@each_text
def test_every_text_is_written_in_the_script_of_its_language(slug: str, locale: str) -> None:
    script = SCRIPTS.get(locale, "LATIN")

    foreign = [text for text in strings(slug, locale) if share_of(script, text) < 0.9]

    assert foreign == []


def share_of(script: str, text: str) -> float:
    letters = [unicodedata.name(character) for character in text if character.isalpha()]
    return sum(name.startswith(script) for name in letters) / len(letters)


@pytest.mark.parametrize(("slug", "locale"), list(product(SLUGS, FOREIGN_MARKS)))
def test_punctuation_is_that_of_the_language(slug: str, locale: str) -> None:
    marks = re.compile(FOREIGN_MARKS[locale])

    assert [text for text in strings(slug, locale) if marks.search(text)] == []


@each_text
def test_a_translation_is_not_the_english_text(slug: str, locale: str) -> None:
    english = set(strings(slug, "en"))

    assert locale == "en" or english.isdisjoint(strings(slug, locale))
