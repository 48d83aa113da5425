"""What the pages of other sites load: loader, data, badge, oEmbed."""

from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from campaign import jobs
from campaign.embed.widgets import _goal
from campaign.institutions.models import Institution, Status
from campaign.tallies.operations import fold
from tests.factories import CAMPAIGN, confirmed, institution
from tests.web.browsing import LANGUAGES, open_page, parse

OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


@pytest.fixture
def university(session: Session) -> Institution:
    """With two people, of whom one is listed."""
    made = institution(name="University of Lamu", labels={"ar": "جامعة لامو"})
    confirmed("listed@example.org", institution=made.id, name="Asha", role="researcher")
    confirmed("anonymous@example.org", institution=made.id, name="Nobody Knows", listed=False)
    fold()
    jobs.commit()
    return made


def successor_of(university: Institution) -> Institution:
    old = institution(status=Status.INACTIVE, successor_id=university.id)
    jobs.commit()
    return old


@pytest.mark.parametrize("path", ["/embed/v1.js", "/embed/data/{}.json", "/badge/{}.svg"])
def test_other_sites_may_load_it_and_keep_it(
    client: FlaskClient, university: Institution, path: str
) -> None:
    answer = client.get(path.format(university.id))

    assert answer.status_code == 200
    assert {name: answer.headers.get(name) for name in OPEN} == OPEN
    assert "public, max-age=" in answer.headers["Cache-Control"]
    again = client.get(
        path.format(university.id), headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_the_data_tell_what_is_public_and_nothing_else(
    client: FlaskClient, university: Institution
) -> None:
    answer = client.get(f"/embed/data/{university.id}.json?lang=en")

    data = answer.get_json()
    assert data["institution"] == "University of Lamu"
    assert data["count"] == ["", "2", " people have pledged"]
    assert data["goal"]["max"] == 10
    assert data["people"] == [["Asha", "Researcher"]]
    assert "Nobody Knows" not in answer.text
    assert "@" not in answer.text.replace("@media", "")


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_language_finds_its_number(
    client: FlaskClient, university: Institution, tag: str
) -> None:
    data = client.get(f"/embed/data/{university.id}.json?lang={tag}").get_json()

    assert data["lang"] == tag
    assert ("2" in data["count"]) == (tag != "ar"), "Arabic says two people without a digit"
    assert "2" not in data["count"][0]


@pytest.mark.parametrize(
    ("asked", "given"),
    [("zh-CN,en", "zh-Hans"), ("pt-MZ", "pt"), ("xx,,ar-EG", "ar"), ("", "en"), ("%00" * 99, "en")],
)
def test_the_language_is_negotiated(
    client: FlaskClient, university: Institution, asked: str, given: str
) -> None:
    path = f"/embed/data/{university.id}.json?lang={asked}"
    answer = client.get(path, headers={"Accept-Language": "fr"})
    assert answer.get_json()["lang"] == given


@pytest.mark.parametrize(("count", "goal"), [(0, 10), (9, 10), (10, 25), (100, 250), (2499, 2500)])
def test_the_goal_is_the_next_round_number(session: Session, count: int, goal: int) -> None:
    assert _goal(count)["max"] == goal


@pytest.mark.parametrize("path", ["/embed/data/{}.json?lang=ar", "/badge/{}.svg?lang=ar"])
def test_a_merged_institution_leads_to_its_successor(
    client: FlaskClient, university: Institution, path: str
) -> None:
    old = successor_of(university)

    answer = client.get(path.format(old.id))

    assert answer.status_code == 301
    assert path.format(university.id) in answer.location
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "path",
    [
        "/embed/data/000000000.json",
        "/embed/data/{}.json?campaign=none",
        "/embed/data/%00.json",
        "/badge/x.svg",
        "/badge/{}.svg?campaign=" + "x" * 3000,
        "/embed/data/{}.json?campaign=%00",
        "/badge/{}.svg?campaign=%00",
    ],
)
def test_what_is_unknown_is_not_found(
    client: FlaskClient, university: Institution, path: str
) -> None:
    assert client.get(path.format(university.id)).status_code == 404


