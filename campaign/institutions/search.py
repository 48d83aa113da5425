"""Find institutions by what people write: an unfinished name, a mistyped one, a pasted line of addresses.

Four kinds of names are candidates, always all of them, and ``scoring`` decides between them:

- names that begin as typed;
- names that have all words typed, in any order, the last of them perhaps unfinished;
- names whose words all stand side by side in what was typed ("Boston University" in "Boston University School of
  Public Health"), found by their ``key``;
- names that share one of its rarest words, whatever else they have.

Words that the registry does not know, or hardly, are compared with those it does: they may be mistyped, or lack a
blank. What they may have been meant for takes part as they do, at a discount.

Common words make the second kind hard: every tenth name contains "university", and reading them all would take far
longer than a keystroke. So the index has each word up to three times: as it is, marked with the country, and marked
if the institution is well known. A search reads those in the reader's country and the well known ones; only if
these are few does it look at all others. The number that it reads of each kind is limited, so a common word costs
no more than a rare one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from itertools import groupby, pairwise

from sqlalchemy import select
from sqlalchemy import text as sql

from campaign.db import db
from campaign.institutions.countries import country_at_end
from campaign.institutions.folding import fold, is_unspaced
from campaign.institutions.models import InstitutionWord
from campaign.institutions.scoring import Name, Query, Scored, Word, score, weight_of
from campaign.institutions.words import (
    FILLERS,
    begins_filler,
    begun_forms,
    key_of,
    one_form,
    plain_form,
    telling_words,
)

LONGEST_QUERY = 600
WELL_KNOWN = "# "

# Sorts after all other characters, and so after all that begins as what stands before it.
_LAST = "\U0010ffff"

_MOST_WORDS = 80
# Names are rarely longer; the words of longer ones are still found one by one.
_LONGEST_SPAN = 10
# A line with more words is pasted: no name has them all.
_MOST_OF_NAME = 12
# A word that is in more names is not mistyped; one that is in fewer may be.
_RARE = 8
# One mistake makes a shorter word look like too many others.
_SHORTEST_CORRECTED = 4
_SHORTEST_SPLIT = 8
# Two characters that no name has side by side are mostly the end of one word and the beginning of the next.
_JOINT = 0.35
# What "annd" weighs, or "fo".
_LITTLE = 0.15
# These bound the size of a query: words that are corrected, corrections of each, and names that share a rare word.
_MOST_CORRECTED = 6
_MOST_CORRECTIONS = 5
_MOST_RARE = 400

_CAMEL = re.compile(r"(?<=[a-z]{3})(?=[A-Z])")
_FOOTNOTE = re.compile(r"(?<!\w)\d{1,2}(?=[A-Z][A-Za-z])")
_SEPARATOR = re.compile(
    r"[,;|/()\[\]{}\n\t\r·•，、；（）،؛]|\s-+\s|[–—]|(?<=\w{5})\.\s(?=[A-ZА-Я][a-zа-я]{3})|(?<=\d)\s(?=[A-Z][a-z])"
)

_COLUMNS = "institution_id, kind, value, folded, key, place, country, weight"
# LIMITs without an order are on purpose: to sort, all matches would have to be read.
_CANDIDATES = sql(f"""
WITH well_known AS MATERIALIZED (
  SELECT {_COLUMNS} FROM institution_names WHERE terms @@ CAST(:well_known AS tsquery) LIMIT 400
),
at_home AS MATERIALIZED (
  SELECT {_COLUMNS} FROM institution_names WHERE terms @@ CAST(:at_home AS tsquery) LIMIT 400
)
(SELECT * FROM well_known ORDER BY weight - real '0.02' * length(key) DESC LIMIT 80)
UNION ALL
(SELECT * FROM at_home ORDER BY weight - real '0.02' * length(key) DESC LIMIT 80)
UNION ALL
(SELECT {_COLUMNS} FROM institution_names
 WHERE folded >= :typed AND folded < :typed_end ORDER BY folded LIMIT 60)
UNION ALL
(SELECT {_COLUMNS} FROM institution_names WHERE key = ANY(CAST(:keys AS text[])) LIMIT 200)
UNION ALL
(SELECT {_COLUMNS} FROM institution_names
 WHERE terms @@ CAST(:anywhere AS tsquery)
   AND (SELECT count(*) FROM well_known) + (SELECT count(*) FROM at_home) < 100 LIMIT 200)
