"""The map of lights and the charts, as readers get them."""

import csv
import random
import re
from io import StringIO
from xml.etree import ElementTree

import brotli
import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert
from sqlalchemy.orm import Session

from campaign import jobs
from campaign.clock import now
from campaign.drawing.night_map import MOST_LIGHTS
from campaign.institutions.models import Institution
from campaign.tallies import operations as tallies
from campaign.tallies.models import Tally
from campaign.tallies.publishing import publish
from campaign.web.map import FOCUSABLE_LIGHTS, NAMED_LIGHTS
from tests.factories import CAMPAIGN, accepted, confirmed, institution, text
from tests.web.browsing import Element, Page, open_page

HOME = f"campaigns/{CAMPAIGN}/"
MAP = f"{HOME}map.svg"
CHARTS = ("over-time", "regions", "disciplines", "commitments")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def lit(session: Session) -> Institution:
    """Two people of a university in Kisumu, and one of Kenya who belongs nowhere."""
    home = institution(name="University of the Lake", latitude=-0.1, longitude=34.75)
    for number in (1, 2):
        confirmed(f"p{number}@example.org", institution=home.id, role="researcher")
    confirmed("alone@example.org")
    fold()
    return home


def fold() -> None:
    tallies.fold()
    publish(now())
    jobs.commit()


def light_map(page: Page) -> Element:
    return page.one("div", class_="map__frame")


def titles(page: Page) -> list[str]:
    return [link.one_title for link in links(page)]


class Link:
    """A light that leads somewhere."""

    def __init__(self, element: Element) -> None:
        self.address = element.get("href")
        self.one_title = element.all("title")[0].text.translate({0x2068: None, 0x2069: None})
        self.is_focusable = "tabindex" not in element


def links(page: Page) -> list[Link]:
    return [Link(element) for element in light_map(page).all("a")]


@pytest.mark.parametrize("path", ["", HOME])
def test_a_light_says_whose_it_is_and_leads_there(
    client: FlaskClient, lit: Institution, path: str
) -> None:
    shown = {link.address: link.one_title for link in links(open_page(client, f"/en/{path}"))}
    assert shown == {
        f"/en/institutions/{lit.id}/": "University of the Lake: 2 people have pledged",
        "/en/countries/KE/": "Kenya: 1 person has pledged",
    }


def test_institutions_side_by_side_are_one_light_of_their_country(
    client: FlaskClient, lit: Institution
) -> None:
    near = institution(name="College of the Lake", latitude=-0.12, longitude=34.7)
    confirmed("near@example.org", institution=near.id, role="researcher")
    fold()

    brightest = links(open_page(client, "/en/"))[0]

    assert (
        brightest.one_title
        == "University of the Lake and 1 more institution: 3 people have pledged"
    )
    assert brightest.address == "/en/countries/KE/"


def test_an_institution_of_no_known_place_lights_its_country(
    client: FlaskClient, session: Session
) -> None:
    nowhere = institution(name="Nowhere", latitude=None, longitude=None)
    confirmed("p@example.org", institution=nowhere.id, role="researcher")
    fold()
    assert titles(open_page(client, "/en/")) == ["Kenya: 1 person has pledged"]


def test_whoever_withdraws_puts_the_light_out(client: FlaskClient, session: Session) -> None:
    home = institution(latitude=-0.1, longitude=34.75)
    pledge = confirmed("p@example.org", institution=home.id, role="researcher")
    fold()
    pledge.status = "withdrawn"
    fold()
    assert titles(open_page(client, "/en/")) == []


def test_a_dark_map_is_still_a_map(client: FlaskClient, session: Session) -> None:
    page = open_page(client, f"/en/{HOME}")
    assert len(light_map(page).all("path")) == 2
    assert not page.all("input", type="range")


@pytest.mark.parametrize(("locale", "is_east"), [("en", True), ("ar", True), ("zh-Hans", False)])
def test_the_middle_of_the_world_follows_the_language(
    client: FlaskClient, lit: Institution, locale: str, is_east: bool
) -> None:
    """Kenya is in the eastern half of a map around the Atlantic, in the western half of one around the Pacific."""
    drawn = light_map(open_page(client, f"/{locale}/"))
    assert (int(drawn.all("use")[0].get("x")) > 1000) == is_east


def test_a_light_came_on_with_its_first_pledge(client: FlaskClient, lit: Institution) -> None:
    old = institution(latitude=51.5, longitude=-0.1, country="GB")
    for number in range(6):
        details = {"institution": old.id, "role": "researcher", "country": "GB"}
        early = confirmed(f"old{number}@example.org", **details)
        early.confirmed_at = early.confirmed_at.replace(day=1, month=1)
    fold()

    page = open_page(client, "/en/")

    since = {link.get("href"): link.get("class") for link in light_map(page).all("a")}
    months = int(page.one("input", type="range").get("max"))
    assert since[f"/en/institutions/{old.id}/"] == "m0"
    assert since[f"/en/institutions/{lit.id}/"] == f"m{months}"


def thousands(session: Session, number: int) -> None:
    """Institutions all over the world with tallies, written directly."""
    chance = random.Random(3)
    made = [institution(name=f"Национальный исследовательский университет {n}") for n in range(2)]
    session.flush()
    columns = {
        column.name: getattr(made[0], column.name) for column in Institution.__table__.columns
    }
    rows = [
        columns
        | {"id": f"0t{n:05}00", "name": f"National Technical University of the City No. {n}"}
        | {"latitude": chance.uniform(-55, 70), "longitude": chance.uniform(-180, 180)}
        for n in range(number)
    ]
    session.execute(insert(Institution), rows)
    tally = {"campaign_id": text().campaign_id, "dimension": "institution", "kind": "person"}
    counts = [tally | {"key": row["id"], "count": chance.randint(1, 3000)} for row in rows]
    session.execute(insert(Tally), counts)
    jobs.commit()


