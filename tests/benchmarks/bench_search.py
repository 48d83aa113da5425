"""Searching: how often the right institution is found, and the time it takes, next to reading one row by its key.

The queries are made of names of the registry as people write them: unfinished, mistyped, without accents, in
capitals, in another order, with an article, a country, a faculty or a whole address; mail domains are those of
websites. Nothing was tuned on them. If the sets that ROR's API is tested with lie beside the dump in ../shared/data
they are measured, too. Targets are for the 51,370 institutions of that dump.
"""

import json
import random
import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import event, func, select

from campaign import jobs
from campaign.app import create_site
from campaign.db import db
from campaign.geography import country_name
from campaign.hostnames import registrable_domain
from campaign.institutions.models import Institution, InstitutionName, Status
from campaign.institutions.operations import import_dump
from campaign.institutions.queries import propose_by_domain, search
from tests.benchmarks.tools import database
from tests.conftest import SHARED

ABSENT = Path(__file__).parents[1] / "institutions" / "absent.txt"
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
        source = f"the starter registry, since {DUMP} is missing"
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
        print(f"search: in the database {_line(found)} (target p50 6 ms, p99 20 ms)")
        print(f"search: with Python     {_line(whole)}")
        print(f"search: one row by key  {_line(rows)}")
        print(
            f"search: ratio p50 {_p50(found) / _p50(rows):.1f}, p99 {_p99(found) / _p99(rows):.1f}"
        )
        _print_rates(random.Random(SEED))


Case = tuple[str, Sequence[str]]  # what is written, and the ROR ids of which one is right
SETS_OF_ROR = {
    "dataset_names.json": "ROR's test names (target 95 % in five, 88 % first)",
    "dataset_affiliations_crossref_2024_02_19.json": "ROR's lines of Crossref (target 60 % in five)",
    "dataset_affiliations_springer_2023_10_31.json": "ROR's lines of Springer (target 60 % in five)",
}


def _print_rates(chance: random.Random) -> None:
    schools = db.session.scalars(
        select(Institution)
        .where(Institution.status == Status.ACTIVE, Institution.types.contains(["education"]))
        .order_by(Institution.id)
    ).all()
    for name, write in _TYPED.items():
        cases = [(write(school, chance), [school.id]) for school in chance.sample(schools, 150)]
        _print_rate(f"{name} (target 85 % in five)", cases)
    lines = [(_line_of(school), [school.id]) for school in chance.sample(schools, 300)]
    _print_rate("pasted lines (target 60 % in five)", lines)
    _print_domains(schools)
    strangers = [name for name in ABSENT.read_text("utf-8").splitlines() if _found(name)]
    print(f"search: {len(strangers)} strangers first for 100 absent names (target 0)")
    for file, title in SETS_OF_ROR.items():
        if (DUMP.parent / file).exists():
            _print_rate(title, _cases_of(DUMP.parent / file))
        else:
            print(f"search: {title}: {file} is not in {DUMP.parent}")


def _print_rate(title: str, cases: Sequence[Case]) -> None:
    answers = [(_found(written), right) for written, right in cases]
    first = sum(ids[:1] != [] and ids[0] in right for ids, right in answers) / len(cases)
    five = sum(bool({*ids} & {*right}) for ids, right in answers) / len(cases)
    print(f"search: {five:6.1%} in five, {first:6.1%} first of {len(cases):4} {title}")


def _print_domains(schools: Sequence[Institution]) -> None:
    """Of schools that belong to no other, have no registered domain, and whose website is a whole one."""
    hosts = [
        (host, school.id)
        for school in schools
        if not (school.parents or school.domains)
        if (host := _bare_host(school.website)) and host == registrable_domain(host)
    ]
    proposed = [
        id_ in [match.id for match in propose_by_domain(host, locale="en")] for host, id_ in hosts
    ]
    print(
        f"search: {sum(proposed) / len(hosts):6.1%} proposed of {len(hosts):4} domains known by website "
        "(target 97 %)"
    )


def _bare_host(website: str | None) -> str:
    host = (urlsplit(website or "").hostname or "").removeprefix("www.")
    return re.sub(r"^(?:www\d|en|english|web)\.", "", host)


def _found(written: str) -> list[str]:
    ids = [match.id for match in search(written, locale="en", limit=5)]
    db.session.rollback()
    return ids


def _cases_of(path: Path) -> list[Case]:
    """A set of ROR, without those that have no right answer in the registry."""
    ids = {*db.session.scalars(select(Institution.id).where(Institution.status == Status.ACTIVE))}
    entries = [
        (entry["affiliation"], [id_[-9:] for id_ in entry.get("ror_ids") or [entry["ror-id"]]])
        for entry in json.loads(path.read_text("utf-8"))
        if entry.get("ror_ids") or entry.get("ror-id")
    ]
    return [case for case in entries if ids.issuperset(case[1])]


def _line_of(school: Institution) -> str:
    country = country_name(school.country, "en")
    return f"Department of Physics, Faculty of Science, {school.name}, {school.city}, {country}"


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


_TYPED: dict[str, Callable[[Institution, random.Random], str]] = {
    "names with an article": lambda school, _: f"The {school.name}",
    "names with a country": lambda school, _: f"{school.name}, {country_name(school.country, 'en')}",
    "names with a city": lambda school, _: f"{school.name} {school.city}",
    "names with a faculty": lambda school, _: f"{school.name} Faculty of Medicine",
    "mistyped names": lambda school, chance: _mistyped(school.name, chance),
    "names without accents": lambda school, chance: _capitals_without_accents(school.name, chance),
    "other names": lambda school, chance: chance.choice([school.name, *school.aliases, *school.labels.values()]),
}  # fmt: skip


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
