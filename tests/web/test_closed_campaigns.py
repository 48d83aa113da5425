"""A campaign that takes no more pledges says so at every door; an archived one is listed nowhere."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign import jobs
from campaign.campaigns import operations
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.partners.models import EmbedOrigin
from campaign.pledges.models import Pledge, ReceivedForm
from tests.factories import CAMPAIGN, STAFF, form_fields, institution, text
from tests.web.browsing import FORM_PATH, INSTITUTION_FORM_PATH, form_token, open_page

pytestmark = pytest.mark.usefixtures("session")

CLOSED = "takes no more pledges"
CAMPAIGN_PATH = f"/en/campaigns/{CAMPAIGN}/"


@pytest.fixture
def closed(session: Session) -> None:
    operations.close(STAFF, text().campaign_id)
    jobs.commit()


@pytest.fixture
def archived(session: Session) -> None:
    operations.archive(STAFF, text().campaign_id)
    jobs.commit()


@pytest.fixture
def university(session: Session) -> Institution:
    made = institution(name="University of Lamu")
    db.session.add(EmbedOrigin(institution_id=made.id, origin="https://www.lamu.ac.ke"))
    jobs.commit()
    return made


@pytest.mark.parametrize("path", [FORM_PATH, INSTITUTION_FORM_PATH])
def test_the_form_of_a_closed_campaign_is_a_sentence(
    client: FlaskClient, closed: None, path: str
) -> None:
    page = open_page(client, path)
    assert (page.status, CLOSED in page.text) == (200, True)
    assert not page.all("textarea")


@pytest.mark.parametrize("path", [CAMPAIGN_PATH, "/en/", f"{CAMPAIGN_PATH}text/1/"])
def test_pages_of_a_closed_campaign_say_so_where_the_button_was(
    client: FlaskClient, closed: None, path: str
) -> None:
    page = open_page(client, path)
    assert page.status == 200
    assert "This campaign is closed" in page.text


def test_a_form_that_was_open_when_the_campaign_closed_stores_nothing(client: FlaskClient) -> None:
    fields = form_fields(form_token())
    operations.close(STAFF, text().campaign_id)
    jobs.commit()

    answer = client.post(FORM_PATH, data=fields, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, CLOSED in answer.text) == (409, True)
    assert db.session.scalars(select(Pledge)).all() == []
    assert db.session.scalars(select(ReceivedForm)).all() == []


def test_the_frame_of_a_closed_campaign_says_so(
    client: FlaskClient, university: Institution
) -> None:
    path = f"/embed/en/form?institution={university.id}&host=https://www.lamu.ac.ke"
    theirs = {"affiliation": "institution", "institution": university.id, "role": "researcher"}
    fields = form_fields(form_token()) | theirs
    operations.close(STAFF, text().campaign_id)
    jobs.commit()

    assert CLOSED in client.get(path).text
    answer = client.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, CLOSED in answer.text) == (409, True)


def test_an_archived_campaign_is_listed_nowhere_and_its_page_stays(
    client: FlaskClient, archived: None
) -> None:
    assert CAMPAIGN_PATH not in client.get("/en/").text
    assert text().title not in open_page(client, "/en/countries/KE/").text
    assert client.get(CAMPAIGN_PATH).status_code == 200


def test_the_other_campaign_is_as_open_as_before(client: FlaskClient, archived: None) -> None:
    other = "/en/campaigns/haikou-initiative/"
    assert "/en/campaigns/haikou-initiative/pledge/" in client.get("/en/").text
    assert CLOSED not in open_page(client, f"{other}pledge/").text
