"""Correct mistyped words: find the words of the registry that rare ones may have been meant for."""

from collections.abc import Sequence
from unicodedata import category

from sqlalchemy import text as sql

from campaign.db import db
from campaign.institutions.folding import is_unspaced
from campaign.institutions.scoring import RARE, Word
from campaign.institutions.vocabulary import LAST
from campaign.institutions.words import one_form

# One mistake makes a shorter word look like too many others; alone, one letter more.
_SHORTEST_CORRECTED = 4
# A word that the registry knows is only taken for one that is in so many times more names.
_FAR_MORE = 20
# What a mistake in a word of one letter would cost; and a replaced consonant, which makes a rare word another.
_MISTAKE = 1.2
_OTHER_WORD = 2.0
# These bound the size of a query: words that are corrected, and corrections of each.
_MOST_CORRECTED = 6
_MOST_CORRECTIONS = 5

# Words of the registry that resemble each given one. As two mistakes are allowed, a correction is at most two
# letters shorter; it may be longer, as the typed word may go on. Signs of Indic scripts are no letters to trigrams,
# so words of other scripts are also compared with those that begin alike.
_CORRECT = sql("""
SELECT typed.word, similar_words.word, similar_words.frequency
FROM unnest(CAST(:words AS text[])) AS typed (word)
CROSS JOIN LATERAL (
  (SELECT word, frequency FROM institution_words
   WHERE word % typed.word AND length(word) BETWEEN length(typed.word) - 2 AND length(typed.word) + 6
   ORDER BY similarity(word, typed.word) DESC, frequency DESC
   LIMIT 30)
  UNION ALL
  (SELECT word, frequency FROM institution_words
   WHERE octet_length(typed.word) > length(typed.word)
     AND word >= left(typed.word, 3) AND word < left(typed.word, 3) || :last
   LIMIT 60)
) AS similar_words
ORDER BY similar_words.frequency DESC
""")


def correct(words: Sequence[Word]) -> None:
    """Add to rare words what they may have been meant for: words that are far more frequent."""
    shortest = _SHORTEST_CORRECTED + (len(words) == 1)
    rare = {word.text: word for word in words if _may_be_mistyped(word, shortest)}
    chosen = sorted(rare, key=lambda text: rare[text].frequency)[:_MOST_CORRECTED]
    if not chosen:
        return
    for typed, similar, frequency in db.session.execute(_CORRECT, {"words": chosen, "last": LAST}):
        word = rare[typed]
        if frequency < _FAR_MORE * word.frequency or len(word.meant) >= _MOST_CORRECTIONS:
            continue
        count = mistakes(typed, similar, unfinished=word.unfinished)
        if similar != typed and count <= _allowed_mistakes(typed):
            word.reach += frequency
            certain = frequency >= RARE or not _is_replaced(typed, similar)
            word.meant[one_form(similar)] = _closeness(word, max(count, 0.5), certain=certain)


def _closeness(word: Word, mistakes: float, *, certain: bool) -> float:
    """Return how likely a correction is: less in a short word, and less if the registry knows the word."""
    each = _MISTAKE if certain else _OTHER_WORD
    return 1 - each * mistakes / len(word.text) - (0.15 if word.frequency else 0.0)


def _is_replaced(typed: str, similar: str) -> bool:
    """Whether a consonant stands for another: Hannam is no Hannan, but Tokio is Tokyo."""
    pairs = [pair for pair in zip(typed, similar, strict=False) if pair[0] != pair[1]]
    return len(typed) == len(similar) and len(pairs) == 1 and not all(map(_is_vowel, pairs[0]))


def _is_vowel(char: str) -> bool:
    return char in "aeiouy" or category(char).startswith("M")  # signs of Indic scripts


def _may_be_mistyped(word: Word, shortest: int) -> bool:
    return (
        len(word.text) >= shortest
        and word.frequency < RARE
        and not any(char.isdigit() for char in word.text)
        and not is_unspaced(word.text)
    )


def _allowed_mistakes(typed: str) -> int:
    return 1 if len(typed) < 10 else 2


def mistakes(typed: str, word: str, *, unfinished: bool) -> int:
    """Count the letters that are wrong, missing, superfluous or swapped with the next (optimal string alignment).

    An unfinished word is compared with that beginning of ``word`` that fits best.
    """
    # Row by row through the table of costs: row[j + 1] is the cost of turning typed[: i + 1] into word[: j + 1].
    # A swap looks back two rows, so three are kept. The last row has the costs of every beginning of ``word``.
    before: list[int] = []
    row = list(range(len(word) + 1))
    for i, letter in enumerate(typed):
        last, before, row = before, row, [i + 1]
        for j, other in enumerate(word):
            cost = min(before[j] + (letter != other), before[j + 1] + 1, row[j] + 1)
            if i and j and letter == word[j - 1] and typed[i - 1] == other:
                cost = min(cost, last[j - 1] + 1)
            row.append(cost)
    return min(row) if unfinished else row[-1]
