"""Search institutions by name while the reader types.

A name matches if it contains all typed words, in any order and spelling; the last one may be
unfinished. If few names match, mistyped words are corrected to words of the registry; if still none
matches, one word may be left out.

Common words make this hard: every tenth name contains "university", and ranking them all would take
far longer than a keystroke. So the index has each word up to three times: as it is, marked with the
country, and marked if the institution is well known. A search ranks the names that begin as typed,
the well known ones, and those in the reader's country; only if these are few does it look at all
others. The number that it ranks of each kind is limited, so a common word costs no more than a rare one.
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
# With so many matches the reader has typed correctly; with fewer, mistakes are looked for.
_FEW = 3
# One mistake makes a shorter word look like too many others; the registry counts no shorter ones either.
_SHORTEST_CORRECTED = 4
# These bound the size of a query: words that are corrected, corrections of each, and ways to leave words out.
_MOST_CORRECTED = 4
_MOST_CORRECTIONS = 5
_MOST_WAYS = 8

_COLUMNS = "institution_id, kind, value, folded, words, country, weight"
# The score is the institution's weight (up to about 3), a bonus for the reader's country, and one for how well the
# name fits. Exact names come first whatever their weight. Next is a name with the same words in another order
# or spelling, then one that begins as typed, then one in which a later word does; for these two, the more of the
# name is typed, the better. LIMITs without an order are on purpose: to sort, all matches would have to be read.
_SEARCH = sql(f"""
WITH near AS MATERIALIZED (
  (SELECT {_COLUMNS} FROM institution_names WHERE terms @@ CAST(:well_known AS tsquery) LIMIT 300)
  UNION ALL
  (SELECT {_COLUMNS} FROM institution_names WHERE terms @@ CAST(:at_home AS tsquery) LIMIT 300)
),
candidates AS (
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
FROM candidates
GROUP BY institution_id
ORDER BY score DESC, institution_id
LIMIT :limit
""")  # noqa: S608

# Words of the registry that resemble each typed one. A word that occurs in twenty names is not mistyped. As two
# mistakes are allowed, a correction is at most two letters shorter; it may be longer, as the typed word may go on.
_CORRECT = sql("""
SELECT typed.word, coalesce(own.frequency, 0) >= 20 AS is_sure, similar_words.word
FROM unnest(CAST(:words AS text[])) AS typed (word)
LEFT JOIN institution_words AS own ON own.word = typed.word
LEFT JOIN LATERAL (
  SELECT word, frequency FROM institution_words
  WHERE coalesce(own.frequency, 0) < 20 AND word % typed.word
    AND length(word) BETWEEN length(typed.word) - 2 AND length(typed.word) + 6
  ORDER BY similarity(word, typed.word) DESC, frequency DESC
  LIMIT 30
) AS similar_words ON true
ORDER BY similar_words.frequency DESC
""")

# Four letters with one mistake have a trigram similarity of 0.25; by default "%" starts at 0.3.
_TUNE = sql("""
SELECT
  set_config('enable_seqscan', :scan, true),
  set_config('pg_trgm.similarity_threshold', '0.25', true)
""")


@dataclass(frozen=True, slots=True)
class Hit:
    """An institution with a matching name.

    ``acronym`` is its acronym that begins as typed, if any; ``literal`` says whether any of its names does.
    """

    institution_id: str
    acronym: str | None
    literal: bool
    score: float


class Word(NamedTuple):
    """A typed word: its ``spellings``, of which names may begin with one if it is ``unfinished``.

    ``corrections`` are whole words that it may have been meant for.
    """

    spellings: tuple[str, ...]
    unfinished: bool
    corrections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Query:
    """What was typed, folded, and the number of words that distinguish it (see ``count_words``)."""

    folded: str
    words: int
    country: str | None
    limit: int


def find(text: str, country: str | None, limit: int) -> list[Hit]:
    """Return at most ``limit`` institutions, the best match first; ``country`` (ISO 3166-1) is the reader's."""
    text = text[:LONGEST_QUERY]
    query = _Query(fold(text), count_words(terms(text)), country, limit)
    if not query.folded:
        return []
    with _tuned():
        return _find(_words(text), query)


def _find(words: list[Word], query: _Query) -> list[Hit]:
    """Search as typed, then with corrections, then also with words left out, until something is found."""
    hits = _run([words], query)
    if not words or len(hits) >= _FEW or any(hit.literal for hit in hits):
        return hits
    corrected = _corrected(words)
    more = _run([corrected], query, tolerant=True) or _run(
        _without_one(corrected), query, tolerant=True
    )
    ids = {hit.institution_id for hit in hits}
    return (hits + [hit for hit in more if hit.institution_id not in ids])[: query.limit]


def _words(text: str) -> list[Word]:
    *before, last = terms(text)[:_MOST_WORDS]
    words = [Word(spellings, unfinished=False) for spellings in before]
    if len(last[0]) > 1 or is_unspaced(last[0]):
        return [*words, Word(last, unfinished=True)]
    # A single letter begins a tenth of all words, so it is not searched for as a word; names that begin with all
    # that is typed are found without it.
    return words


def _run(
    alternatives: Sequence[Sequence[Word]], query: _Query, *, tolerant: bool = False
) -> list[Hit]:
    """Return institutions with a name that has all words of one of the alternatives.

    ``tolerant`` ranks names by their similarity to the query, when its words are no longer those typed.
    """
    rows = db.session.execute(
        _SEARCH,
        {
            "anywhere": _tsquery(alternatives),
            "well_known": _tsquery(alternatives, WELL_KNOWN),
            "at_home": _tsquery(alternatives, country_mark(query.country)) if query.country else "",
            "typed": query.folded,
            "typed_end": f"{query.folded}\U0010ffff",  # sorts after all that begins as typed
            "inside": query.folded if is_unspaced(query.folded) else f" {query.folded}",
            "length": len(query.folded),
            "words": query.words,
            "country": query.country,
            "tolerant": tolerant,
            "limit": query.limit,
        },
    )
    return [Hit(*row) for row in rows]


def country_mark(country: str) -> str:
    """Return the prefix of those index entries that find a word in one country only."""
    return f"{country.lower()} "


def _tsquery(alternatives: Sequence[Sequence[Word]], mark: str = "") -> str:
    """Return a tsquery literal. Folded words have letters, marks and digits only: nothing to escape."""
    return " | ".join(
        " & ".join(_tsquery_of_word(word, mark) for word in words)
        for words in alternatives
        if words
    )


def _tsquery_of_word(word: Word, mark: str) -> str:
    ending = ":*" if word.unfinished else ""
    literals = [f"'{mark}{spelling}'{ending}" for spelling in word.spellings]
    literals += [f"'{mark}{correction}'" for correction in word.corrections]
    return "(" + " | ".join(literals) + ")"


def _corrected(words: Sequence[Word]) -> list[Word]:
    """Return the words, the long ones with what they may have been meant for.

    A long word counts as unfinished unless the registry knows it well: the mistake may lie in its ending.
    """
    long = [word for word in words if len(word.spellings[0]) >= _SHORTEST_CORRECTED]
    unfinished = {word.spellings[0]: word.unfinished for word in long}
    corrections: dict[str, list[str]] = {typed: [] for typed in unfinished}
    sure = set()
    rows = db.session.execute(_CORRECT, {"words": list(unfinished)[:_MOST_CORRECTED]})
    for typed, is_sure, similar in rows:
        allowed = _allowed_mistakes(typed)
        if is_sure:
            sure.add(typed)
        elif similar and mistakes(typed, similar, unfinished=unfinished[typed]) <= allowed:
            corrections[typed].append(similar)
    return [
        Word(
            word.spellings,
            word.unfinished or (word.spellings[0] in corrections and word.spellings[0] not in sure),
            tuple(corrections.get(word.spellings[0], [])[:_MOST_CORRECTIONS]),
        )
        for word in words
    ]


def _allowed_mistakes(typed: str) -> int:
    return 1 if len(typed) < 6 else 2


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


def _without_one(words: Sequence[Word]) -> list[Sequence[Word]]:
    """Return the words in a few ways, each without some neighbours; any one mistake is left out in one of them.

    A wrong character spoils as many overlapping pieces as a piece has characters, and one more if two
    characters are swapped; a word that does not belong there spoils only itself.
    """
    pieces = [len(word.spellings[0]) for word in words if is_unspaced(word.spellings[0])]
    spoiled = max(1, min(max(pieces, default=0) + 1, len(words) - 1))
    step = max(1, -(-len(words) // _MOST_WAYS))
    # A way that leaves out ``step - 1`` words more covers the starts that were skipped.
    ways = (
        [*words[:start], *words[start + spoiled + step - 1 :]]
        for start in range(0, max(1, len(words) - spoiled + 1), step)
    )
    return [way for way in ways if way]


@contextmanager
def _tuned() -> Iterator[None]:
    """Make searches inside use the indexes.

    The planner has no statistics about rare words, and reads the whole table when it overestimates them.
    """
    db.session.execute(_TUNE, {"scan": "off"})
    yield  # no finally: an error ends the transaction, and the setting with it
    db.session.execute(_TUNE, {"scan": "on"})
