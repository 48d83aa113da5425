"""The lists of names: only those that may be shown, and nothing else."""

import pytest
from flask.testing import FlaskClient

from campaign.clock import now
from tests.api.reading import HERE, World, read


def test_only_who_chose_it_is_named_and_only_with_what_is_needed(
    client: FlaskClient, world: World
) -> None:
    found = read(client, f"{HERE}/signatories?country=KE")["items"]
    assert found == [
        {
            "name": "Listed Lakeside",
            "role": "researcher",
            "institution": world.home.id,
            "institution_name": "University of the Lake",
            "country": "KE",
            "country_name": "Kenya",
            "date": now().date().isoformat(),
        }
    ]


@pytest.mark.parametrize("path", ["signatories", "signatories.csv", "official-pledges.jsonl"])
def test_nothing_else_of_anybody_is_told(client: FlaskClient, world: World, path: str) -> None:
    text = client.get(f"{HERE}/{path}", buffered=True).text
    for secret in ("Hidden", "Rector", "example.org", "Lit for you"):
        assert secret not in text


def test_official_pledges_name_the_institution(client: FlaskClient, world: World) -> None:
    row = read(client, f"{HERE}/official-pledges")["items"][0]
    assert (row["institution"], row["commitments"]) == (world.home.id, ["hosting"])
