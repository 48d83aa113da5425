"""Counts by key and over time: right, named, without gaps."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign import jobs
from campaign.clock import now
from campaign.tallies import operations as tallies
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
    """Official pledges as they are, people in fives; two are too few to be counted by month."""
    address = f"{HERE}/months?institution={world.home.id}"
    rows = read(client, address)["items"]
    assert [(row["people"], row["official_pledges"]) for row in rows] == [(0, 1)]

    for number in range(5):
        confirmed(f"more{number}@example.org", institution=world.home.id)
    fold()

    rows = read(client, address)["items"]
    assert [(row["people"], row["official_pledges"]) for row in rows] == [(5, 1)]


@pytest.mark.parametrize("dimension", ["commitment", "discipline"])
def test_what_people_chose_is_counted_in_fives_and_once_a_day(
    client: FlaskClient, world: World, dimension: str
) -> None:
    """Official pledges, which are public one by one, are as they are."""
    key = {"commitment": "network", "discipline": "1.5"}[dimension]
    address = f"{HERE}/tallies/{dimension}?limit=1"
    for number in range(9):
        confirmed(f"more{number}@example.org", commitments=["network"])
    tallies.fold()
    jobs.commit()
    assert {row["people"] for row in read(client, address)["items"]} <= {0}

    fold()

    page = read(client, address)
    assert (page["items"][0]["key"], page["items"][0]["people"]) == (key, 5)
    rest = [row for page in pages(client, page["next"]) for row in page["items"]]
    official = {row["key"]: row["official_pledges"] for row in [*page["items"], *rest]}
    assert official.get("hosting", 1) == 1
    assert len(official) == 1 + len(rest)


def pages(client: FlaskClient, address: str | None) -> Iterator[Any]:
    while address:
        page = read(client, address)
        yield page
        address = page["next"]


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
