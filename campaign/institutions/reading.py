"""Read what was typed as words: the telling ones of each segment, with their weights and likely corrections.

A line is read in segments (between commas, brackets and the like). Words that the registry does not know may lack a
blank or have one too many, and the last one may be unfinished.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from campaign.institutions import vocabulary
from campaign.institutions.folding import fold, is_unspaced
from campaign.institutions.scoring import RARE, Word, weight_of
from campaign.institutions.spelling import correct, mistakes
from campaign.institutions.words import (
    FILLERS,
    begins_filler,
    begun_forms,
    plain_form,
    telling_words,
)

# A line with more words is pasted: no name has them all.
MOST_OF_NAME = 12

_MOST_WORDS = 80
_SHORTEST_SPLIT = 8
# Two characters that no name has side by side are mostly the end of one word and the beginning of the next.
_JOINT = 0.35
# What "annd" weighs, or "fo".
_LITTLE = 0.15

_CAMEL = re.compile(r"(?<=[a-z]{3})(?=[A-Z])")
_FOOTNOTE = re.compile(r"(?<!\w)\d{1,2}(?=[A-Z][A-Za-z])")
_SEPARATOR = re.compile(
    r"[,;|/()\[\]{}\n\t\r·•，、；（）،؛]|\s-+\s|[–—]|(?<=\w{5})\.\s(?=[A-ZА-Я][a-zа-я]{3})|(?<=\d)\s(?=[A-Z][a-z])"
)


def readings(text: str, total: int) -> list[list[Word]]:
    """Return the telling words of the text; twice, if it matters whether the last one is finished.

    "Osh St" may mean Saint or go on as "State", "University of th" may go on as "the" or as "Thessaly".
    ``total`` is the number of names in the registry.
    """
    lost = _lost_blanks(text)
    return [_known(words, lost, total) for words in _typed(text)]


def _typed(text: str) -> list[list[Word]]:
    segments = _SEPARATOR.split(_FOOTNOTE.sub("", text))
    finished = _words(map(telling_words, segments))
    if not (finished and text[-1:].isalnum() and _may_go_on(finished)):
        return [finished]
    before, _, last = fold(segments[-1]).rpartition(" ")
    if is_unspaced(last):
        finished[-1].unfinished = True
        return [finished]
    whole = [*map(telling_words, segments[:-1]), telling_words(before, go_on=True)]
    begun = _begun(whole, last)
    if begins_filler(last):
        finished = _words(whole)
    return [begun] if _texts(finished) in ([], _texts(begun)) else [finished, begun]


def _begun(whole: Sequence[list[str]], last: str) -> list[Word]:
    """Return the words of whole segments and behind them one that may go on."""
    words = _words([*whole[:-1], [*whole[-1], plain_form(last)]])
    words[-1].unfinished = True
    words[-1].meant = begun_forms(last)
    return words


def _words(segments: Iterable[Sequence[str]]) -> list[Word]:
    words = [Word(word, number) for number, segment in enumerate(segments) for word in segment]
    return words[:_MOST_WORDS]


def _texts(words: Iterable[Word]) -> list[str]:
    return [word.text for word in words]


def _may_go_on(words: Sequence[Word]) -> bool:
    """Whether the last word may be unfinished: not in a pasted line, and there is enough of it."""
    last = words[-1]
    return len(words) <= MOST_OF_NAME and (last.segment == words[0].segment or len(last.text) > 2)


def _known(words: list[Word], lost: Mapping[str, list[str]], total: int) -> list[Word]:
    """Return the words with their weights and what they may have been meant for."""
    frequencies = vocabulary.frequencies(_possible(words, lost))
    words = _reblanked(words, frequencies, lost)
    for word in words:
        word.frequency = word.reach = frequencies.get(word.text, 0)
    for before, word in pairwise([Word("", -1, frequency=1), *words]):
        word.weight = _weight(word, before, total)
    if words and words[-1].meant:
        _weigh_begun(words[-1], frequencies, total)
    correct(words)
    return words


def _possible(words: Sequence[Word], lost: Mapping[str, list[str]]) -> set[str]:
    """Return the words, their parts, those of two joined, and what the last one may go on as."""
    texts = _texts(words)
    parts = {part for text in texts for split in _splits(text) for part in split}
    parts |= {part for split in lost.values() for part in split}
    pairs = {a + b for a, b in pairwise(texts)}
    return {*texts, *parts, *pairs, *(words[-1].meant if words else ())}


def _weigh_begun(word: Word, frequencies: Mapping[str, int], total: int) -> None:
    """Let a word that may go on as a common one tell as little as that."""
    word.reach += sum(frequencies.get(form, 0) for form in word.meant)
    word.weight = min(word.weight, weight_of(word.reach, total))


def _weight(word: Word, before: Word, total: int) -> float:
    """Return how telling the word is, with three exceptions."""
    if word.text.isdigit() and len(word.text) < 3:
        return 1.0  # Paris 12 is not Paris 5, however many numbers there are
    if not word.frequency and is_unspaced(word.text) and before.frequency:
        return _JOINT
    if word.frequency < RARE and _is_mistyped_filler(word.text):
        return _LITTLE
    return weight_of(word.frequency, total)


def _is_mistyped_filler(text: str) -> bool:
    return len(text) < 5 and any(
        mistakes(text, filler, unfinished=False) == 1 for filler in FILLERS if len(filler) > 1
    )


def _splits(text: str) -> list[tuple[str, str]]:
    """Return all ways to cut a long word in two, none so short that it could be anything."""
    if len(text) < _SHORTEST_SPLIT or is_unspaced(text):
        return []
    splits = [(text[:at], text[at:]) for at in range(2, len(text) - 1)]
    return [split for split in splits if all(len(part) > 2 or part in FILLERS for part in split)]


def _lost_blanks(text: str) -> dict[str, list[str]]:
    """Return the parts of words like "UniversityHuntingtonWV", by the word that they make."""
    parts = ((token, telling_words(_CAMEL.sub(" ", token))) for token in text.split())
    return {fold(token): split for token, split in parts if len(split) > 1 and token.isalpha()}


def _reblanked(
    words: Sequence[Word], frequencies: Mapping[str, int], lost: Mapping[str, list[str]]
) -> list[Word]:
    """Return the words, those that lack a blank cut in two, and those with a blank too many joined."""
    result: list[Word] = []
    for word in words:
        if result and _belong_together(result[-1], word, frequencies):
            result[-1] = replace(word, text=result[-1].text + word.text)
        elif word.text in frequencies:
            result.append(word)
        else:
            result += _cut(word, lost.get(word.text) or _best_split(word.text, frequencies))
    return result


def _belong_together(before: Word, word: Word, frequencies: Mapping[str, int]) -> bool:
    """Whether the registry knows two words as one, and not both of them alone."""
    return (
        before.segment == word.segment
        and before.text + word.text in frequencies
        and not (before.text in frequencies and word.text in frequencies)
    )


def _cut(word: Word, parts: Sequence[str] | None) -> list[Word]:
    """Return the telling parts of a word, of which the last may be unfinished, or the word itself."""
    texts = [part for part in parts or () if part not in FILLERS] or [word.text]
    *whole, last = texts
    return [*(Word(text, word.segment) for text in whole), replace(word, text=last)]


def _best_split(text: str, frequencies: Mapping[str, int]) -> tuple[str, str] | None:
    splits = {split: min(frequencies.get(part, 0) for part in split) for split in _splits(text)}
    best = max(splits, key=splits.__getitem__, default=None)
    return best if best and splits[best] >= 3 else None
