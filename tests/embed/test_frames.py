"""The framed form: who may frame it, that it takes a pledge, and what it remembers of the page around it."""

from collections.abc import Mapping

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from campaign import jobs
from campaign.db import db
from campaign.institutions.models import Institution, Status
from campaign.partners.models import EmbedOrigin
from campaign.pledges.models import Pledge
from tests.factories import CAMPAIGN, form_fields, institution
from tests.web.browsing import FORM_PATH, code_in, form_token, letter_text, open_page

HOST = "https://www.lamu.ac.ke"


@pytest.fixture
def university(session: Session) -> Institution:
    made = institution(name="University of Lamu")
    db.session.add_all(
        EmbedOrigin(institution_id=made.id, origin=origin)
        for origin in (HOST, "https://intranet.lamu.ac.ke")
    )
    jobs.commit()
    return made


def path(university: Institution, locale: str = "en", **query: str) -> str:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"/embed/{locale}/form?institution={university.id}{more}"


def ancestors(answer: TestResponse) -> str:
    policy = answer.headers["Content-Security-Policy"]
    return policy.partition("frame-ancestors ")[2].partition(";")[0]


def send(client: FlaskClient, where: str, **different: str) -> TestResponse:
    filled_in = form_fields(form_token(), affiliation="institution", role="researcher")
    return client.post(where, data=filled_in | different, headers={"Sec-Fetch-Site": "same-origin"})


def pledge() -> Pledge:
    found = db.session.scalars(select(Pledge)).one()
    db.session.refresh(found)
    return found


# Who may frame it


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({"host": HOST}, {}),
        ({}, {"Referer": f"{HOST}/"}),
        ({"host": HOST}, {"Referer": "https://x.org/"}),
    ],
)
def test_only_the_registered_host_that_asks_may_frame_it(
    client: FlaskClient,
    university: Institution,
    query: Mapping[str, str],
    headers: Mapping[str, str],
) -> None:
    answer = client.get(path(university, **query), headers=headers)

    assert answer.status_code == 200
    assert ancestors(answer) == f"'self' {HOST}"
    assert "X-Frame-Options" not in answer.headers
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "intranet" not in str(answer.headers)


@pytest.mark.parametrize(
    "host",
    [
        "https://stranger.example",
        "http://www.lamu.ac.ke",
        f"{HOST}:8443",
        f"{HOST}/x",
        "null",
        "*",
        ";",
        "",
    ],
)
def test_no_other_host_may_frame_it(
    client: FlaskClient, university: Institution, host: str
) -> None:
    answer = client.get(path(university, host=host))
    assert ancestors(answer) == "'self'"
    assert "data-host" not in answer.text


def test_a_host_of_one_institution_may_not_frame_the_form_of_another(
    client: FlaskClient, university: Institution
) -> None:
    other = institution()
    jobs.commit()
    assert ancestors(client.get(path(other, host=HOST))) == "'self'"


def test_only_its_own_pages_may_be_framed(client: FlaskClient, university: Institution) -> None:
    for page in ("/en/", FORM_PATH, f"/en/institutions/{university.id}/?host={HOST}"):
        answer = client.get(page)
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert ancestors(answer) == "'none'"


