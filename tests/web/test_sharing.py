"""What other sites show of our pages: pictures with the count, QR codes, facts for search engines."""

import json
import struct

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign import i18n, jobs, qr
from campaign.institutions import corrections
from campaign.staff.scopes import EVERYTHING
from campaign.tallies import operations as tallies
from campaign.web import sharing
from campaign.web.place_lists import CURSOR
from tests.factories import CAMPAIGN, STAFF, confirmed, institution, policy
from tests.web.browsing import LANGUAGES, Page, open_page


def fold() -> None:
    tallies.fold_all()
    jobs.commit()


def meta(page: Page) -> dict[str, str]:
    found = [(e.get("property") or e.get("name"), e.get("content")) for e in page.all("meta")]
    return {name: content for name, content in found if name.startswith(("og:", "twitter:"))}


def facts(page: Page) -> list[dict[str, object]]:
    data = json.loads(page.one("script", type="application/ld+json").text)
    assert data["@context"] == "https://schema.org"
    graph: list[dict[str, object]] = data["@graph"]
    return graph


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


# Pictures


@pytest.mark.parametrize(
    "path", ["", f"campaigns/{CAMPAIGN}/", "countries/KE/", "regions/014/", "institutions/{home}/"]
)
def test_a_page_names_its_picture_and_the_picture_is_there(client: FlaskClient, path: str) -> None:
    home = institution().id
    jobs.commit()

    told = meta(open_page(client, f"/fr/{path.format(home=home)}"))
    picture = client.get(told["og:image"].removeprefix("http://localhost"))

    assert told["og:image"].startswith("http://localhost/fr/")
    assert told["og:image:alt"]
    assert told["twitter:card"] == "summary_large_image"
    width, height = int(told["og:image:width"]), int(told["og:image:height"])
    assert (picture.mimetype, size(picture.data)) == ("image/png", (width, height))
    assert picture.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("locale", LANGUAGES)
def test_there_is_a_picture_in_every_language(client: FlaskClient, locale: str) -> None:
    picture = client.get(f"/{locale}/countries/KE/card.png")
    assert size(picture.data) == (sharing.CARD_WIDTH, sharing.CARD_HEIGHT)
    assert len(picture.data) < 300_000  # more than some networks take


def test_the_picture_changes_with_the_count(client: FlaskClient) -> None:
    empty = client.get("/en/countries/KE/card.png")
    confirmed()
    fold()
    lit = client.get("/en/countries/KE/card.png")
    assert lit.data != empty.data
    assert client.get("/en/countries/UG/card.png").data not in {lit.data, empty.data}


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("number", [1, 2, 3, 11, 2_000_000])
def test_a_sentence_keeps_its_number_wherever_it_stands(
    app: Flask, locale: str, number: int
) -> None:
    with app.test_request_context(f"/{locale}/"):
        app.preprocess_request()
        sentence = sharing.people_have_pledged(number)
        digits = i18n.format_number(number)
    words = "".join(sentence[::2])
    assert words.strip()
    assert "%" not in words
    assert digits not in words
    if locale == "ar" and number < 3:
        assert len(sentence) == 1, "Arabic says one and two people without a digit"
    else:
        assert sentence[1] == digits


@pytest.mark.parametrize(
    "name",
    [
        "x" * 400,
        "ഞ" * 120,
        "大学" * 80,
        "#strong[x] $y$ \\ @z",
        "أ" * 200,
        "👩‍🔬 Institute",
        "\u202e",
    ],
)
def test_a_picture_can_be_drawn_of_any_name(client: FlaskClient, name: str) -> None:
    home = institution(name=name).id
    jobs.commit()
    picture = client.get(f"/ur/institutions/{home}/card.png")
    assert size(picture.data) == (sharing.CARD_WIDTH, sharing.CARD_HEIGHT)


# QR codes