def test_an_error_is_data_that_the_page_may_read(client: FlaskClient) -> None:
    answer = client.get("/embed/data/000000000.json")
    assert answer.get_json() == {"error": "Not Found"}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_absurd_parameters_change_nothing(client: FlaskClient, university: Institution) -> None:
    plain = client.get(f"/embed/data/{university.id}.json").data
    assert client.get(f"/embed/data/{university.id}.json?x=1&_external=1&lang=en").data == plain


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_badge_is_well_formed_and_says_what_it_shows(
    client: FlaskClient, university: Institution, tag: str
) -> None:
    svg = ElementTree.fromstring(client.get(f"/badge/{university.id}.svg?lang={tag}").data)

    texts = ["".join(one.itertext()) for one in svg.iter("{http://www.w3.org/2000/svg}text")]
    title = svg.findtext("{http://www.w3.org/2000/svg}title") or ""
    assert svg.get("role") == "img"
    assert texts[1] in title
    assert len(texts) == 2


def test_a_badge_runs_from_right_to_left(client: FlaskClient, university: Institution) -> None:
    svg = ElementTree.fromstring(client.get(f"/badge/{university.id}.svg?lang=ur").data)
    label, value = svg.iter("{http://www.w3.org/2000/svg}text")
    assert float(label.attrib["x"]) > float(value.attrib["x"])


def test_a_page_names_its_oembed_and_that_answers(
    client: FlaskClient, university: Institution
) -> None:
    page = open_page(client, f"/ar/institutions/{university.id}/")
    link = page.one("link", type="application/json+oembed").get("href")

    found = client.get(link.removeprefix("http://localhost")).get_json()

    assert found["version"] == "1.0"
    assert found["type"] == "rich"
    assert found["title"] == "جامعة لامو"
    picture = parse(found["html"]).all("img")[0]
    assert picture.get("src") == f"http://localhost/badge/{university.id}.svg?lang=ar"
    assert int(picture.get("width")) == found["width"]


def oembed_of(university: Institution, more: str = "") -> str:
    return f"/oembed?url=http://localhost/en/institutions/{university.id}/{more}"


@pytest.mark.parametrize(
    ("width", "height"), [(100, 9999), (9999, 10), (100, 5), (1, 9999), (9999, 1), (10**400, 28)]
)
def test_oembed_keeps_to_the_room_that_is_there(
    client: FlaskClient, university: Institution, width: int, height: int
) -> None:
    limits = f"&maxwidth={width}&maxheight={height}"
    found = client.get(oembed_of(university, limits)).get_json()
    assert 1 <= found["width"] <= width
    assert 1 <= found["height"] <= height
    assert f'width="{found["width"]}" height="{found["height"]}"' in found["html"]


@pytest.mark.parametrize("limit", ["-5", "0", "x", "", "1.5", "9" * 5000])
@pytest.mark.parametrize("name", ["maxwidth", "maxheight"])
def test_oembed_refuses_limits_that_are_none(
    client: FlaskClient, university: Institution, name: str, limit: str
) -> None:
    assert client.get(oembed_of(university, f"&{name}={limit}")).status_code == 400


def test_nobody_can_fill_the_memory_with_oembed(
    app: Flask, client: FlaskClient, university: Institution
) -> None:
    """The same page can be asked for under any number of addresses and sizes."""
    plain = client.get(oembed_of(university))
    kept = len(app.extensions["response_cache"])

    for more in ("?utm_source=x", "%23x", "&maxheight=999"):
        assert client.get(oembed_of(university, more)).data == plain.data

    assert len(app.extensions["response_cache"]) == kept
    assert plain.cache_control.public
    assert plain.cache_control.max_age == plain.get_json()["cache_age"]


def test_oembed_knows_campaigns(client: FlaskClient, session: Session) -> None:
    found = client.get(f"/oembed?url=http://localhost/fr/campaigns/{CAMPAIGN}/").get_json()
    assert found["type"] == "link"
    assert found["title"] == "Illuminons le cœur de la science"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("url=http://localhost/en/", 404),
        ("url=http://localhost/xx/institutions/01km6p862/", 404),
        ("url=http://localhost/en/institutions/000000000/", 404),
        ("url=https://elsewhere.example/en/institutions/01km6p862/", 404),
        ("url=http://[", 404),
        ("url=http://localhost/en/campaigns/%00/", 404),
        ("url=http://localhost/en/campaigns/%2500/", 404),
        ("url=http://localhost/en/institutions/%00/", 404),
        ("url=http://localhost/en/institutions/01km6p862/&format=xml", 501),
    ],
)
def test_oembed_refuses_what_it_does_not_know(
    client: FlaskClient, session: Session, query: str, status: int
) -> None:
    assert client.get(f"/oembed?{query}").status_code == status
