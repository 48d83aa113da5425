"""Clean typed text, before anything else reads it, and recognise links and formulas in it.

Cleaning never refuses a character. Invisible ones are removed silently, because they come from copying
and pasting far more often than from malice, and people cannot correct what they do not see.
Removed are control characters (NUL and all of C0, C1), lone surrogates (databases refuse them),
bidirectional controls (in a list they turn the neighbours' text around; pages isolate every name
with ``<bdi>`` instead), blank fillers, and zero-width characters, except where a script needs them:
ZWNJ and ZWJ inside Arabic, Indic, Khmer and Mongolian words, ZWJ and tags inside emoji.
Everything else, of every plane, stays and is normalised to NFC.
"""

import re
import unicodedata

from campaign.hostnames import public_suffix

# Enough for Vietnamese, Hebrew with accents and vocalised Arabic, too few for the towers of marks that cover
# the lines above and below ("zalgo"). The limit also keeps NFC cheap, which is quadratic in a run of marks.
MAX_MARKS = 6

_REMOVED = re.compile(
    "[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # C0, DEL, C1 but for the white space among them
    "\u00ad\u200b\u2060-\u2064\ufeff"  # soft hyphen, zero-width space, word joiner, byte order mark
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # bidirectional and deprecated format controls
    "\u115f\u1160\u3164\uffa0\u2800"  # Hangul fillers and the empty Braille cell: letters of blank
    "\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"  # markup, and no characters at all
)
# Tag characters can hide whole sentences, so they are removed; a few after a black flag, such as Scotland's, stay.
_FLAG = "\U0001f3f4"
_TAGS = re.compile(
    f"[{_FLAG}\U000e0000-\U000e007f](?:(?<={_FLAG})[\U000e0020-\U000e007e]{{3,6}}\U000e007f)?"
)
_JOINERS = "\u180e\u200c\u200d"  # Mongolian vowel separator, ZWNJ, ZWJ
_JOINER_RUN = re.compile(f"([{_JOINERS}])[{_JOINERS}]+")
# Arabic and related scripts, those of India, Khmer and Mongolian.
_SCRIPTS_THAT_JOIN = "\u0620-\u08ff\u0900-\u0dff\u1780-\u18af"
_VIRAMAS = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"
_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(
    f"[{_JOINERS}](?!(?<=[{_SCRIPTS_THAT_JOIN}].)(?=[{_SCRIPTS_THAT_JOIN}]))"
    f"(?<![{_VIRAMAS}][\u200c\u200d])"  # one after a virama may end a word: RFC 5892, appendix A
    f"(?!(?<=[{_EMOJI}\ufe0f\U000e007f]\u200d)(?=[{_EMOJI}]))"
)

_BLANKS = re.compile(r"(?:(?![\u00a0\u202f])\s)+")

# Categories of characters that are not visible alone: marks without a letter, separators, format characters.
_BLANK = frozenset({"Mn", "Mc", "Me", "Zs", "Cf"})

# At the start of a cell, and where a spreadsheet may split the cell: Excel does so at ; in half of Europe.
_FORMULA = re.compile(r"[\t\r\n]|(?:.*[;|\t])?\s*[=+\-@＝＋－＠]\s*\S")
# The same by lookahead, for PostgreSQL, too: where an apostrophe makes a cell text.
FORMULA_START = r"(^|[;|\t])(?=\s*[=+\-@＝＋－＠\t\r])"
_FORMULA_START = re.compile(FORMULA_START)
_LINK = re.compile(r"[a-z0-9]://|(?<![a-z0-9])www\d?\.\w", re.IGNORECASE)
_HOST = r"(?<![A-Za-z0-9.-])(?:[A-Za-z0-9-]+\.)+"
# "Children.Info" is a sentence that lacks a space, "Univ.Paris/CNRS" a postal address: the top-level domain of a
# link is all in lowercase or all in capitals.
_HOST_WITH_PATH = re.compile(rf"({_HOST}(?:[a-z]{{2,}}|[A-Z]{{2,}}))(?::\d+)?/")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A host without a path: "evil.ru", "EVIL.COM". Its top-level domain sells, or has two letters. But names have dots,
# too, and .li and .kim exist: "Dr.Li", "PROF.DR.LINK", "WEI.MA".
_SELLERS = "com net org info biz xyz online site shop store icu click link casino website"
_MORE_SELLERS = (
    "app dev vip bet bid blog buzz cfd club fun live sbs tech top xxx porn sex poker"
    " рф укр бел срб сайт онлайн 中国 公司 网址 网站 在线"
)
_TOP = "|".join([*_words(_SELLERS), *_words(_SELLERS.upper()), *_words(_MORE_SELLERS)])
_BARE_HOST = re.compile(
    rf"(?<![\w.-])((?:[\w-]+\.)*[\w-]{{2,}})\.({_TOP}|xn--[a-z0-9-]+|[a-z]{{2}}|[A-Z]{{2}})(?![\w-])"
    r"|(?<![\w.-])([tT])\.(me)(?![\w-])"
)
_TITLES = _words(
    "acad arch asst assoc avv capt col dept dipl doc dott dr dra drs eng engr fac gen hon ing inst ir lic lt mag"
    " maj md mgr mr mrs ms phd phil prof rev sci sir sr sra st uni univ"
)
# In capitals these end names rather than hosts.
_SURNAMES = _words(
    "AL AM AN BE CU DE DO EL ES GE GU HU IM IN JO KY LA LI LU MA MD MO MU MY NA NG NI NO PA SA SE SO ST SU TO VU YE"
)
# In prose, with another word behind, they begin a sentence: "for our children.it is time".
_SENTENCE_WORDS = _words("as at in is it my no so to")
_NEXT_WORD = re.compile(r"\s+[^\W\d_]")


