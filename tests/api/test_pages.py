"""What people read about the data: the page on it, the reference, and the document behind the reference."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.browsing import LANGUAGES, open_page


def operations(app: Flask) -> list[dict]:
    document = app.extensions["api_document"]
    methods = [
        path.get(method) for path in document["paths"].values() for method in ("get", "post")
    ]
    return [operation for operation in methods if operation]


def test_the_document_says_what_it_is(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    document = answer.get_json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["license"]["identifier"] == "CC-BY-4.0"
    assert document["servers"] == [{"url": "http://localhost"}]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_every_operation_is_described_with_examples_and_errors(app: Flask) -> None:
    for one in operations(app):
        assert one["operationId"]
        assert one["summary"]
        assert one["description"]
        wanted = next(answer for status, answer in one["responses"].items() if status[0] == "2")
        assert all("example" in content for content in wanted["content"].values()), one["summary"]
        refused = one["responses"]["429"]["content"]
        assert list(refused) == ["application/problem+json"]


def test_operations_are_named_apart(app: Flask) -> None:
    names = [one["operationId"] for one in operations(app)]
    assert len(set(names)) == len(names)


def test_the_reference_shows_every_operation(app: Flask, client: FlaskClient) -> None:
    page = open_page(client, "/en/api/")
    shown = {heading.text for heading in page.all("h3")}
    assert {one["summary"] for one in operations(app)} <= shown
    assert "{slug}" not in " ".join(line.text for line in page.all("pre"))


def test_the_reference_is_english_in_a_frame_of_the_reader(client: FlaskClient) -> None:
    answer = client.get("/ar/api/")
    assert '<html lang="ar" dir="rtl">' in answer.text
    assert '<div lang="en" dir="ltr">' in answer.text


def test_the_short_address_leads_to_the_readers_language(client: FlaskClient) -> None:
    answer = client.get("/api/", headers={"Accept-Language": "sw"})
    assert (answer.status_code, answer.location) == (302, "/sw/api/")
    assert "Accept-Language" in answer.vary


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_page_on_open_data_leads_to_all_of_it(client: FlaskClient, tag: str) -> None:
    page = open_page(client, f"/{tag}/data/")
    links = {link.get("href") for link in page.all("a")}
    wanted = {f"/{tag}/api/", f"/{tag}/numbers/", "https://creativecommons.org/licenses/by/4.0/"}
    assert wanted <= links