@pytest.mark.parametrize("locale", ["en", "hi"])
def test_a_map_of_thousands_is_light_and_can_be_walked_by_key(
    client: FlaskClient, session: Session, locale: str
) -> None:
    thousands(session, 2_500)

    page = open_page(client, f"/{locale}/")

    found = links(page)
    drawn = re.search(r'<div class="map__frame">.*?</div>', page.html, re.DOTALL)
    assert drawn
    assert len(brotli.compress(drawn[0].encode(), quality=5)) < 40_000
    assert NAMED_LIGHTS == len(found) < len(light_map(page).all("use")) <= MOST_LIGHTS
    assert [link.is_focusable for link in found].index(False) == FOCUSABLE_LIGHTS


@pytest.mark.parametrize("variant", ["", "?variant=day", "?variant=night", "?nonsense=1"])
def test_the_map_is_a_picture_of_its_own(
    client: FlaskClient, lit: Institution, variant: str
) -> None:
    answer = client.get(f"/ar/{MAP}{variant}")
    picture = ElementTree.fromstring(answer.data)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert picture.find(f"{SVG}title") is not None
    assert len(picture.findall(f"{SVG}use")) == 2
    assert b"style=" not in answer.data


def test_a_variant_that_is_none_is_not_found(client: FlaskClient, lit: Institution) -> None:
    assert client.get(f"/en/{MAP}?variant=dusk").status_code == 404


@pytest.mark.parametrize("path", ["map.svg", *(f"charts/{name}.svg" for name in CHARTS)])
@pytest.mark.parametrize("locale", ["en", "ur", "zh-Hans"])
def test_every_drawing_is_well_formed_also_when_nobody_has_pledged(
    client: FlaskClient, session: Session, path: str, locale: str
) -> None:
    answer = client.get(f"/{locale}/{HOME}{path}")
    picture = ElementTree.fromstring(answer.data)
    assert picture.get("role") == "img"
    assert picture.get("{http://www.w3.org/XML/1998/namespace}lang") == locale


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_can_be_downloaded(client: FlaskClient, lit: Institution, name: str) -> None:
    page = open_page(client, f"/ar/{HOME}")
    addresses = [a.get("href") for a in page.all("a") if f"/charts/{name}." in a.get("href")]
    answers = [client.get(address) for address in addresses]
    assert [answer.mimetype for answer in answers] == ["image/svg+xml", "image/png", "text/csv"]
    assert answers[1].data.startswith(b"\x89PNG")


def table(client: FlaskClient, name: str, locale: str = "en") -> list[list[str]]:
    answer = client.get(f"/{locale}/{HOME}charts/{name}.csv")
    assert answer.data.startswith(b"\xef\xbb\xbf")  # or a spreadsheet takes it for Latin-1
    return list(csv.reader(StringIO(answer.data.decode("utf-8-sig"))))


def test_a_table_has_the_numbers_of_its_chart(client: FlaskClient, lit: Institution) -> None:
    """People in all, what they chose in fives: seven of Kenya could form a group."""
    for number in range(6):
        confirmed(f"more{number}@example.org")
    fold()
    assert ["002", "Afrique", "9"] in table(client, "regions", "fr")
    assert ["1", "Natural sciences", "5"] in table(client, "disciplines")
    assert {row[0]: row[2] for row in table(client, "commitments")[1:]} == {
        code: "5" if code in {"network", "lectures"} else "" for code, _ in text().commitments
    }
    assert [row[1:] for row in table(client, "over-time")] == [["people", "total"], ["9", "9"]]


@pytest.mark.parametrize("path", ["nothing.svg", "regions.pdf", "regions", "../map.svg"])
def test_a_chart_that_is_none_is_not_found(
    client: FlaskClient, session: Session, path: str
) -> None:
    assert client.get(f"/en/{HOME}charts/{path}").status_code == 404
    assert client.get(f"/en/campaigns/nothing/charts/{path}").status_code == 404


def test_a_chart_of_time_tells_its_numbers_in_words(client: FlaskClient, lit: Institution) -> None:
    page = open_page(client, f"/en/{HOME}")
    drawing = page.one("svg", class_="growth")
    assert drawing.all("title")[0].text == "Pledges over time: 3 people to date"
    rows = page.one("section", class_="chart chart--time").all("td")
    assert [cell.text for cell in rows] == ["3"]


@pytest.mark.parametrize(
    ("query", "order", "column"),
    [
        ("", ["Kenya", "Albania", "Zambia"], 1),
        ("?sort=people", ["Kenya", "Albania", "Zambia"], 1),
        ("?sort=institutions", ["Zambia", "Kenya", "Albania"], 2),
        ("?sort=name", ["Albania", "Kenya", "Zambia"], 0),
    ],
)
def test_the_table_that_says_the_same_can_be_sorted(
    client: FlaskClient, lit: Institution, query: str, order: list[str], column: int
) -> None:
    confirmed("a@example.org", country="AL")
    zambian = institution(country="ZM")
    accepted(f"z@{zambian.domains[0]}", institution=zambian.id, country="ZM")
    fold()

    page = open_page(client, f"/en/{HOME}countries/{query}")

    assert [row.all("th")[0].text for row in page.one("tbody").all("tr")] == order
    heads = page.one("thead").all("th")
    assert ["aria-sort" in head for head in heads].index(True) == column
    assert len(page.one("thead").all("a")) == 2
