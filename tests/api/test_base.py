"""What every operation has in common: strict parameters, problem documents, readable from any site."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.reading import HERE, World, problem


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
    monkeypatch.setattr("campaign.api.places.geography", None)
    answer = app.test_client().get("/api/v1/regions/014?lang=sw")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "None" not in answer.text


def test_too_many_requests_are_a_problem_document(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.extensions["limiter"], "hit", lambda *_: False)
    problem(client, "/api/v1/campaigns", 429)
    assert client.get("/api/v1/campaigns").headers["Retry-After"] == "60"


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
