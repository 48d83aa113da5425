"""Typed text: what is removed without a word, what must survive, what is refused."""

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaign.text import (
    MAX_MARKS,
    Empty,
    TooLong,
    clean_line,
    clean_paragraphs,
    contains_url,
    looks_like_spreadsheet_formula,
)

NAMES = [
    "Ada Lovelace", "José Ortega y Gasset", "Þórunn Jónsdóttir", "Nguyễn Thị Ánh Tuyết",
    "Ọláńrewájú Ṣẹ́gun", "J.R. Smith", "O'Neil.Jr", "Prof.Dr.Müller", "D’Arcy Wentworth", "'t Hooft",
    "Wolfgang Müller-Lüdenscheidt, Ph.D", "Ŧhomas Ångström", "Лев Толстой", "Γεώργιος Παπανικολάου",
    "Նարեկ Սարգսյան", "გიორგი ბერიძე", "屠呦呦", "𠮷野家太郎", "葛\U000e0100城", "渡邉さくら",
    "김민준", "\U00031350氏", "ᠴᠢᠩᠭᠢᠰ", "བསྟན་འཛིན་རྒྱ་མཚོ", "محمّد بن موسى الخوارزمي", "مریم میرزاخانی",
    "علی\u200cرضا", "ڈاکٹر عبدالسلام", "שָׁלוֹם עֲלֵיכֶם", "चंद्रशेखर वेंकट रामन", "क्\u200dष", "क्\u200cष",
    "श्री॰ राम", "রবীন্দ্রনাথ ঠাকুর", "র\u200d্যাম", "ശ്രീനിവാസൻ", "ന്\u200d", "ශ්\u200dරී ලංකා",
    "សុខា ចាន់", "สมชาย ใจดี", "အောင်ဆန်းစုကြည်", "ተስፋዬ ገብረ", "ⵎⴰⵙⵉⵏⵉⵙⵙⴰ", "𞤀𞤣𞤤𞤢𞤥", "ꦢꦶꦥꦤꦼꦒꦫ",
    "👩🏽\u200d🔬 Ada", "🏳️\u200d🌈", "👨\u200d👩\u200d👧", "❤️\u200d🔥",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_real_names_of_many_scripts_survive_unchanged(name):
    assert clean_line(name, 100) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("name", NAMES)
def test_real_names_are_neither_links_nor_formulae(name):
    assert not contains_url(name)
    assert not looks_like_spreadsheet_formula(name)


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("  Ada \t\r\n Lovelace\u00a0\u3000", "Ada Lovelace"),
        ("Ada\x00\x07\x1b[31m Lovelace\x7f\x9f", "Ada[31m Lovelace"),
        ("Ada\u2028Lovelace\x85King", "Ada Lovelace King"),
        ("\ufeffAda\u200b Love\u00adlace\u2060", "Ada Lovelace"),
        ("\u202eevil\u202c\u2066\u2067\u2068\u2069\u200e\u200f\u061c Ada", "evil Ada"),
        ("A\ud800da\udfff", "Ada"),
        ("A\ufffeda\uffff", "Ada"),
        ("Jose\u0301", "Jos\u00e9"),
        ("A\u200cd\u200da", "Ada"),  # no Latin letter joins
        ("\u200cعلی\u200c \u200dرضا", "علی رضا"),  # nor do they at the edge of a word
        ("علی\u200c\u200cرضا", "علی\u200cرضا"),
        ("ᠴᠢ\u180eᠠ a\u180eb", "ᠴᠢ\u180eᠠ ab"),
        ("Ada\U000e0041\U000e007f", "Ada"),  # hidden letters made of tags
        ("🏴" + "\U000e0041" * 9 + "\U000e007f Ada", "🏴 Ada"),
        ("\u3164Ada\u115f\u2800", "Ada"),
    ],
)
def test_what_cannot_be_seen_is_removed(typed, cleaned):
    assert clean_line(typed, 100) == cleaned


@pytest.mark.parametrize(
    "typed",
    ["", "   ", "\x00", "\u200b\u200d", "\u3164", "\u0301", "\ufe0f", "\u202e", "\u2800 \n"],
)
def test_text_without_anything_visible_is_empty(typed):
    with pytest.raises(Empty):
        clean_line(typed, 100)
    with pytest.raises(Empty):
        clean_paragraphs(typed, 100)


def test_the_limit_counts_characters_after_cleaning():
    assert clean_line("  𠮷\u0000  野  ", 3) == "𠮷 野"
    with pytest.raises(TooLong) as caught:
        clean_line("𠮷野家太", 3)
    assert caught.value.limit == 3


def test_paragraphs_keep_their_breaks_and_lose_the_rest():
    typed = "\r\n First \t line\r\nsecond\rthird\n\n\n\u202ePara\x00graph\u2029end \n"
    assert clean_paragraphs(typed, 100) == "First line\nsecond\nthird\n\nParagraph\nend"


