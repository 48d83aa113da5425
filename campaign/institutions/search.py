"""Finding institutions while somebody types.

A name is found when it has all words typed, in any order and any spelling, the last one perhaps
unfinished. Where that finds little, mistyped words are corrected from the words of the registry;
where that finds nothing, one of the words may be missing from the name.

Common words make this hard: every tenth name holds "university". So the index holds each word three
times: as it is, marked with the country, and marked as belonging to a well known institution. A
search looks at names that begin as typed, at the well known, and at those in the reader's country;
only where these are few does it look at all others. How many of each are weighed has a limit.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text as sql

from campaign.db import db
from campaign.institutions.folding import count_words, fold, is_unspaced, terms

LONGEST_QUERY = 200
WELL_KNOWN = "# "

_MOST_WORDS = 20
_FEW = 3
_SHORTEST_CORRECTED = 4
_MOST_CORRECTED = 4
_MOST_CORRECTIONS = 5
_MOST_WAYS = 8

_COLUMNS = "institution_id, kind, value, folded, words, country, weight"
_SEARCH = sql(f"""
WITH near AS MATERIALIZED (
  (SELECT {_COLUMNS} FROM institution_names WHERE terms @@ CAST(:well_known AS tsquery) LIMIT 300)
  UNION ALL
  (SELECT {_COLUMNS} FROM institution_names WHERE terms @@ CAST(:at_home AS tsquery) LIMIT 300)
),
found AS (
  TABLE near
  UNION ALL
  (SELECT {_COLUMNS} FROM institution_names
   WHERE folded >= :typed AND folded < :typed_end ORDER BY folded LIMIT 100)
  UNION ALL
  (SELECT {_COLUMNS} FROM institution_names
   WHERE terms @@ CAST(:anywhere AS tsquery) AND (SELECT count(*) FROM near) < 200 LIMIT 400)
)
SELECT
  institution_id,
  min(value) FILTER (WHERE kind = 'acronym' AND starts_with(folded, :typed)) AS acronym,
  bool_or(starts_with(folded, :typed)) AS literal,
  max(
    weight
    + CASE WHEN country = :country THEN real '1.5' ELSE real '0' END
    - CASE WHEN kind = 'alias' THEN real '0.3' ELSE real '0' END
    + CASE
        WHEN folded = :typed AND kind = 'acronym' THEN real '20'
        WHEN folded = :typed AND kind = 'name' THEN real '18'
        WHEN folded = :typed THEN real '14'
        WHEN words = :words AND words > 1 AND NOT :tolerant THEN real '3.5'
        WHEN starts_with(folded, :typed) THEN 2.0 + CAST(:length AS real) / length(folded)
        WHEN strpos(folded, :inside) > 0 THEN 1.8 + CAST(:length AS real) / length(folded)
        WHEN :tolerant THEN 4 * similarity(folded, :typed)
        ELSE real '0'
      END
  ) AS score
FROM found
GROUP BY institution_id
ORDER BY score DESC, institution_id
LIMIT :limit
""")  # noqa: S608

# A word that stands in twenty names is sure to be one, and needs no correction.
_CORRECT = sql("""
SELECT typed.word, coalesce(own.frequency, 0) >= 20 AS is_sure, known.word
FROM unnest(CAST(:words AS text[])) AS typed (word)
LEFT JOIN institution_words AS own ON own.word = typed.word
LEFT JOIN LATERAL (
  SELECT word, frequency FROM institution_words
  WHERE coalesce(own.frequency, 0) < 20 AND word % typed.word
    AND length(word) BETWEEN length(typed.word) - 2 AND length(typed.word) + 6
  ORDER BY similarity(word, typed.word) DESC, frequency DESC
  LIMIT 30
) AS known ON true
ORDER BY known.frequency DESC
""")

_TUNE = sql("""
SELECT
  set_config('enable_seqscan', :scan, true),
  set_config('pg_trgm.similarity_threshold', '0.25', true)
""")


@dataclass(frozen=True, slots=True)
class Hit:
    """An institution that was found.

    ``acronym`` is set where that is what was typed, ``literal`` where one of its names begins as typed.
    """

    institution_id: str
    acronym: str | None
    literal: bool
    score: float


class Word(NamedTuple):
    """A typed word.

    Names may go on where ``spellings`` end if it is ``unfinished``; ``corrections`` stand for it as they are.
    """

    spellings: tuple[str, ...]
    unfinished: bool
    corrections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    typed: str
    words: int
    country: str | None
    limit: int


def find(text: str, country: str | None, limit: int) -> list[Hit]:
    """The best matches first, at most ``limit``. ``country`` (ISO 3166-1 alpha-2) is the reader's."""
    text = text[:LONGEST_QUERY]
    asked = _Asked(fold(text), count_words(terms(text)), country, limit)
    if not asked.typed:
        return []
    with _tuned():
        return _find(_words(text), asked)


