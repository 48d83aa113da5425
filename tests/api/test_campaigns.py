"""Campaigns and the texts that were signed."""

from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from tests.api.reading import HERE, World, read


def test_a_campaign_tells_its_numbers_and_every_text(client: FlaskClient, world: World) -> None:
    found = read(client, HERE)
    assert found["counts"] == {
        "people": 3,
        "official_pledges": 1,
        "countries": 2,
        "institutions_reached": 1,
    }
    assert {text["language"] for text in found["texts"]} >= {"en", "ar", "zh-Hans"}
    assert found["slug"] in [one["slug"] for one in read(client, "/api/v1/campaigns")["items"]]


def test_a_text_is_what_was_signed(client: FlaskClient, world: World) -> None:
    reference = read(client, HERE)["texts"][0]
    text = read(client, urlsplit(reference["api_url"]).path)
    assert text["pledge"]
    assert {"code", "text"} == set(text["commitments"][0])


@pytest.mark.parametrize("language", ["%0A", "日", "de", "%ff"])
def test_a_text_in_no_language_is_not_found(
    client: FlaskClient, world: World, language: str
) -> None:
    answer = client.get(f"{HERE}/texts/1/{language}")
    assert answer.status_code == 404
    assert answer.headers["Content-Language"] == "en"
    assert client.get(f"{HERE}/texts/1/ar").headers["Content-Language"] == "ar"


def test_addresses_do_not_follow_the_host_header(client: FlaskClient, world: World) -> None:
    found = read(client, HERE, headers={"Host": "127.0.0.1"})
    assert found["url"].startswith("http://localhost/")