@pytest.mark.parametrize(
    "typed",
    [
        "Z" + "\u0301\u0316" * 50,
        "Z" + "\u0316\u200d" * 50,
        "\u01d8\u200d\u031b" + "\u0316" * 5,  # the horn takes the letter, its accents come off
    ],
)
def test_a_tower_of_marks_is_cut(typed):
    marks = [mark for mark in clean_line(typed, 100) if unicodedata.combining(mark)]
    assert 0 < len(marks) <= MAX_MARKS


def test_a_megabyte_of_marks_takes_no_minute():
    started = time.perf_counter()
    clean_paragraphs("a" + "\u0301\u0316" * 250_000 + "\u0301\u0316\u200d" * 150_000, 500)
    assert time.perf_counter() - started < 10


@given(st.text(st.characters(), max_size=40))
def test_cleaning_twice_changes_nothing(typed):
    for clean in (clean_line, clean_paragraphs):
        try:
            once = clean(typed, 200)
        except Empty:
            continue
        assert clean(once, 200) == once
        once.encode()  # and any database takes it


JOINING = "\u180e\u200c\u200d\u202e\ufe0f\u0951\U000e0067\U000e007f aबب्ـᠠ👩🏴\n"


@given(st.text(JOINING, max_size=12))
@example("ब\u0951\u094d\u200c")  # composing moves the virama away from the joiner
def test_cleaning_twice_changes_nothing_around_joiners(typed):
    try:
        once = clean_line(typed, 200)
    except Empty:
        return
    assert clean_line(once, 200) == once


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1234",
        "-2+3",
        "@SUM(A1)",
        "=cmd|' /C calc'!A0",
        "  =A1",
        "\t=A1",
        "\rx",
        "＝A1",
        "＋1",
        "- 1",
        "Ada;=1+1",
        "Ada |@SUM(A1)",
        "Ada; -2",
    ],
)
def test_formulae_are_recognised(text):
    assert looks_like_spreadsheet_formula(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "+",
        "—Ada",
        "Ada = Bob",
        "Müller-Lüdenscheidt",
        "(=)",
        "'t Hooft",
        "a@b",
        "1+1",
        "Ada; Bob",
        "A|B",
    ],
)
def test_what_no_spreadsheet_runs_is_no_formula(text):
    assert not looks_like_spreadsheet_formula(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://example.org", "see HTTPS://EXAMPLE.ORG now", "ftp://x", "www.example.org",
        "WWW.Example.Org", "请访问www.example.cn", "buy at casino-royal.com", "CASINO.COM",
        "Ada (casino.xyz)", "t.me/ada", "bit.ly/3xY", "example.co.uk/path", "example.de:8080/x",
        "ada@example.com", "ｗｗｗ．example．org", "Ada https://пример.рф",
        "evil.ru", "Win at evil.ru!", "EVIL.RU", "ada@evil.tk", "evil.co.uk", "lucky-casino.bet", "my.shop.cn",
        "evil.li", "evil.to", "go to evil.me", "evil.in", "(evil.de)", "зло.рф", "мой-сайт.онлайн", "赢钱.网址",
        "Visit Evil.ru", "eVil.ru", "evil.me click here", "evil.top", "evil.live", "evil.xn--p1ai", "t.me",
        "Evil.co.uk", "ｅｖｉｌ．ｒｕ", "Dr. Evil, evil.ai", "DR.EVIL.RU", "prof.evil.ru", "请访问evil.cn",
    ],
)  # fmt: skip
def test_links_are_recognised(text):
    assert contains_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "...", "St.Petersburg", "Ph.D", "Ph.D.", "M.Sc./Ph.D.", "Dr.Li", "S.Kim",
        "Md.Abdul.Hai", "U.S.A.", "A.Com", "e.g.", "and/or", "km/h", "Univ.Paris/CNRS",
        "Dept.Chem/Bio", "dept.chem/bio", "for our children.In peace", "for nature.Information is",
        "3.14/2", "1.5 °C", "z.B.", "гг. 1990/91", "Awww.", "we.care", "和平。com",
        "PROF.DR.LINK", "DR.LI", "Dr.Link", "prof.dr.li", "WEI.MA", "AHMED.AL", "MARIA.DE SOUZA", "J.P.LI", "s.kim",
        "ST.PIERRE", "Univ.Lodz", "DEPT.BIO", "SRI.MD",
        "at 9.30.am", "дети.мы", "мир.дом", "Иванов И.И", "и.о. ректора", "Children.Is", "Ng.Vu",
    ],
)  # fmt: skip
def test_names_and_prose_with_dots_are_no_links(text):
    assert not contains_url(text)


@pytest.mark.parametrize(
    "text", ["for our children.it is time", "a better world.so be it", "et al.in Nature"]
)
def test_a_sentence_may_begin_without_a_blank(text):
    assert not contains_url(text, prose=True)
    assert contains_url(text)  # nobody is called so


@given(st.text(st.sampled_from("aZ0.-/:w@ 。")))
def test_looking_for_links_never_fails(text):
    assert contains_url(text) in (True, False)


def test_looking_for_links_in_hostile_text_stays_fast():
    started = time.perf_counter()
    for pattern in ("a.", "a-", "a", "w.", ".", "a/", "a:"):
        contains_url(pattern * 50_000)
    assert time.perf_counter() - started < 5
