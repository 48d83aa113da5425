"""Fold names to what people type: no case, accents or points, one form for all variants of a letter.

A name is indexed under every spelling of its words, and a query matches any spelling of each of its
words. Scripts without spaces between words are cut into overlapping pairs or triples of characters.
"""

import re
import unicodedata

from campaign.institutions.han import SIMPLIFIED

# Names do not differ beyond that, and PostgreSQL limits the size of an index entry.
LONGEST_WORD = 40

# How people write these letters on a keyboard that lacks them: Zuerich, Aarhus. Others drop the mark (Zurich),
# so both spellings are indexed.
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})

# Letters that Unicode does not decompose into a plain letter and a mark, so that removing marks is not enough.
_LETTERS = {
    "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŋ": "n",
    "þ": "th", "ʻ": "", "ʼ": "", "ʹ": "", "ʾ": "", "ʿ": "",
    "ə": "e", "ɛ": "e", "ɔ": "o", "ɓ": "b", "ɗ": "d", "ƙ": "k",
    # Arabic script: one form for the letters that Arabic, Persian and Urdu keyboards type differently.
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

# "M.I.T." is typed "MIT": points between single letters go, the one in "St.Gallen" separates words.
_INITIALS = re.compile(r"\b(\w)\.(?=\w\b)")
# French and Italian little words before a vowel: a reader types "Abomey", not "d’Abomey".
_ELISION = re.compile(r"\b(?:d|l|qu|dell|nell|dall|all|sull)['’](?=\w)")
# Any other apostrophe may be typed in several ways or not at all: Xi'an, Xi’an, Xian.
_APOSTROPHE = re.compile(r"(?<=\w)['’‘`´](?=\w)")
# Han, kana and Hangul: two characters make about a word. Thai, Lao, Burmese and Khmer write single sounds, where
# a pair would occur in nearly every name, so they are cut into threes.
_PAIRED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_TRIPLED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_RUNS = re.compile(rf"([{_PAIRED}]+)|([{_TRIPLED}]+)|([^\s{_PAIRED}{_TRIPLED}]+)")
_UNSPACED = re.compile(rf"[{_PAIRED}{_TRIPLED}]")
# Arabic joins its article, and "and", "in" or "for" before it, to the noun; readers type the noun with or without.
_ARTICLE = re.compile(r"(?:ال|وال|بال|لل)(?=..)")


class _Table(dict[int, str | int]):
    """Each character's plain form, for ``str.translate``; filled in as characters occur.

    Unicode has too many of them to compute the whole table at import.
    """

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
    """Return the words of the text in their plain form, separated by single spaces.

    ``fold("Université d’Abomey-Calavi")`` is ``"universite abomey calavi"``.
    """
    return _plain(_prepared(text))


def terms(text: str) -> list[tuple[str, ...]]:
    """Return the spellings of each word of the text, the plain one (see ``fold``) first.

    ``terms("Zürich")`` is ``[("zurich", "zuerich")]``, ``terms("北京大学")`` has 北京, 京大 and 大学.
    """
    prepared = _prepared(text)
    plain = _plain(prepared)
    if prepared.isascii():
        return [(word[:LONGEST_WORD],) for word in plain.split()]
    respelled = prepared.translate(_DIGRAPHS)
    if respelled == prepared:
        return [spellings for word in plain.split() for spellings in _spellings(word)]
    # Respelling replaces letters by letters, so both texts have the same words, cut at the same places.
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
    # NFD takes marks off their letters, for the table to remove; NFC joins Hangul and Indic letters again.
    plain = unicodedata.normalize("NFD", prepared).translate(_TABLE)
    return " ".join(unicodedata.normalize("NFC", plain).split())


def _spellings(word: str) -> list[tuple[str, ...]]:
    return [
        spellings
        for paired, tripled, plain in _RUNS.findall(word)
        for spellings in (
            _slices(paired, 2)
            + _slices(tripled, 3)
            + ([_with_and_without_article(plain)] if plain else [])
        )
    ]


def _slices(run: str, size: int) -> list[tuple[str, ...]]:
    """Return all overlapping pieces of a run, or the run itself if it is shorter, each as its only spelling."""
    if not run:
        return []
    return [(run[start : start + size],) for start in range(max(1, len(run) - size + 1))]


def _with_and_without_article(word: str) -> tuple[str, ...]:
    word = word[:LONGEST_WORD]
    article = _ARTICLE.match(word)
    return (word, word[article.end() :]) if article else (word,)


def is_unspaced(text: str) -> bool:
    """Whether the text begins in a script without spaces between words."""
    return bool(_UNSPACED.match(text))