def test_a_qr_code_leads_to_the_page_in_its_language(client: FlaskClient) -> None:
    answer = client.get("/sw/regions/014/qr.svg")
    assert answer.mimetype == "image/svg+xml"
    assert answer.text == qr.qr_svg("http://localhost/sw/regions/014/")


# Facts for search engines


def test_an_institution_is_told_as_what_it_is(client: FlaskClient) -> None:
    university = institution(
        name="Lake", city="Kisumu", website="https://lake.example", established=1970
    )
    institute = institution(types=["facility"], website="javascript:alert(1)")
    university_id, institute_id = university.id, institute.id
    jobs.commit()

    told, trail = facts(open_page(client, f"/en/institutions/{university_id}/"))
    other, _ = facts(open_page(client, f"/en/institutions/{institute_id}/"))

    assert (told["@type"], told["name"]) == ("CollegeOrUniversity", "Lake")
    assert told["sameAs"] == [f"https://ror.org/{university_id}"]
    assert (told["url"], told["foundingDate"]) == ("https://lake.example", "1970")
    assert (other["@type"], "url" in other) == ("ResearchOrganization", False)
    assert trail["@type"] == "BreadcrumbList"


def test_nothing_leads_from_an_own_institution_to_ror(client: FlaskClient) -> None:
    said = {"name": "Ndoto Institute", "country": "KE", "type": "facility"}
    own_id = corrections.add_own(said, STAFF, EVERYTHING).id
    jobs.commit()

    page = open_page(client, f"/en/institutions/{own_id}/")
    told, _ = facts(page)

    assert told["@id"] == f"http://localhost/en/institutions/{own_id}/"
    assert "sameAs" not in told
    assert not [e for e in page.one("main").all("a") if "ror.org" in (e.get("href") or "")]
    record = client.get(f"/api/v1/institutions/{own_id}").json
    assert record is not None
    assert (record["id"], record["ror_url"]) == (own_id, None)


def test_the_way_to_a_page_is_told_and_shown(client: FlaskClient) -> None:
    page = open_page(client, "/en/countries/KE/")
    place, trail = facts(page)
    steps = trail["itemListElement"]
    assert isinstance(steps, list)

    assert (place["@type"], place["identifier"]) == ("AdministrativeArea", "KE")
    wider = ["Home", "Countries", "Africa", "Sub-Saharan Africa", "Eastern Africa"]
    assert [step["name"] for step in steps] == [*wider, "Kenya"]
    assert [step["position"] for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [e.text for e in page.one("nav", class_="breadcrumb").all("li")] == wider
    shown = [e.get("href") for e in page.one("nav", class_="breadcrumb").all("a")]
    assert [step.get("item") for step in steps] == [*(f"http://localhost{p}" for p in shown), None]


def test_no_script_stands_in_a_page_but_data(client: FlaskClient) -> None:
    for path in ("countries/KE/", "regions/014/", f"campaigns/{CAMPAIGN}/"):
        for script in open_page(client, f"/en/{path}").all("script"):
            assert script.get("src") or script.get("type") == "application/ld+json"


# Search engines


@pytest.mark.parametrize("query", ["q=wanjiru", "after={cursor}"])
def test_searches_are_not_indexed(client: FlaskClient, query: str) -> None:
    cursor = policy().signer.sign(CURSOR, ["2026-01-01T00:00:00+00:00", "0" * 32])
    page = open_page(client, f"/en/countries/KE/signatories/?{query.format(cursor=cursor)}")
    assert page.one("meta", name="robots").get("content") == "noindex"
    assert not page.all("link", rel="canonical")


def test_a_page_of_its_own_is_its_own_canonical_page(client: FlaskClient) -> None:
    page = open_page(client, f"/en/campaigns/{CAMPAIGN}/signatories/?country=KE&utm=x")
    canonical = page.one("link", rel="canonical").get("href")
    assert canonical == f"http://localhost/en/campaigns/{CAMPAIGN}/signatories/?country=KE"
