"""Searching: time in the database and in all for 1,000 queries in 10 scripts, next to reading one row by its key.

The queries are names of the registry as people type them: unfinished, mistyped, without accents, in capitals,
in another order. Target: p99 of the time in the database under 15 ms with 51,370 institutions.
"""

import random
import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any

from sqlalchemy import event, func, select

from campaign import jobs
from campaign.app import create_site
from campaign.db import db
from campaign.institutions.models import Institution, InstitutionName
from campaign.institutions.operations import import_dump
from campaign.institutions.queries import search
from tests.benchmarks.tools import database
from tests.conftest import SHARED

DUMP = SHARED / "data" / "ror-data-subset.zip"
SEED = 2026
QUERIES_PER_SCRIPT = 100
SCRIPTS = {
    "Latin": "a-zA-Z", "Han": "\u4e00-\u9fff", "Arabic": "\u0621-\u06d3", "Cyrillic": "\u0400-\u04ff",
    "Devanagari": "\u0904-\u0939", "Hangul": "\uac00-\ud7a3", "Greek": "\u0370-\u03ff",
    "Bengali": "\u0985-\u09b9", "Thai": "\u0e01-\u0e2e", "Hebrew": "\u05d0-\u05ea",
}  # fmt: skip


def main() -> None:
    with database() as settings, create_site(settings).app_context():
        source = "the starter registry"
        if DUMP.exists():
            source = "the dump in ../shared"
            import_dump(DUMP)
            jobs.commit()
        queries = _queries(random.Random(SEED))
        ids = db.session.scalars(
            select(Institution.id).order_by(func.md5(Institution.id)).limit(1000)
        ).all()
        print(f"search: {_count():,} institutions from {source}, {len(queries):,} queries")
        in_database = _Stopwatch()
        rows, _ = _times(in_database, ids, _read_one)
        found, whole = _times(
            in_database, queries, lambda query: search(query[1], locale="en", country=query[2])
        )
        for script in SCRIPTS:
            own = [
                seconds for seconds, query in zip(found, queries, strict=True) if query[0] == script
            ]
            print(f"search: {script:11} {_line(own)}")
        print(f"search: in the database {_line(found)} (target p99 15 ms)")
        print(f"search: with Python     {_line(whole)}")
        print(f"search: one row by key  {_line(rows)}")
        print(
            f"search: ratio p50 {_p50(found) / _p50(rows):.1f}, p99 {_p99(found) / _p99(rows):.1f}"
        )


Query = tuple[str, str, str | None]


def _queries(chance: random.Random) -> list[Query]:
    """Script, what is typed, and the reader's country: at random that of the institution, another, or none."""
    queries: list[Query] = []
    for script, letters in SCRIPTS.items():
        named = select(InstitutionName.value, InstitutionName.country).where(
            InstitutionName.value.op("~")(f"[{letters}]")
        )
        names = db.session.execute(
            named.order_by(InstitutionName.institution_id, InstitutionName.position)
        ).all()
        for value, country in chance.choices(names, k=QUERIES_PER_SCRIPT):
            typed = chance.choice(_WAYS)(_part_in_script(value, letters), chance)
            queries.append((script, typed, chance.choice([country, "US", None])))
    chance.shuffle(queries)
    return queries


def _part_in_script(value: str, letters: str) -> str:
    """A bilingual name without what stands before the script that was asked for."""
    return value[re.search(f"[{letters}]", value).start() :]  # type: ignore[union-attr]


def _whole(name: str, chance: random.Random) -> str:
    return name


def _unfinished(name: str, chance: random.Random) -> str:
    return name[: chance.randint(2, max(2, min(len(name), 24)))]


def _two_characters(name: str, chance: random.Random) -> str:
    return name[:2]


def _capitals_without_accents(name: str, chance: random.Random) -> str:
    plain = unicodedata.normalize("NFD", name.upper())
    return "".join(
        letter for letter in plain if unicodedata.category(letter) != "Mn" or letter > "\u0900"
    )


def _other_order(name: str, chance: random.Random) -> str:
    words = name.split()
    return " ".join(chance.sample(words, min(len(words), 4)))


def _mistyped(name: str, chance: random.Random) -> str:
    """Two neighbours swapped, or one character dropped or doubled."""
    name = name[:40]
    at = chance.randrange(max(1, len(name) - 1))
    middle = chance.choice(
        [name[at : at + 2][::-1], name[at + 1 : at + 2], name[at] * 2 + name[at + 1 : at + 2]]
    )
    return name[:at] + middle + name[at + 2 :]


_WAYS = (
    _whole,
    _unfinished,
    _unfinished,
    _two_characters,
    _capitals_without_accents,
    _other_order,
    _mistyped,
)


class _Stopwatch:
    """Adds up what the session waits for the database."""

    def __init__(self) -> None:
        self.seconds = 0.0
        event.listen(db.engine, "before_cursor_execute", self._start)
        event.listen(db.engine, "after_cursor_execute", self._stop)

    def _start(self, *_: object) -> None:
        self._started = time.perf_counter()

    def _stop(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started


def _times(
    in_database: _Stopwatch, asked: Sequence[Any], ask: Callable[[Any], object]
) -> tuple[list[float], list[float]]:
    """Seconds in the database and in all for each, the middle one of three tries: the machine has other work."""
    tries = [[_time(in_database, one, ask) for _ in range(3)] for one in asked]
    return [median(waited for waited, _ in three) for three in tries], [
        median(whole for _, whole in three) for three in tries
    ]


def _time(in_database: _Stopwatch, one: Any, ask: Callable[[Any], object]) -> tuple[float, float]:
    in_database.seconds = 0
    started = time.perf_counter()
    ask(one)
    whole = time.perf_counter() - started
    db.session.rollback()
    return in_database.seconds, whole


def _read_one(institution_id: str) -> object:
    return db.session.execute(select(Institution).where(Institution.id == institution_id)).one()


def _count() -> int:
    return db.session.scalar(select(func.count(Institution.id))) or 0


def _p50(times: Sequence[float]) -> float:
    return median(times)


def _p99(times: Sequence[float]) -> float:
    return quantiles(times, n=100)[98]


def _line(times: Sequence[float]) -> str:
    return f"p50 {_p50(times) * 1000:6.2f} ms  p99 {_p99(times) * 1000:6.2f} ms"


if __name__ == "__main__":
    main()