UNION ALL
(SELECT {_COLUMNS} FROM institution_names WHERE terms @@ CAST(:rare AS tsquery) LIMIT {_MOST_RARE})
""")  # noqa: S608

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

# Four letters with one mistake have a trigram similarity of 0.25; by default "%" starts at 0.3.
_TUNE = sql("""
SELECT
  set_config('enable_seqscan', :scan, true),
  set_config('pg_trgm.similarity_threshold', '0.25', true),
  (SELECT reltuples FROM pg_class WHERE oid = CAST('institution_names' AS regclass))
""")


@dataclass(frozen=True, slots=True)
class Hit:
    """An institution with a name that answers the query, and how well it does, from 0 to 1.

    ``acronym`` is its acronym that begins as typed, if any.
    """

    institution_id: str
    name: str
    acronym: str | None
    score: float


def find(text: str, country: str | None, limit: int) -> list[Hit]:
    """Return at most ``limit`` institutions, the best match first; ``country`` (ISO 3166-1) is the reader's."""
    text = unescape(text[:LONGEST_QUERY])
    folded = fold(text)
    if not folded:
        return []
    with _tuned() as total:
        lost = _lost_blanks(text)
        scored = [
            item
            for reading in _readings(text)
            for item in _scored(folded, _known(reading, lost, total), country, total)
        ]
    return _hits(folded, scored, limit)


def _scored(folded: str, words: list[Word], country: str | None, total: int) -> Iterator[Scored]:
    query = Query(folded, words, _countries(words), _spans(words), country)
    names = _candidates(query, total)
    _weights.learn((word for name in names for word in name.key.split(" ")), total)
    scored = (score(query, name, _weights) for name in names)
    return (item for item in scored if item)


def _readings(text: str) -> list[list[Word]]:
    """Return the telling words of the text; twice, if it matters whether the last one is finished.

    "Osh St" may mean Saint or go on as "State", "University of th" may go on as "the" or as "Thessaly".
    """
    segments = _SEPARATOR.split(_FOOTNOTE.sub("", text))
    finished = _words(map(telling_words, segments))
    if not (finished and text[-1:].isalnum() and _may_go_on(finished)):
        return [finished]
    before, _, last = fold(segments[-1]).rpartition(" ")
    if is_unspaced(last):
        finished[-1].unfinished = True
        return [finished]
    read = [*map(telling_words, segments[:-1]), telling_words(before, go_on=True)]
    begun = _words([*read[:-1], [*read[-1], plain_form(last)]])
    begun[-1].unfinished = True
    begun[-1].meant = begun_forms(last)
    if begins_filler(last):
        finished = _words(read)
    same = [word.text for word in finished] == [word.text for word in begun]
    return [begun] if same or not finished else [finished, begun]


def _words(segments: Iterable[Sequence[str]]) -> list[Word]:
    words = [Word(word, number) for number, segment in enumerate(segments) for word in segment]
    return words[:_MOST_WORDS]


def _may_go_on(words: Sequence[Word]) -> bool:
    """Whether the last word may be unfinished: not in a pasted line, and there is enough of it."""
    last = words[-1]
    return len(words) <= _MOST_OF_NAME and (last.segment == words[0].segment or len(last.text) > 2)