class InvalidText(ValueError):
    """The text cannot be accepted as it is."""


class Empty(InvalidText):
    """The text has no visible character."""


class TooLong(InvalidText):
    """The text has more than ``limit`` characters (code points) after cleaning."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"longer than {limit} characters")
        self.limit = limit


def clean_line(value: str, max_length: int) -> str:
    """Clean one line; white space of any kind becomes single spaces. Raises Empty or TooLong."""
    return _checked(_one_line(_visible(value)), max_length)


def clean_paragraphs(value: str, max_length: int) -> str:
    """Clean several lines; line breaks become \\n, and no two blank lines follow each other.

    Raises Empty or TooLong.
    """
    lines = "\n".join(_one_line(line) for line in _visible(value).splitlines())
    return _checked(re.sub(r"\n{3,}", "\n\n", lines).strip("\n"), max_length)


def clean_typeset(value: str, max_length: int) -> str:
    """Clean paragraphs, and keep the no-break spaces that the typography of French or Russian asks for.

    Raises Empty or TooLong.
    """
    lines = (_BLANKS.sub(" ", line).strip(" ") for line in _visible(value).splitlines())
    return _checked(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n"), max_length)


def looks_like_spreadsheet_formula(text: str) -> bool:
    """Whether a spreadsheet might run the text as a formula (OWASP, CSV Injection).

    A lone sign is not a formula. An export must still quote all values that begin with a sign.
    """
    return _FORMULA.match(text) is not None


def without_formulas(text: str) -> str:
    """Return the text with an apostrophe wherever a spreadsheet would begin a formula."""
    return _FORMULA_START.sub(r"\1'", text)


def contains_url(text: str, *, prose: bool = False) -> bool:
    """Whether the text contains a link, or a host name that can only be meant as one.

    Abbreviations and names with dots ("St.Petersburg", "Prof.Dr.Li") are not links. In ``prose``, a sentence may
    begin without a blank before it.
    """
    plain = unicodedata.normalize("NFKC", text)  # full-width letters link just as well
    if _LINK.search(plain) or any(_is_bare_host(it, prose) for it in _BARE_HOST.finditer(plain)):
        return True
    return any(public_suffix(host[1].lower()) for host in _HOST_WITH_PATH.finditer(plain))


def _is_bare_host(match: re.Match[str], prose: bool) -> bool:
    """Whether words with dots between them are a host rather than a name or the end of a sentence."""
    if match[3]:
        return True  # t.me
    labels, top = match[1].split("."), match[2]
    if labels[-1].isnumeric() or all(len(it) == 1 or it.casefold() in _TITLES for it in labels):
        return False
    if len(top) > 2 or not top.isascii():
        return True
    if top.isupper():
        return labels[-1].isupper() and top not in _SURNAMES and _is_top_level(top)
    if prose and top in _SENTENCE_WORDS and _NEXT_WORD.match(match.string, match.end()):
        return False
    return _is_top_level(top)


def _is_top_level(label: str) -> bool:
    return public_suffix(f"x.{label.lower()}") is not None


def _visible(value: str) -> str:
    """Return the text without invisible characters, in NFC."""
    text = _REMOVED.sub("", value)
    if text.isascii():
        return text  # nothing below concerns ASCII
    text = _JOINER_RUN.sub(r"\1", _TAGS.sub(_without_stray_tags, text))
    # Composed before the stray joiners go, since the order of marks decides which of them are stray, and again
    # after, since a letter and a mark may now meet. Composing can leave more marks in a run: hence the last limit.
    return _limit_marks(_composed(_STRAY_JOINER.sub("", _composed(text))))


def _without_stray_tags(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith(_FLAG) else ""


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", _limit_marks(text))


def _limit_marks(text: str) -> str:
    """Drop the marks of each letter that exceed MAX_MARKS."""
    if sum(map(bool, map(unicodedata.combining, text))) <= MAX_MARKS:
        return text  # nearly always, and an import of the registry cleans 150,000 names
    characters, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MAX_MARKS:
            characters.append(character)
    return "".join(characters)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _checked(text: str, max_length: int) -> str:
    if all(unicodedata.category(character) in _BLANK for character in text):
        raise Empty
    if len(text) > max_length:
        raise TooLong(max_length)
    return text
