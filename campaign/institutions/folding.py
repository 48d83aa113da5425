"""Reducing names to what people type: without case, accents, points and variants of letters.

A name is indexed under all spellings of its words, a query asks for any spelling of each of its
words. Scripts that put no spaces between words are cut into overlapping pairs or triples of characters.
"""

import re
import unicodedata
from collections.abc import Iterable

from campaign.institutions.han import SIMPLIFIED

# Longer words help nobody to find anything, and an index entry has a limit.
LONGEST_WORD = 40

_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})

_LETTERS = {
    "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŋ": "n",
    "þ": "th", "ʻ": "", "ʼ": "", "ʹ": "", "ʾ": "", "ʿ": "",
    "ə": "e", "ɛ": "e", "ɔ": "o", "ɓ": "b", "ɗ": "d", "ƙ": "k",
    # Arabic script: one form for letters that a keyboard of another language types otherwise.
    "ٱ": "ا", "ة": "ه", "ى": "ي", "ک": "ك", "ی": "ي", "ے": "ي", "ہ": "ه", "ھ": "ه", "ە": "ه",
    "ۃ": "ه", "ں": "ن", "ء": "", "ـ": "",
    # Devanagari: candrabindu is often written as anusvara, nukta left out; the same in Bengali.
    "ँ": "ं", "़": "", "ঁ": "ং", "়": "",
}  # fmt: skip

# Marks of Latin, Greek, Cyrillic; Hebrew; Arabic. Marks of Indic and Thai scripts are vowels and stay.
_MARKS = (
    (0x0300, 0x036F),
    (0x0591, 0x05C7),
    (0x0610, 0x061A),
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
)

_INITIALS = re.compile(r"\b(\w)\.(?=\w\b)")
_ELISION = re.compile(r"\b(?:d|l|qu|dell|nell|dall|all|sull)['’](?=\w)")
_APOSTROPHE = re.compile(r"(?<=\w)['’‘`´](?=\w)")
_PAIRED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_TRIPLED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_RUNS = re.compile(rf"([{_PAIRED}]+)|([{_TRIPLED}]+)|([^\s{_PAIRED}{_TRIPLED}]+)")
_UNSPACED = re.compile(rf"[{_PAIRED}{_TRIPLED}]")
_ARTICLE = re.compile(r"(?:ال|وال|بال|لل)(?=..)")


# Words that tell no institution from another.
_FILLERS = frozenset(
    """
    a an and at by for in of on the au aux de des du en et la le les pour sur y el las los del para por
    da das do dos e em na no am der die fur im und van von di della delle dei degli il i og och av ve
    и в на по при им имени та у في و का की के और
    """.split()  # noqa: SIM905
)


class _Table(dict[int, str | int]):
    """Fills itself in, since there are more letters than one would like to list."""

    def __missing__(self, code: int) -> str | int:
        self[code] = _folded_character(code)
        return self[code]


def _folded_character(code: int) -> str | int:
    char = chr(code)
    if char in _LETTERS:
        return _LETTERS[char]
    if code in SIMPLIFIED:
        return SIMPLIFIED[code]
    if any(first <= code <= last for first, last in _MARKS) or unicodedata.category(char) == "Cf":
        return ""
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.decimal(char))
    return code if unicodedata.category(char)[0] in "LMN" else " "


_TABLE = _Table()


def fold(text: str) -> str:
    """The words of the text in their plainest form, with one space between them.

    ``fold("Université d’Abomey-Calavi")`` is ``"universite abomey calavi"``.
    """
    return _plain(_prepared(text))


def terms(text: str) -> list[tuple[str, ...]]:
    """For each word of the text its spellings, the plain one first; see ``fold``.

    ``terms("Zürich")`` is ``[("zurich", "zuerich")]``, ``terms("北京大学")`` has 北京, 京大 and 大学.
    """
    prepared = _prepared(text)
    plain = _plain(prepared)
    if prepared.isascii():
        return [(word[:LONGEST_WORD],) for word in plain.split()]
    respelled = prepared.translate(_DIGRAPHS)
    if respelled == prepared:
        return [spellings for word in plain.split() for spellings in _spellings(word)]
    pairs = zip(plain.split(), _plain(respelled).split(), strict=True)
    return [
        tuple(dict.fromkeys(a + b))
        for word, other in pairs
        for a, b in zip(_spellings(word), _spellings(other), strict=True)
    ]


def _prepared(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    if text.replace(" ", "").isalnum():
        return text  # most names are words and spaces only
    text = _ELISION.sub("", _INITIALS.sub(r"\1", text))
    return _APOSTROPHE.sub("", text)


def _plain(prepared: str) -> str:
    if prepared.isascii():
        return " ".join(prepared.translate(_TABLE).split())
    plain = unicodedata.normalize("NFD", prepared).translate(_TABLE)
    return " ".join(unicodedata.normalize("NFC", plain).split())


def _spellings(word: str) -> list[tuple[str, ...]]:
    return [
        found
        for paired, tripled, plain in _RUNS.findall(word)
        for found in (
            _slices(paired, 2)
            + _slices(tripled, 3)
            + ([_with_and_without_article(plain)] if plain else [])
        )
    ]


def _slices(run: str, size: int) -> list[tuple[str, ...]]:
    """All overlapping pieces of a run, or the run itself where it is shorter."""
    if not run:
        return []
    return [(run[start : start + size],) for start in range(max(1, len(run) - size + 1))]


def _with_and_without_article(word: str) -> tuple[str, ...]:
    word = word[:LONGEST_WORD]
    article = _ARTICLE.match(word)
    return (word, word[article.end() :]) if article else (word,)


def count_words(spelled: Iterable[tuple[str, ...]]) -> int:
    """How many of the words (see ``terms``) tell a name from others: all but "of", "the" and their like."""
    return sum(spellings[0] not in _FILLERS for spellings in spelled)


def is_unspaced(text: str) -> bool:
    """Whether the text begins in a script that puts no spaces between words."""
    return bool(_UNSPACED.match(text))
