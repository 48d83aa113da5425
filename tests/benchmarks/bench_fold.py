"""Folding: pledges folded per second, next to a bare GROUP BY over the same rows; and what a page read costs.

Targets: at least 0.3 of the bare statement; a campaign page at most 1.2 times as slow with 2,000,000 pledges
as with 1,000.
"""

import time
from statistics import median

from flask import Flask
from sqlalchemy import text

from campaign import jobs
from campaign.app import create_site
from campaign.clock import now
from campaign.db import db
from campaign.tallies import operations
from campaign.tallies.publishing import publish
from tests.benchmarks.tools import database
from tests.factories import CAMPAIGN
from tests.factories import text as shown_text

FEW, MANY = 1_000, 2_000_000
FOLDED = 200_000
READS = 300

# Pledges as they spread in life: a few institutions and countries have many, most have few.
_PLEDGES = """
    WITH places AS (
        SELECT array_agg(id ORDER BY id) AS ids, array_agg(country ORDER BY id) AS countries, count(*) AS n
        FROM institutions WHERE status = 'active'
    ), numbers AS (
        SELECT i, 1 + floor(power(random(), 3) * n)::int AS place
        FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS i, places
    ), added AS (
        INSERT INTO people (id, fingerprint, mailbox, address, locale)
        SELECT md5('p' || i)::uuid, sha256(('bench ' || i)::bytea), address, address, 'en'
        FROM numbers, LATERAL (SELECT 'bench-' || i || '@example.org' AS address) A RETURNING id
    )
    INSERT INTO pledges (id, campaign_id, person_id, kind, text_id, status, hold_reasons, submission, code_attempts,
        name, name_folded, institution_id, support_letters, country, disciplines, commitments, listed, newsletter,
        locale, is_demo, submitted_at, confirmed_at)
    SELECT md5('q' || i)::uuid, :campaign_id, md5('p' || i)::uuid, 'person', :text_id, 'confirmed', '{}',
        md5('q' || i)::uuid, 0, 'Scientist ' || i, 'scientist ' || i, ids[place], '{}', countries[place],
        ARRAY['1.' || 1 + i % 7], ARRAY['network', 'lectures', 'research-plan'], true, false, 'en', false, at, at
    FROM numbers, places, LATERAL (SELECT now() - random() * interval '400 days' AS at) AS times"""

# The same dimensions over the same rows, counted and thrown away.
_BARE = (
    "WITH counted AS (SELECT *, country::text AS c FROM tally_deltas), "
    + operations.SUMS.format(source="counted")
    + " SELECT count(*) FROM sums"
)


def main() -> None:
    with database() as settings, (app := create_site(settings)).app_context():
        add_pledges(1, FEW)
        fold_all()
        publish(now())
        jobs.commit()
        few = _read_cost(app)
        add_pledges(FEW + 1, MANY - FOLDED)
        fold_all()
        add_pledges(MANY - FOLDED + 1, MANY)
        bare, fold = _bare_seconds(), fold_all()
        publish(now())
        db.session.execute(text("ANALYZE"))
        jobs.commit()
        many = _read_cost(app)
        assert operations.differences() == []
    print(f"fold: {FOLDED / fold:,.0f} pledges/s, bare GROUP BY {FOLDED / bare:,.0f}/s")
    print(f"fold: ratio {bare / fold:.2f} (target 0.3)")
    print(f"read: campaign page {few:.2f} of a page without numbers at {FEW:,} pledges,", end=" ")
    print(f"{many:.2f} at {MANY:,}: ratio {many / few:.2f} (target at most 1.2)")


def add_pledges(first: int, last: int) -> None:
    shown = shown_text()
    for start in range(first, last + 1, 100_000):
        rows = {"first": start, "last": min(start + 99_999, last)}
        db.session.execute(
            text(_PLEDGES), {**rows, "campaign_id": shown.campaign_id, "text_id": shown.id}
        )
        jobs.commit()


def _bare_seconds() -> float:
    started = time.perf_counter()
    db.session.execute(operations.located(_BARE), operations.located_countries())
    seconds = time.perf_counter() - started
    db.session.rollback()
    return seconds


def fold_all() -> float:
    started = time.perf_counter()
    while operations.fold():
        jobs.commit()
    jobs.commit()
    return time.perf_counter() - started


def _read_cost(app: Flask) -> float:
    """Time of the campaign's page over that of a page without numbers, in turns: a machine has its moods."""
    client = app.test_client()
    times: dict[str, list[float]] = {f"/en/campaigns/{CAMPAIGN}/": [], "/en/about/": []}
    for _ in range(READS):
        for path, seconds in times.items():
            started = time.perf_counter()
            assert client.get(path).status_code == 200
            seconds.append(time.perf_counter() - started)
    page, yardstick = map(median, times.values())
    return page / yardstick


if __name__ == "__main__":
    main()
