"""Counts by key: their order, and what a page of them costs."""

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from campaign.campaigns.models import Campaign
from campaign.db import db
from campaign.pledges.models import Kind
from campaign.tallies import queries
from campaign.tallies.models import Tally
from campaign.tallies.queries import KeyCounts

LIMIT = 20
OFFICIAL = 10


@pytest.fixture
def campaign_id(session: Session) -> int:
    """A campaign with 3,000 institutions: many with as many people, a few that pledged, some of these alone."""
    id_ = db.session.scalars(select(Campaign.id).order_by(Campaign.id)).first()
    assert id_ is not None
    rows = [("institution", f"0key{number:04}", "person", 1 + number % 5) for number in range(3000)]
    rows += [
        ("institution", f"0key{number:04}", "institution", 1 + number % 2)
        for number in range(0, 3000 * 2, 3000 * 2 // OFFICIAL)
    ]
    columns = "dimension", "key", "kind", "count"
    values = [{"campaign_id": id_, **dict(zip(columns, row, strict=True))} for row in rows]
    db.session.execute(insert(Tally), values)
    db.session.execute(text("ANALYZE tallies"))
    return id_


def expected(campaign_id: int) -> list[KeyCounts]:
    """Sorted in Python, from the rows as they are."""
    counts: dict[str, dict[str, int]] = {}
    for row in db.session.scalars(select(Tally).where(Tally.campaign_id == campaign_id)):
        counts.setdefault(row.key, {})[row.kind] = row.count
    rows = [
        KeyCounts(key, by_kind.get(Kind.PERSON, 0), by_kind.get(Kind.INSTITUTION, 0))
        for key, by_kind in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row.people, -row.official_pledges, row.key))


def rows_read() -> int:
    """Rows of the tallies that this transaction has read so far."""
    statement = text(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'tallies'"
    )
    return int(db.session.scalar(statement) or 0)


@pytest.mark.parametrize("limit", [1, 7, 999, 5000])
def test_pages_lead_through_all_keys_in_their_order(campaign_id: int, limit: int) -> None:
    everything = expected(campaign_id)
    starts = [None, *everything] if limit == 7 else [None, *everything[:3], everything[-2]]
    for number, after in enumerate(starts[:60]):
        start = everything.index(after) + 1 if after else 0
        page = queries.by_key(campaign_id, "institution", after=after, limit=limit)
        assert page == everything[start : start + limit], number


def test_without_a_limit_all_keys_come(campaign_id: int) -> None:
    assert queries.by_key(campaign_id, "institution") == expected(campaign_id)
    assert queries.by_key(campaign_id, "country") == []


@pytest.mark.parametrize("position", [0, 5, 600, 601, 1500, 2800, 2999, 3002])
def test_a_page_in_the_middle_reads_no_more_than_its_rows(campaign_id: int, position: int) -> None:
    after = expected(campaign_id)[position]
    before = rows_read()

    queries.by_key(campaign_id, "institution", after=after, limit=LIMIT)

    # As many rows of equal and of fewer people, and the official keys: listed, joined, and passed over among both.
    assert rows_read() - before <= 2 * LIMIT + 6 * OFFICIAL
