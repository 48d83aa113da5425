"""Institutions, countries and regions, each with its counts."""

from hashlib import sha256
from pathlib import Path

from flask.testing import FlaskClient

from campaign import jobs
from campaign.institutions.operations import import_dump
from campaign.institutions.search import LONGEST_QUERY
from tests.api.reading import World, read
from tests.factories import CAMPAIGN, institution
from tests.institutions.dumps import record, write_json


def test_the_browsers_language_decides_nothing(client: FlaskClient, world: World) -> None:
    answer = client.get("/api/v1/countries/KE?lang=pt-MZ", headers={"Accept-Language": "ru"})
    assert answer.get_json()["name"] == "Quênia"
    assert answer.headers["Content-Language"] == "pt"


def test_a_merged_institution_leads_to_its_successor(client: FlaskClient, world: World) -> None:
    gone = institution(status="withdrawn", successor_id=world.home.id)
    answer = client.get(f"/api/v1/institutions/{gone.id}?lang=fr")
    assert answer.status_code == 308
    assert answer.location == f"http://localhost/api/v1/institutions/{world.home.id}?lang=fr"


def test_an_institution_tells_its_counts(client: FlaskClient, world: World) -> None:
    found = read(client, f"/api/v1/institutions/{world.home.id}")
    counts = {one["campaign"]: (one["people"], one["official_pledges"]) for one in found["counts"]}
    assert counts[CAMPAIGN] == (2, 1)


def test_a_pasted_line_finds_its_institution(client: FlaskClient, session: object) -> None:
    line = f"{'Department of Physics, ' * 38}University of Nairobi, Nairobi, Kenya"
    assert 800 < len(line) <= LONGEST_QUERY
    found = client.get("/api/v1/institutions", query_string={"q": line}).get_json()["items"]
    assert found[0]["name"] == "University of Nairobi"
    too_long = {"q": "x" * (LONGEST_QUERY + 1)}
    assert client.get("/api/v1/institutions", query_string=too_long).status_code == 400


def test_institutions_are_found_by_name_and_listed_by_country(
    client: FlaskClient, session: object
) -> None:
    found = read(client, "/api/v1/institutions?q=nairobi&country=KE")["items"]
    assert "University of Nairobi" in [one["name"] for one in found]
    listed = read(client, "/api/v1/institutions?country=KE&limit=1")
    assert listed["items"][0]["country"] == "KE"


def test_the_release_of_the_registry_is_named(
    client: FlaskClient, session: object, tmp_path: Path
) -> None:
    unknown = read(client, "/api/v1/registry")
    assert (unknown["version"], unknown["date"], unknown["sha256"]) == (None, None, None)
    assert unknown["license"] == "CC0-1.0"

    path = write_json(tmp_path / "v2.9-2026-06-23-ror-data.json", [record(1)])
    import_dump(path)
    jobs.commit()

    known = read(client, "/api/v1/registry")
    assert (known["version"], known["date"]) == ("2.9", "2026-06-23")
    assert known["sha256"] == sha256(path.read_bytes()).hexdigest()


def test_countries_and_regions_have_their_counts(client: FlaskClient, world: World) -> None:
    kenya, africa = (
        read(client, f"/api/v1/{p}")["counts"] for p in ("countries/KE", "regions/002")
    )
    assert {
        "campaign": CAMPAIGN,
        "people": 2,
        "official_pledges": 1,
        "institutions_reached": 1,
    } in kenya
    assert {"campaign": CAMPAIGN, "people": 3, "official_pledges": 1} in africa
    assert len(read(client, "/api/v1/countries")["items"]) == 250
    assert client.get("/api/v1/countries/ke").status_code == 308
