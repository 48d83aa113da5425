"""The desk: how long its lists and its overview take one administrator, warm, next to their own SQL.

Targets, with 2,000,000 pledges and the full registry: under 300 ms at p95, at most 3 times the SQL.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text

from campaign import jobs
from campaign.app import create_desk, create_site
from campaign.clock import now
from campaign.db import db
from campaign.institutions.operations import import_dump
from campaign.staff import sessions
from campaign.tallies.publishing import publish
from tests.benchmarks.bench_fold import MANY, add_pledges, fold_all
from tests.benchmarks.bench_import import DUMP
from tests.benchmarks.tools import database
from tests.factories import CAMPAIGN, account, institution

WARM, ROUNDS = 3, 40
HELD, NOT_LISTED, WORDS = 500, 500, 5_000
PATHS = (
    "/",
    "/review/",
    "/review/words/",
    "/review/rules/",
    "/review/settled/",
    "/people/?name=Scientist+19999",
    "/institutions/",
    "/institutions/?q=university+of+nairobi",
    "/institutions/not-listed/",
    "/campaigns/",
    f"/campaigns/{CAMPAIGN}/",
    "/numbers/",
    "/exports/",
    "/record/",
    "/staff/",
    "/find/?q=nairobi",
    "/tasks/",
)

# Some pledges that wait for staff, as they would in life.
_WAITING = (
    f"UPDATE pledges SET status = 'held', hold_reasons = '{{network}}', confirmed_at = NULL"
    f" WHERE id IN (SELECT id FROM pledges LIMIT {HELD})",
    "UPDATE pledges SET institution_text = 'Institute ' || left(id::text, 2), institution_id = NULL"
    f" WHERE id IN (SELECT id FROM pledges WHERE status = 'confirmed' LIMIT {NOT_LISTED})",
    "UPDATE pledges SET words = 'For them'"
    f" WHERE id IN (SELECT id FROM pledges WHERE status = 'confirmed' LIMIT {WORDS})",
)


def main() -> None:
    with database() as settings, create_site(settings).app_context():
        _fill()
        desk = create_desk(settings)
        with desk.app_context():
            client = _administrator(desk)
            rows = [(path, *_measure(client, path)) for path in PATHS]
    for path, p95, ratio, statements in rows:
        print(
            f"desk: {path:42} p95 {p95 * 1000:4.0f} ms (target 300), {ratio:.1f} times its SQL"
            f" (target 3), {statements} statements"
        )


def _fill() -> None:
    if DUMP.exists():
        import_dump(DUMP)
        jobs.commit()
    else:
        print("desk: without the dump in ../shared, on the starter registry")
    institution()
    add_pledges(1, MANY)
    for statement in _WAITING:
        db.session.execute(text(statement))
    fold_all()
    publish(now())
    db.session.execute(text("ANALYZE"))
    jobs.commit()


def _administrator(desk: Flask) -> FlaskClient:
    _, secret = sessions.begin(account(), "Firefox, Linux", b"network", now())
    jobs.commit()
    client = desk.test_client()
    client.set_cookie("desk", secret, domain="localhost")
    return client


def _measure(client: FlaskClient, path: str) -> tuple[float, float, int]:
    """Return the seconds at p95, the median of time over that in the database, and the number of statements."""
    for _ in range(WARM):
        assert client.get(path).status_code == 200, path
    taken, ratios = [], []
    for _ in range(ROUNDS):
        with _watched() as spent:
            started = time.perf_counter()
            client.get(path)
            taken.append(time.perf_counter() - started)
        ratios.append(taken[-1] / sum(spent))
    return sorted(taken)[int(ROUNDS * 0.95) - 1], median(ratios), len(spent)


@contextmanager
def _watched() -> Iterator[list[float]]:
    """The seconds of each statement, as the program waits for it."""
    spent: list[float] = []
    began = 0.0

    def begin(*_: object) -> None:
        nonlocal began
        began = time.perf_counter()

    def end(*_: object) -> None:
        spent.append(time.perf_counter() - began)

    hooks = (("before_cursor_execute", begin), ("after_cursor_execute", end))
    for name, hook in hooks:
        event.listen(db.engine, name, hook)
    try:
        yield spent
    finally:
        for name, hook in hooks:
            event.remove(db.engine, name, hook)


if __name__ == "__main__":
    main()