def _find(words: list[Word], asked: _Asked) -> list[Hit]:
    hits = _run([words], asked)
    if not words or len(hits) >= _FEW or any(hit.literal for hit in hits):
        return hits
    corrected = _corrected(words)
    more = _run([corrected], asked, tolerant=True) or _run(
        _without_one(corrected), asked, tolerant=True
    )
    known = {hit.institution_id for hit in hits}
    return (hits + [hit for hit in more if hit.institution_id not in known])[: asked.limit]


def _words(text: str) -> list[Word]:
    found = terms(text)[:_MOST_WORDS]
    *before, last = found
    words = [Word(spellings, unfinished=False) for spellings in before]
    if len(last[0]) > 1 or is_unspaced(last[0]):
        return [*words, Word(last, unfinished=True)]
    # A single letter begins every tenth word; only names that begin with all that is typed are looked at.
    return words


def _run(
    alternatives: Sequence[Sequence[Word]], asked: _Asked, *, tolerant: bool = False
) -> list[Hit]:
    """The names that hold all words of one of the alternatives."""
    rows = db.session.execute(
        _SEARCH,
        {
            "anywhere": _tsquery(alternatives),
            "well_known": _tsquery(alternatives, WELL_KNOWN),
            "at_home": _tsquery(alternatives, country_mark(asked.country)) if asked.country else "",
            "typed": asked.typed,
            "typed_end": f"{asked.typed}\U0010ffff",
            "inside": asked.typed if is_unspaced(asked.typed) else f" {asked.typed}",
            "length": len(asked.typed),
            "words": asked.words,
            "country": asked.country,
            "tolerant": tolerant,
            "limit": asked.limit,
        },
    )
    return [Hit(*row) for row in rows]


def country_mark(country: str) -> str:
    """What a word in the index begins with when it is looked for in one country."""
    return f"{country.lower()} "


def _tsquery(alternatives: Sequence[Sequence[Word]], mark: str = "") -> str:
    """A tsquery literal. Folded words have letters, marks and digits only: nothing to escape."""
    return " | ".join(
        " & ".join(_tsquery_of_word(word, mark) for word in words)
        for words in alternatives
        if words
    )


def _tsquery_of_word(word: Word, mark: str) -> str:
    ending = ":*" if word.unfinished else ""
    spelled = [f"'{mark}{spelling}'{ending}" for spelling in word.spellings]
    return "(" + " | ".join(spelled + [f"'{mark}{known}'" for known in word.corrections]) + ")"


def _corrected(words: Sequence[Word]) -> list[Word]:
    """Each long word with what it may have been meant for; unfinished unless it is sure to be right."""
    long = [word for word in words if len(word.spellings[0]) >= _SHORTEST_CORRECTED]
    unfinished = {word.spellings[0]: word.unfinished for word in long}
    meant: dict[str, list[str]] = {typed: [] for typed in unfinished}
    sure = set()
    for typed, is_sure, known in db.session.execute(
        _CORRECT, {"words": list(unfinished)[:_MOST_CORRECTED]}
    ):
        if is_sure:
            sure.add(typed)
        elif known and mistakes(typed, known, unfinished=unfinished[typed]) <= _allowed_mistakes(
            typed
        ):
            meant[typed].append(known)
    return [
        Word(
            word.spellings,
            word.unfinished or (word.spellings[0] in meant and word.spellings[0] not in sure),
            tuple(meant.get(word.spellings[0], [])[:_MOST_CORRECTIONS]),
        )
        for word in words
    ]


def _allowed_mistakes(typed: str) -> int:
    return 1 if len(typed) < 6 else 2


def mistakes(typed: str, known: str, *, unfinished: bool) -> int:
    """How many letters are wrong, missing, too many or swapped with the next (optimal string alignment).

    An unfinished word is compared with the beginning of the known one that fits it best.
    """
    before: list[int] = []
    row = list(range(len(known) + 1))
    for i, letter in enumerate(typed):
        last, before, row = before, row, [i + 1]
        for j, other in enumerate(known):
            cost = min(before[j] + (letter != other), before[j + 1] + 1, row[j] + 1)
            if i and j and letter == known[j - 1] and typed[i - 1] == other:
                cost = min(cost, last[j - 1] + 1)
            row.append(cost)
    return min(row) if unfinished else row[-1]


def _without_one(words: Sequence[Word]) -> list[Sequence[Word]]:
    """The words in a few ways that each leave out some neighbours, so that any one mistake is left out in some way.

    A character that is wrong spoils as many overlapping pieces as a piece has characters, one more where
    two are swapped; a word that should not be there spoils itself.
    """
    pieces = [len(word.spellings[0]) for word in words if is_unspaced(word.spellings[0])]
    spoiled = max(1, min(max(pieces, default=0) + 1, len(words) - 1))
    step = max(1, -(-len(words) // _MOST_WAYS))
    ways = (
        [*words[:start], *words[start + spoiled + step - 1 :]]
        for start in range(0, max(1, len(words) - spoiled + 1), step)
    )
    return [way for way in ways if way]


@contextmanager
def _tuned() -> Iterator[None]:
    """Searches use the indexes, whatever the planner guesses of a word it has no figures for."""
    db.session.execute(_TUNE, {"scan": "off"})
    yield  # an error ends the transaction, and the setting with it
    db.session.execute(_TUNE, {"scan": "on"})
