"""Languages: who gets which, what stands in when one is missing, and that each really loads."""

import pytest
from babel.messages.pofile import read_po
from flask_babel import gettext, lazy_gettext

from campaign import i18n
from campaign.i18n import fallback_chain, in_language, negotiate
from campaign.paths import TRANSLATIONS

OFFERED = ("en", "ar", "es", "fr", "hi", "pt", "ru", "sw", "ur", "zh-Hans")


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("en", "en"), ("en-GB", "en"), ("EN-us", "en"), ("fr-CA", "fr"), ("pt-MZ", "pt"), ("pt-BR", "pt"),
        ("zh", "zh-Hans"), ("zh-CN", "zh-Hans"), ("zh-SG", "zh-Hans"), ("zh-Hans", "zh-Hans"),
        ("zh-Hans-HK", "zh-Hans"),
        ("zh-TW", "en"), ("zh-HK", "en"), ("zh-MO", "en"), ("zh-Hant", "en"), ("zh-Hant-CN", "en"),
        ("ur", "ur"), ("ur-PK", "ur"), ("ur-IN", "ur"), ("ar-EG", "ar"), ("hi-IN", "hi"), ("hi-Latn", "en"),
        ("sw-KE", "sw"), ("sw-CD", "sw"), ("ru-KZ", "ru"), ("es-419", "es"), ("sr", "en"), ("ja", "en"),
        ("*", "en"), ("", "en"), ("xx", "en"), ("-", "en"), ("en_", "en"), ("a" * 5000, "en"), ("zh-\x00", "en"),
        ("../../etc", "en"), ("屠", "en"), ("i-klingon", "en"), ("x-private", "en"),
    ],
)  # fmt: skip
def test_a_browser_gets_a_language_its_reader_can_read(asked, given):
    assert negotiate([asked]) == given


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (["zh-TW", "fr"], "fr"), (["zh-TW", "zh", "fr"], "zh-Hans"), (["ja", "*", "sw"], "sw"),
        (["sr", "ru"], "ru"), (["de", "xx"], "en"), ([], "en"), (["pt-MZ", "en"], "pt"),
    ],
)  # fmt: skip
def test_the_first_language_that_can_be_had_wins(asked, given):
    assert negotiate(asked) == given


@pytest.mark.parametrize(
    ("tag", "chain"),
    [
        ("en", ["en"]), ("en-GB", ["en"]), ("fr", ["fr", "en"]), ("pt-MZ", ["pt", "en"]),
        ("zh-SG", ["zh-Hans", "en"]),
        ("zh-Hans", ["zh-Hans", "en"]), ("zh-TW", ["en"]), ("ur-PK", ["ur", "en"]), ("xx", ["en"]), ("", ["en"]),
    ],
)  # fmt: skip
def test_what_stands_in_for_a_missing_text(tag, chain):
    assert list(fallback_chain(tag)) == chain


def test_strange_tags_do_not_fill_the_memory():
    for number in range(3000):
        negotiate([f"x{number}"])

    assert i18n.likely_script.cache_info().currsize <= 1000


def test_ten_languages_are_offered():
    assert i18n.offered() == OFFERED
    assert not i18n.is_offered("EN")
    assert not i18n.is_offered("zh_Hans")


@pytest.mark.parametrize("tag", [tag for tag in OFFERED if tag != "en"])
def test_every_offered_language_loads_its_catalogue(tag):
    """A missing one would be silently English."""
    with (TRANSLATIONS / tag.replace("-", "_") / "LC_MESSAGES/messages.po").open("rb") as source:
        written = read_po(source)["Page not found"].string

    with in_language(tag):
        assert gettext("Page not found") == written != "Page not found"


def test_languages_nest_and_the_one_before_comes_back():
    spoken = []
    with in_language("fr"):
        spoken.append((i18n.current(), gettext("Page not found")))
        with in_language("zh-Hans"):
            spoken.append((i18n.current(), gettext("Page not found")))
        spoken.append((i18n.current(), gettext("Page not found")))

    assert spoken[0] == spoken[2] != spoken[1]
    assert (i18n.current(), gettext("Page not found")) == ("en", "Page not found")


def test_the_language_before_comes_back_after_an_error():
    with pytest.raises(ZeroDivisionError), in_language("fr"):
        1 / 0  # noqa: B018

    assert (i18n.current(), gettext("Page not found")) == ("en", "Page not found")


def test_lazy_words_wait_for_their_reader():
    words = lazy_gettext("Page not found")

    with in_language("fr"):
        french = str(words)

    assert french != str(words) == "Page not found"


def test_a_letter_in_a_request_does_not_change_the_language_of_the_page(app):
    with app.test_request_context("/"), in_language("ar"):
        with in_language("ru"):
            gettext("Page not found")

        assert gettext("Page not found") == _in("ar", "Page not found")


def _in(tag, words):
    with in_language(tag):
        return gettext(words)


@pytest.mark.parametrize(
    ("tag", "number"),
    [
        ("en", "1,234,567.5"),
        ("fr", "1\u202f234\u202f567,5"),
        ("es", "1.234.567,5"),
        ("hi", "12,34,567.5"),
    ],
)
def test_numbers_are_written_as_the_reader_writes_them(tag, number):
    with in_language(tag):
        assert i18n.format_number(1234567.5) == number


@pytest.mark.parametrize("tag", OFFERED)
def test_every_language_has_a_direction_and_a_name_of_its_own(tag):
    assert i18n.direction(tag) == ("rtl" if tag in {"ar", "ur"} else "ltr")
    assert i18n.autonym(tag) != tag