def _known(words: list[Word], lost: Mapping[str, list[str]], total: int) -> list[Word]:
    """Return the words with their weights and what they may have been meant for."""
    texts = [word.text for word in words]
    parts = {part for text in texts for split in _splits(text) for part in split}
    parts |= {part for split in lost.values() for part in split}
    pairs = {a + b for a, b in pairwise(texts)}
    begun = words[-1].meant if words else {}
    frequencies = _frequencies({*texts, *parts, *pairs, *begun})
    words = _reblanked(words, frequencies, lost)
    for word in words:
        word.frequency = word.reach = frequencies.get(word.text, 0)
    for before, word in pairwise([Word("", -1, frequency=1), *words]):
        word.weight = _weight(word, before, total)
    if begun:
        _weigh_begun(words[-1], frequencies, total)
    _correct(words)
    return words


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
    if word.frequency < _RARE and _is_mistyped_filler(word.text):
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
    words: list[Word], frequencies: Mapping[str, int], lost: Mapping[str, list[str]]
) -> list[Word]:
    """Return the words, those that lack a blank cut in two, and those with a blank too many joined."""
    result: list[Word] = []
    for word in words:
        before = result[-1] if result else None
        joined = before.text + word.text if before and before.segment == word.segment else ""
        known = word.text in frequencies
        if joined in frequencies and before and not (known and before.text in frequencies):
            result[-1] = Word(joined, word.segment, unfinished=word.unfinished, meant=word.meant)
        elif known:
            result.append(word)
        else:
            parts = lost.get(word.text) or _best_split(word.text, frequencies) or [word.text]
            telling = [part for part in parts if part not in FILLERS] or [word.text]
            result += [Word(part, word.segment) for part in telling]
            result[-1].unfinished, result[-1].meant = word.unfinished, word.meant
    return result


def _best_split(text: str, frequencies: Mapping[str, int]) -> tuple[str, str] | None:
    splits = {split: min(frequencies.get(part, 0) for part in split) for split in _splits(text)}
    best = max(splits, key=splits.__getitem__, default=None)
    return best if best and splits[best] >= 3 else None


def _correct(words: Sequence[Word]) -> None:
    """Add to rare words what they may have been meant for: words that are far more frequent."""
    rare = {word.text: word for word in words if _may_be_mistyped(word)}
    chosen = sorted(rare, key=lambda text: rare[text].frequency)[:_MOST_CORRECTED]
    if not chosen:
        return
    for typed, similar, frequency in db.session.execute(_CORRECT, {"words": chosen, "last": _LAST}):
        word = rare[typed]
        if frequency < 4 * word.frequency or len(word.meant) >= _MOST_CORRECTIONS:
            continue
        count = mistakes(typed, similar, unfinished=word.unfinished)
        if similar != typed and count <= _allowed_mistakes(typed):
            word.reach += frequency
            word.meant[one_form(similar)] = _closeness(word, max(count, 0.5))


def _closeness(word: Word, mistakes: float) -> float:
    """Return how likely a correction is: less in a short word, and less if the registry knows the word."""
    return 1 - 1.2 * mistakes / len(word.text) - (0.15 if word.frequency else 0.0)


def _may_be_mistyped(word: Word) -> bool:
    return (
        len(word.text) >= _SHORTEST_CORRECTED
        and word.frequency < _RARE
        and not any(char.isdigit() for char in word.text)
        and not is_unspaced(word.text)
    )


def _frequencies(words: Iterable[str]) -> dict[str, int]:
    """Return in how many names each word is, without those that are in none."""
    rows = db.session.execute(
        select(InstitutionWord.word, InstitutionWord.frequency).where(
            InstitutionWord.word.in_(list(words))
        )
    )
    return dict(rows.all())


class _Weights(dict[str, float]):
    """The weights of words in names, read when first needed; begun anew when the number of names changes.

    That a word's weight is a little out of date after an import is no harm.
    """

    names = 0

    def learn(self, words: Iterable[str], names: int) -> None:
        if names != self.names:
            self.clear()
            self.names = names
        new = {*words} - self.keys()
        if new:
            self |= {word: weight_of(count, names) for word, count in _frequencies(new).items()}
            self |= dict.fromkeys(new - self.keys(), 1.0)


_weights = _Weights()


def _spans(words: Sequence[Word]) -> dict[str, range]:
    """Return the keys of all words side by side that could be a name, with the positions that they take."""
    spans: dict[str, range] = {}
    texts = [_likeliest(word) for word in words]
    for start in range(len(words)):
        for end in range(start + 1, min(start + _LONGEST_SPAN, len(words)) + 1):
            spans.setdefault(key_of(texts[start:end]), range(start, end))
    return spans


def _likeliest(word: Word) -> str:
    if word.frequency or not word.meant:
        return word.text
    return max(word.meant, key=word.meant.__getitem__)


