"""The names of institutions as the search needs them, and the words that they consist of."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from sqlalchemy import delete, select, text

from campaign.db import db
from campaign.institutions.folding import fold, terms
from campaign.institutions.models import Institution, InstitutionName, InstitutionWord, Status
from campaign.institutions.search import WELL_KNOWN, country_mark
from campaign.institutions.words import key_of, telling_words

# One institution in thirty weighs as much or more. Where too many names match, the search looks at these first.
_WELL_KNOWN = 1.8

COLUMNS = (
    "institution_id",
    "position",
    "kind",
    "value",
    "folded",
    "terms",
    "key",
    "place",
    "country",
    "weight",
)

# Marked words, which contain a space, are copies.
_COUNT_WORDS = """
    CREATE TEMPORARY TABLE counted_words ON COMMIT DROP AS
    SELECT word, ndoc AS frequency FROM ts_stat('SELECT terms FROM institution_names')
    WHERE word !~ ' '
"""

# How many names of one institution each word is in.
_WORDS_OF_ONE = text("""
    SELECT word, count(*) FROM institution_names, unnest(tsvector_to_array(terms)) AS word
    WHERE institution_id = :id AND word !~ ' ' GROUP BY word
""")
_RECOUNT = text("""
    INSERT INTO institution_words (word, frequency)
    SELECT word, change FROM unnest(CAST(:words AS text[]), CAST(:changes AS int[])) AS changed (word, change)
    ON CONFLICT (word) DO UPDATE SET frequency = institution_words.frequency + excluded.frequency
""")

_WEIGHT_OF_TYPE = {"education": 1.0, "facility": 0.6, "company": 0.0}


def weight(types: Collection[str], number_of_names: int, relationships: int, status: str) -> float:
    """Estimate how likely people are to look for it: schools before firms, then by names and relationships.

    ROR has no figure for fame; a record that many have named and linked is a fair substitute.
    """
    kind = next((weight for type_, weight in _WEIGHT_OF_TYPE.items() if type_ in types), 0.4)
    fame = 0.35 * math.log1p(number_of_names + relationships)
    return kind + fame - (0.0 if status == Status.ACTIVE else 1.5)


def rewrite(institution: Institution, names: Sequence[Sequence[str]]) -> None:
    """Replace the searched names of an institution by these, each with its kind."""
    ours = InstitutionName.institution_id == institution.id
    place = db.session.scalar(select(InstitutionName.place).where(ours).limit(1))
    if place is None:
        place = place_words(institution.city, institution.subdivision)
    db.session.execute(delete(InstitutionName).where(ours))
    rows = [
        row(institution.id, position, kind, name, place, institution.country, institution.weight)
        for position, (name, kind) in enumerate(names)
    ]
    copy("institution_names", COLUMNS, rows)


@contextmanager
def words_recounted(institution_id: str) -> Iterator[None]:
    """Count the words again of an institution whose names change inside; ``refresh`` counts all."""
    before = _words_of(institution_id)
    yield
    changes = _words_of(institution_id)
    changes.subtract(before)
    changed = sorted((word, change) for word, change in changes.items() if change)
    words, counts = [word for word, _ in changed], [change for _, change in changed]
    db.session.execute(_RECOUNT, {"words": words, "changes": counts})
    db.session.execute(delete(InstitutionWord).where(InstitutionWord.frequency <= 0))


def _words_of(institution_id: str) -> Counter[str]:
    rows = db.session.execute(_WORDS_OF_ONE, {"id": institution_id})
    return Counter(dict(rows.all()))


def place_words(*parts: str | None) -> str:
    return " ".join(word for part in parts for word in telling_words(part or ""))


def row(
    id_: str, position: int, kind: str, name: str, place: str, country: str, weight: float
) -> tuple[object, ...]:
    marks = ["", country_mark(country), *([WELL_KNOWN] if weight >= _WELL_KNOWN else [])]
    words = telling_words(name)
    all_spellings = {spelling for spellings in terms(name) for spelling in spellings} | {*words}
    return (
        id_, position, kind, name, fold(name),
        " ".join(f"'{mark}{spelling}'" for spelling in all_spellings for mark in marks),
        key_of(words), place, country, weight,
    )  # fmt: skip


def copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    connection = db.session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    statement = psycopg.sql.SQL("COPY {} ({}) FROM STDIN").format(
        psycopg.sql.Identifier(table),
        psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, columns)),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def index_names_of_before() -> int:
    """Write the names anew that an earlier version stored, so that they are found; return how many there were.

    Names have no keys in a database that was just migrated. The next import adds what only a dump has.
    """
    if db.session.scalar(select(InstitutionName.key).where(InstitutionName.key != "").limit(1)):
        return 0
    stored = select(InstitutionName, Institution.city, Institution.subdivision).join(
        Institution, Institution.id == InstitutionName.institution_id
    )
    rows = [
        row(
            name.institution_id, name.position, name.kind, name.value,
            place_words(city, subdivision), name.country, name.weight,
        )
        for name, city, subdivision in db.session.execute(stored)
    ]  # fmt: skip
    db.session.expunge_all()
    db.session.execute(delete(InstitutionName))
    copy("institution_names", COLUMNS, rows)
    refresh()
    return len(rows)


def refresh() -> None:
    """Update what searches rely on: the counts of words, the indexes and the planner's statistics."""
    db.session.execute(text(_COUNT_WORDS))
    for statement in (
        "DELETE FROM institution_words WHERE word NOT IN (SELECT word FROM counted_words)",
        "INSERT INTO institution_words (word, frequency) SELECT word, frequency FROM counted_words "
        "ON CONFLICT (word) DO UPDATE SET frequency = excluded.frequency "
        "WHERE institution_words.frequency <> excluded.frequency",
        "DROP TABLE counted_words",
        # A GIN index first collects new entries in a list, which every search reads through until a vacuum.
        "SELECT gin_clean_pending_list(index::regclass) FROM unnest(ARRAY["
        "'ix_institution_names_terms', 'ix_institution_words_word', 'ix_institutions_domains']) AS index",
        "ANALYZE institutions, institution_names, institution_words",
    ):
        db.session.execute(text(statement))
