"""Find institutions by what people write: an unfinished name, a mistyped one, a pasted line of addresses.

Four kinds of names are candidates, always all of them, and ``scoring`` decides between them:

- names that begin as typed;
- names that have all words typed, in any order, the last of them perhaps unfinished;
- names whose words all stand side by side in what was typed ("Boston University" in "Boston University School of
  Public Health"), found by their ``key``;
- names that share one of its rarest words, whatever else they have.

``reading`` says which words were typed, ``spelling`` what they may have been meant for: these take part as they
do, at a discount.

Common words make the second kind hard: every tenth name contains "university", and reading them all would take far
longer than a keystroke. So the index has each word up to three times: as it is, marked with the country, and marked
if the institution is well known. A search reads those in the reader's country and the well known ones; only if
these are few does it look at all others. The number that it reads of each kind is limited, so a common word costs
no more than a rare one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from itertools import groupby, pairwise

from sqlalchemy import text as sql

from campaign.db import db
from campaign.institutions.countries import country_at_end
from campaign.institutions.folding import fold, is_unspaced
from campaign.institutions.reading import MOST_OF_NAME, readings
from campaign.institutions.scoring import Name, Query, Scored, Word, score
from campaign.institutions.vocabulary import LAST, weights
from campaign.institutions.words import key_of

# A name, a line of addresses or several lines; everything that is searched for has this one limit.
LONGEST_QUERY = 1000
WELL_KNOWN = "# "

# Names are rarely longer; the words of longer ones are still found one by one.
_LONGEST_SPAN = 10
# This bounds the size of a query: names that share a rare word.
_MOST_RARE = 400

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
    text = unescape(text)
    folded = fold(text)
    if not folded:
        return []
    with _tuned() as total:
        scored = [
            item
            for words in readings(text, total)
            for item in _scored(folded, words, country, total)
        ]
    return _hits(folded, scored, limit)


def _scored(folded: str, words: list[Word], country: str | None, total: int) -> Iterator[Scored]:
    query = Query(folded, words, _countries(words), _spans(words), country)
    names = _candidates(query, total)
    weights.learn((word for name in names for word in name.key.split(" ")), total)
    scored = (score(query, name, weights) for name in names)
    return (item for item in scored if item)


def _spans(words: Sequence[Word]) -> dict[str, range]:
    """Return the keys of all words side by side that could be a name, with the positions that they take.

    Those within a segment come before those that begin in the one before.
    """
    across: dict[str, range] = {}
    within: dict[str, range] = {}
    texts = [_likeliest(word) for word in words]
    for start in range(len(words)):
        for end in range(start + 1, min(start + _LONGEST_SPAN, len(words)) + 1):
            is_within = words[start].segment == words[end - 1].segment
            spans = within if is_within else across
            spans.setdefault(key_of(texts[start:end]), range(start, end))
    return across | within


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
            "typed_end": f"{query.folded}{LAST}",
        },
    )
    return list({(row[0], row[2]): Name(*row) for row in rows}.values())


def country_mark(country: str) -> str:
    """Return the prefix of those index entries that find a word in one country only."""
    return f"{country.lower()} "


def _all_words(words: Sequence[Word], mark: str) -> str:
    """Return a tsquery literal. Folded words have letters, marks and digits only: nothing to escape."""
    if len(words) > MOST_OF_NAME:
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
