"""Counts by key and over time: right, named, without gaps."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign.clock import now
from tests.api.reading import HERE, World, fold, read
from tests.factories import confirmed


@pytest.mark.parametrize(
    ("dimension", "first"),
    [
        ("country", {"key": "KE", "name": "Kenya", "country": None, "people": 2, "official_pledges": 1}),
        ("region", {"key": "002", "name": "Afrique", "country": None, "people": 3, "official_pledges": 1}),
    ],
)  # fmt: skip
def test_tallies_are_counts_with_names(
    client: FlaskClient, world: World, dimension: str, first: dict[str, Any]
) -> None:
    assert read(client, f"{HERE}/tallies/{dimension}?lang=fr")["items"][0] == first


def test_an_institution_is_named_in_the_language_asked_for(
    client: FlaskClient, world: World
) -> None:
    row = read(client, f"{HERE}/tallies/institution?lang=fr")["items"][0]
    assert (row["key"], row["name"], row["country"]) == (world.home.id, "Université du Lac", "KE")


def test_days_and_months_have_no_gaps(client: FlaskClient, session: object) -> None:
    early = confirmed("early@example.org")
    early.confirmed_at = now() - timedelta(days=70)
    confirmed("late@example.org")
    fold()
    days = read(client, f"{HERE}/days")["items"]
    assert [day["people"] for day in days] == [1, *[0] * 69, 1]
    assert len(read(client, f"{HERE}/months?country=KE")["items"]) in {3, 4}
    assert read(client, f"{HERE}/days?since={days[-1]['date']}")["items"] == days[-1:]


def test_months_of_an_institution_are_its_own(client: FlaskClient, world: World) -> None:
    rows = read(client, f"{HERE}/months?institution={world.home.id}")["items"]
    assert [(row["people"], row["official_pledges"]) for row in rows] == [(2, 1)]


@pytest.mark.parametrize("limit", [1, 3])
def test_pages_of_a_tally_lead_through_all_of_it(
    client: FlaskClient, world: World, limit: int
) -> None:
    rows, address = [], f"{HERE}/tallies/region?limit={limit}"
    while address:
        page = read(client, address)
        rows += page["items"]
        address = page["next"]
    assert rows == read(client, f"{HERE}/tallies/region")["items"]
    assert len(rows) > limit