def _countries(words: Sequence[Word]) -> dict[int, frozenset[str]]:
    """Return the positions of countries that end a segment, or are one, with their codes."""
    countries: dict[int, frozenset[str]] = {}
    start = 0
    for _, segment in groupby(words, key=lambda word: word.segment):
        texts = [word.text for word in segment]
        length, codes = country_at_end(texts)
        start += len(texts)
        countries |= dict.fromkeys(range(start - length, start), codes)
    return countries if len(countries) < len(words) else {}


def _candidates(query: Query, total: int) -> list[Name]:
    marks = {"anywhere": "", "well_known": WELL_KNOWN}
    if query.home:
        marks["at_home"] = country_mark(query.home)
    named = [word for at, word in enumerate(query.words) if at not in query.countries]
    rows = db.session.execute(
        _CANDIDATES,
        {"at_home": "", "keys": list(query.spans), "rare": _rare(query, total)}
        | {kind: _all_words(named, mark) for kind, mark in marks.items()}
        | {
            "typed": query.folded,
            "typed_end": f"{query.folded}{_LAST}",
        },
    )
    return list({(row[0], row[2]): Name(*row) for row in rows}.values())


def country_mark(country: str) -> str:
    """Return the prefix of those index entries that find a word in one country only."""
    return f"{country.lower()} "


def _all_words(words: Sequence[Word], mark: str) -> str:
    """Return a tsquery literal. Folded words have letters, marks and digits only: nothing to escape."""
    if len(words) > _MOST_OF_NAME:
        return ""
    # One wrong character of Han spoils two words; the first is then found by its other character.
    spoiled = next(
        (
            word
            for before, word in pairwise(words)
            if is_unspaced(word.text) and not word.frequency and not before.frequency
        ),
        None,
    )
    # A single letter begins a tenth of all words, so it is not searched for as a word.
    return " & ".join(
        _any_form(word, mark)
        for word in words
        if (len(word.text) > 1 or not word.unfinished or is_unspaced(word.text))
        and word is not spoiled
    )


def _any_form(word: Word, mark: str = "") -> str:
    if not word.frequency and is_unspaced(word.text):
        return f"'{mark}{word.text[0]}':*"  # the mistake may be in the second character
    ending = ":*" if word.unfinished else ""
    forms = [f"'{mark}{word.text}'{ending}", *(f"'{mark}{form}'" for form in word.meant)]
    return "(" + " | ".join(forms) + ")"


def _rare(query: Query, total: int) -> str:
    """Return a tsquery literal for names that share a rare word, or two that are less so."""
    words = sorted(
        (word for at, word in enumerate(query.words) if word.reach and at not in query.countries),
        key=lambda word: word.reach,
    )
    literals, left = [], _MOST_RARE
    while words and words[0].reach <= left:
        left -= words[0].reach
        literals.append(_any_form(words.pop(0)))
    if len(words) > 1 and 4 * words[0].reach * words[1].reach / total <= left:
        literals.append(f"{_any_form(words[0])} & {_any_form(words[1])}")
    return " | ".join(literals)


def _hits(folded: str, scored: Sequence[Scored], limit: int) -> list[Hit]:
    best: dict[str, Scored] = {}
    acronyms: dict[str, str] = {}
    for item in scored:
        id_ = item.name.institution_id
        if id_ not in best or item.rank > best[id_].rank:
            best[id_] = item
        if item.name.kind == "acronym" and item.name.folded.startswith(folded):
            acronyms[id_] = min(item.name.value, acronyms.get(id_, item.name.value))
    ordered = sorted(best.values(), key=lambda item: (-item.rank, item.name.institution_id))
    return [
        Hit(
            item.name.institution_id,
            item.name.value,
            acronyms.get(item.name.institution_id),
            round(item.score, 3),
        )
        for item in ordered[:limit]
    ]


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


@contextmanager
def _tuned() -> Iterator[int]:
    """Make searches inside use the indexes; yields about how many names there are.

    The planner has no statistics about rare words, and reads the whole table when it overestimates them.
    """
    names = db.session.execute(_TUNE, {"scan": "off"}).one()[2]
    yield max(
        1000, int(names)
    )  # no finally: an error ends the transaction, and the setting with it
    db.session.execute(_TUNE, {"scan": "on"})