def test_a_post_from_another_site_is_refused(client: FlaskClient, university: Institution) -> None:
    answer = client.post(path(university, host=HOST), headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_a_wrong_link_is_told_within_the_frame(
    client: FlaskClient, university: Institution
) -> None:
    answer = client.get(f"/embed/en/sent/forged?institution={university.id}&host={HOST}")
    assert answer.status_code == 404
    assert ancestors(answer) == f"'self' {HOST}"
    assert answer.headers["Cache-Control"] == "no-store"


# What it does


def test_a_pledge_in_a_frame_is_confirmed_by_code_and_remembers_where(
    client: FlaskClient, university: Institution
) -> None:
    sent = send(client, path(university, host=HOST, page="/science/"), institution=university.id)
    assert sent.status_code == 303
    code = code_in(letter_text("wanjiru@example.org"))

    thanks = client.post(sent.location, data={"code": code}, follow_redirects=True)

    assert "Your light is on" in thanks.text
    assert ancestors(thanks) == f"'self' {HOST}"
    assert pledge().institution_id == university.id
    assert pledge().source == "form@www.lamu.ac.ke"
    assert pledge().source_page == f"{HOST}/science/"


def test_a_wrong_code_is_told_within_the_frame(
    client: FlaskClient, university: Institution
) -> None:
    sent = send(client, path(university, host=HOST), institution=university.id)

    answer = client.post(sent.location, data={"code": "1"})

    assert answer.status_code == 422
    assert ancestors(answer) == f"'self' {HOST}"
    assert "data-moved" in answer.text


def test_the_form_goes_to_where_the_browser_said_it_stands(
    client: FlaskClient, university: Institution
) -> None:
    page = open_page(client, path(university), headers={"Referer": f"{HOST}/"})
    send(client, page.one("form").get("action"), institution=university.id)
    assert pledge().source == "form@www.lamu.ac.ke"


def test_a_host_that_is_not_registered_is_not_remembered(
    client: FlaskClient, university: Institution
) -> None:
    send(client, path(university, host="https://stranger.example"), institution=university.id)
    assert pledge().source == "form"
    assert pledge().source_page is None


def test_an_expired_form_is_shown_again_in_the_frame(
    client: FlaskClient, university: Institution
) -> None:
    answer = send(client, path(university, host=HOST), form_token="forged")
    assert answer.status_code == 400
    assert "data-moved" in answer.text


def test_the_loader_is_led_to_an_offered_language(
    client: FlaskClient, university: Institution
) -> None:
    answer = client.get(f"/embed/form?lang=zh-CN&institution={university.id}&host={HOST}&_anchor=x")
    assert answer.location == f"/embed/zh-Hans/form?institution={university.id}&host={HOST}"


def test_a_merged_institution_leads_to_its_successor(
    client: FlaskClient, university: Institution
) -> None:
    old = institution(status=Status.INACTIVE, successor_id=university.id)
    jobs.commit()

    answer = client.get(path(old, "ar", theme="dark"))

    assert answer.status_code == 301
    assert answer.location == f"/embed/ar/form?institution={university.id}&theme=dark"


@pytest.mark.parametrize("where", ["/embed/en/form?institution={}", "/embed/form?institution={}"])
def test_a_frame_that_is_led_elsewhere_still_knows_where_it_stands(
    client: FlaskClient, university: Institution, where: str
) -> None:
    """The browser tells the first request only: we ask it to keep our addresses back from other sites."""
    old = institution(status=Status.INACTIVE, successor_id=university.id)
    jobs.commit()

    answer = client.get(where.format(old.id), headers={"Referer": f"{HOST}/"})
    while answer.status_code in {301, 302}:
        answer = client.get(answer.location)

    assert (answer.status_code, ancestors(answer)) == (200, f"'self' {HOST}")


@pytest.mark.parametrize(
    "where",
    ["/embed/en/form", "/embed/xx/form?institution={}", "/embed/en/form?institution=x",
     "/embed/en/form?institution={}&campaign=none", "/embed/en/form?institution=%00"],
)  # fmt: skip
def test_what_is_unknown_is_not_found(
    client: FlaskClient, university: Institution, where: str
) -> None:
    assert client.get(where.format(university.id)).status_code == 404


@pytest.mark.parametrize("value", ["red;}", "url(x)<", '"', "x" * 90, "a\nb"])
def test_a_look_that_is_none_is_left_out(
    client: FlaskClient, university: Institution, value: str
) -> None:
    query = {"institution": university.id, "accent": value}
    answer = client.get("/embed/en/form", query_string=query)
    assert answer.status_code == 200
    assert "data-accent" not in answer.text


# Where readers of the form on our own site come from


@pytest.mark.parametrize(
    ("query", "source", "page"),
    [
        ("", "site", None),
        ("?via=poster", "poster", None),
        ("?via=badge&host=https://a.example.org", "badge", None),
        (f"?via=card&host={HOST}&page=/a/?b", "card@www.lamu.ac.ke", None),
        (f"?via=card&host={HOST}&page=/a/", "card@www.lamu.ac.ke", f"{HOST}/a/"),
        ("?via=button", "button", None),
        ("?via=button&host=https://www.lamu.ac.ke.", "button@www.lamu.ac.ke", None),
        ("?via=button&host=javascript:alert", "button", None),
        ("?via=api@uni", "site", None),
        ("?via=" + "x" * 3000, "site", None),
    ],
)
def test_a_pledge_remembers_where_its_person_came_from(
    client: FlaskClient, session: Session, query: str, source: str, page: str | None
) -> None:
    answer = client.post(f"/en/campaigns/{CAMPAIGN}/pledge/{query}", data=form_fields(form_token()))
    assert answer.status_code == 303
    assert (pledge().source, pledge().source_page) == (source, page)
