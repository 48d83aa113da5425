"""The open data: right numbers, only names that may be shown, pages, files, answers that programs can rely on."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign import jobs
from campaign.clock import now
from campaign.institutions.models import Institution
from campaign.pledges.models import Kind
from campaign.tallies import operations as tallies
from tests.factories import CAMPAIGN, confirmed, institution, policy

HERE = f"/api/v1/campaigns/{CAMPAIGN}"


@dataclass(frozen=True)
class World:
    """Two people and the representative of one institution of Kenya, and somebody of Chad."""

    home: Institution


@pytest.fixture
def world(session: object) -> World:
    home = institution(name="University of the Lake", labels={"fr": "Université du Lac"})
    at_home = {"institution": home.id, "role": "researcher"}
    confirmed("listed@example.org", name="Listed Lakeside", words="Lit for you.", **at_home)
    confirmed("hidden@example.org", name="Hidden Hillside", listed=False, **at_home)
    confirmed("chad@example.org", name="Zara Far", country="TD")
    rector = {"kind": Kind.INSTITUTION, "name": "Rector Riverside", "office": "Rector"}
    confirmed(f"r@{home.domains[0]}", institution=home.id, commitments=["hosting"], **rector)
    fold()
    return World(home)


def fold() -> None:
    tallies.fold()
    jobs.commit()


def read(client: FlaskClient, path: str, **named: Any) -> Any:
    answer = client.get(path, **named)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def problem(client: FlaskClient, path: str, status: int, **named: Any) -> Any:
    answer = client.get(path, **named)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == status
    return answer.get_json()


def test_a_campaign_tells_its_numbers_and_every_text(client: FlaskClient, world: World) -> None:
    found = read(client, HERE)
    assert found["counts"] == {"persons": 3, "institutions": 1, "countries": 2, "organizations": 1}
    assert {text["language"] for text in found["texts"]} >= {"en", "ar", "zh-Hans"}
    assert found["slug"] in [one["slug"] for one in read(client, "/api/v1/campaigns")["items"]]


def test_a_text_is_what_was_signed(client: FlaskClient, world: World) -> None:
    reference = read(client, HERE)["texts"][0]
    text = read(client, urlsplit(reference["api_url"]).path)
    assert text["pledge"]
    assert {"code", "text"} == set(text["commitments"][0])


@pytest.mark.parametrize(
    ("dimension", "first"),
    [
        ("country", {"key": "KE", "name": "Kenya", "country": None, "persons": 2, "institutions": 1}),
        ("region", {"key": "002", "name": "Afrique", "country": None, "persons": 3, "institutions": 1}),
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


def test_the_browsers_language_decides_nothing(client: FlaskClient, world: World) -> None:
    answer = client.get("/api/v1/countries/KE?lang=pt-MZ", headers={"Accept-Language": "ru"})
    assert answer.get_json()["name"] == "Quênia"
    assert answer.headers["Content-Language"] == "pt"


def test_days_and_months_have_no_gaps(client: FlaskClient, session: object) -> None:
    early = confirmed("early@example.org")
    early.confirmed_at = now() - timedelta(days=70)
    confirmed("late@example.org")
    fold()
    days = read(client, f"{HERE}/days")["items"]
    assert [day["persons"] for day in days] == [1, *[0] * 69, 1]
    assert len(read(client, f"{HERE}/months?country=KE")["items"]) in {3, 4}
    assert read(client, f"{HERE}/days?since={days[-1]['date']}")["items"] == days[-1:]


def test_months_of_an_institution_are_its_own(client: FlaskClient, world: World) -> None:
    rows = read(client, f"{HERE}/months?institution={world.home.id}")["items"]
    assert [(row["persons"], row["institutions"]) for row in rows] == [(2, 1)]


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


def test_pages_lead_through_the_whole_list(client: FlaskClient, session: object) -> None:
    for number in range(5):
        confirmed(f"p{number}@example.org", name=f"Person {number}")
    jobs.commit()
    names, address = [], f"{HERE}/signatories?limit=2"
    while address:
        answer = client.get(address)
        names += [row["name"] for row in answer.get_json()["items"]]
        address = answer.get_json()["next"]
        assert ("Link" in answer.headers) == bool(address)
    assert names == [f"Person {number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("list_", ["tallies/country", "signatories", "official-pledges"])
@pytest.mark.parametrize("cursor", ["x", "WzEsMl0.aaaa.bbbb"])
def test_a_forged_cursor_is_refused(
    client: FlaskClient, world: World, list_: str, cursor: str
) -> None:
    found = problem(client, f"{HERE}/{list_}?after={cursor}", 400)
    assert found["errors"][0]["name"] == "after"


def test_a_cursor_of_another_list_is_refused(client: FlaskClient, world: World) -> None:
    cursor = policy().signer.sign("api-cursor api.tally", ["x"])
    problem(client, f"{HERE}/signatories?after={cursor}", 400)


@pytest.mark.parametrize(
    "query",
    ["nope=1", "limit=0", "limit=x", "limit=1&limit=2", "country=XX", "country=ke", "lang=e%00",
     "institution=123", "lang=" + "e" * 50, "q="],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(client: FlaskClient, world: World, query: str) -> None:
    found = problem(client, f"{HERE}/signatories?{query}", 400)
    assert found["errors"][0]["name"] == query.partition("=")[0]


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing", "/api/nothing", "/api/v1/campaigns/nothing", "/api/v1/institutions/0nothing",
     "/api/v1/countries/XX", "/api/v1/regions/999", f"{HERE}/tallies/source",
     f"{HERE}/texts/99/en", f"{HERE}/signatories.xml"],
)  # fmt: skip
def test_what_is_not_there_is_a_problem_document(
    client: FlaskClient, world: World, path: str
) -> None:
    assert problem(client, path, 404)["title"] == "Not Found"


def test_a_method_that_is_not_there_is_a_problem_document(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/campaigns")
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "GET" in answer.allow


def test_a_crash_tells_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TESTING", False)
    monkeypatch.setattr("campaign.api.reading.geography", None)
    answer = app.test_client().get("/api/v1/regions/014?lang=sw")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "None" not in answer.text


def test_too_many_requests_are_a_problem_document(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.extensions["limiter"], "hit", lambda *_: False)
    problem(client, "/api/v1/campaigns", 429)
    assert client.get("/api/v1/campaigns").headers["Retry-After"] == "60"


def test_a_merged_institution_leads_to_its_successor(client: FlaskClient, world: World) -> None:
    gone = institution(status="withdrawn", successor_id=world.home.id)
    answer = client.get(f"/api/v1/institutions/{gone.id}?lang=fr")
    assert answer.status_code == 308
    assert answer.location == f"http://localhost/api/v1/institutions/{world.home.id}?lang=fr"


def test_an_institution_tells_its_counts(client: FlaskClient, world: World) -> None:
    found = read(client, f"/api/v1/institutions/{world.home.id}")
    counts = {one["campaign"]: (one["persons"], one["institutions"]) for one in found["counts"]}
    assert counts[CAMPAIGN] == (2, 1)


def test_institutions_are_found_by_name_and_listed_by_country(
    client: FlaskClient, session: object
) -> None:
    found = read(client, "/api/v1/institutions?q=nairobi&country=KE")["items"]
    assert "University of Nairobi" in [one["name"] for one in found]
    listed = read(client, "/api/v1/institutions?country=KE&limit=1")
    assert listed["items"][0]["country"] == "KE"


def test_countries_and_regions_have_their_counts(client: FlaskClient, world: World) -> None:
    kenya, africa = (
        read(client, f"/api/v1/{p}")["counts"] for p in ("countries/KE", "regions/002")
    )
    assert {"campaign": CAMPAIGN, "persons": 2, "institutions": 1, "organizations": 1} in kenya
    assert {"campaign": CAMPAIGN, "persons": 3, "institutions": 1} in africa
    assert len(read(client, "/api/v1/countries")["items"]) == 250
    assert client.get("/api/v1/countries/ke").status_code == 308


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/csv"}])
def test_a_list_comes_as_csv(client: FlaskClient, world: World, headers: dict[str, str]) -> None:
    path = f"{HERE}/tallies/country" + ("" if headers else ".csv")
    answer = client.get(path, headers=headers, buffered=True)
    assert answer.content_type == "text/csv; charset=utf-8; header=present"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (rows[0]["key"], rows[0]["persons"]) == ("KE", "2")


def test_a_list_comes_as_json_lines_whole(
    client: FlaskClient, session: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.api.downloads.BATCH", 3)
    for number in range(7):
        confirmed(f"p{number}@example.org", name=f"Person {number}")
    jobs.commit()
    answer = client.get(f"{HERE}/signatories.jsonl", buffered=True)
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [row["name"] for row in rows] == [f"Person {number}" for number in range(6, -1, -1)]


def test_json_is_kept_apart_from_files(client: FlaskClient, world: World) -> None:
    answer = client.get(f"{HERE}/days")
    assert answer.mimetype == "application/json"
    assert "Accept" in answer.vary


def test_no_cell_begins_a_formula(client: FlaskClient, session: object) -> None:
    home = institution(name="=HYPERLINK(1)")
    confirmed("a@example.org", institution=home.id)
    fold()
    answer = client.get(f"{HERE}/tallies/institution.csv", buffered=True)
    assert "'=HYPERLINK" in answer.text


def test_what_did_not_change_is_not_sent_again(client: FlaskClient, world: World) -> None:
    tag = client.get(f"{HERE}/tallies/country").headers["ETag"]
    again = client.get(f"{HERE}/tallies/country", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    confirmed("new@example.org")
    fold()
    later = client.get(f"{HERE}/tallies/country", headers={"If-None-Match": tag})
    assert later.status_code == 200


def test_a_file_that_did_not_change_is_not_sent_again(client: FlaskClient, world: World) -> None:
    file = f"{HERE}/signatories.csv"
    tag = client.get(file, buffered=True).headers["ETag"]

    again = client.get(file, headers={"If-None-Match": tag, "Accept-Encoding": "br"})
    assert (again.status_code, again.data) == (304, b"")
    for other in (f"{file}?lang=ar", f"{HERE}/signatories.jsonl"):
        assert client.get(other, headers={"If-None-Match": tag}, buffered=True).status_code == 200
    confirmed("new@example.org")
    fold()
    later = client.get(file, headers={"If-None-Match": tag}, buffered=True)
    assert later.status_code == 200
    assert later.headers["ETag"] != tag


@pytest.mark.parametrize("language", ["%0A", "日", "de", "%ff"])
def test_a_text_in_no_language_is_not_found(
    client: FlaskClient, world: World, language: str
) -> None:
    answer = client.get(f"{HERE}/texts/1/{language}")
    assert answer.status_code == 404
    assert answer.headers["Content-Language"] == "en"
    assert client.get(f"{HERE}/texts/1/ar").headers["Content-Language"] == "ar"


def test_pages_of_any_site_may_read(client: FlaskClient, world: World) -> None:
    answer = client.get("/api/v1/campaigns", headers={"Origin": "https://www.example.org"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    asked = client.options("/api/v1/campaigns", headers={"Access-Control-Request-Method": "GET"})
    assert "GET" in asked.headers["Access-Control-Allow-Methods"]
    assert "POST" not in asked.headers["Access-Control-Allow-Methods"]
    assert "If-None-Match" in asked.headers["Access-Control-Allow-Headers"]
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


def test_errors_can_be_read_from_any_site(client: FlaskClient) -> None:
    assert client.get("/api/v1/nothing").headers["Access-Control-Allow-Origin"] == "*"


def test_addresses_do_not_follow_the_host_header(client: FlaskClient, world: World) -> None:
    found = read(client, HERE, headers={"Host": "evil.example"})
    assert found["url"].startswith("http://localhost/")
