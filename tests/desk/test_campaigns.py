"""Campaigns at the desk: made, written, published, scheduled, closed; who may do what."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from campaign.audit import AuditEvent
from campaign.campaigns import operations, queries, writing
from campaign.clock import now
from campaign.db import db
from campaign.i18n import offered
from campaign.staff.rules import Role
from campaign.tallies.operations import fold_all
from tests.campaigns.tools import campaign, passage, save, save_in_all
from tests.desk.conftest import Desk
from tests.factories import CAMPAIGN, STAFF, confirmed, text

SignIn = Callable[..., Desk]
PATH = f"/campaigns/{CAMPAIGN}/"


def test_the_list_shows_how_complete_each_language_is(sign_in: SignIn) -> None:
    browser = sign_in(Role.EDITOR)
    save("Another title")
    db.session.commit()

    page = browser.get("/campaigns/").text
    assert "Another title" in page
    assert page.count('class="full"') == len(offered()) + 1, "and English of the first"
    assert "19/20" in page


def test_an_editor_makes_a_campaign_and_writes_its_text(sign_in: SignIn) -> None:
    browser = sign_in(Role.EDITOR)
    assert "small letters" in browser.post("/campaigns/create/", data={"slug": "Rivers"}).text

    answer = browser.post("/campaigns/create/", data={"slug": "rivers"})
    assert (answer.status_code, answer.location) == (303, "/campaigns/rivers/text/en/")
    assert browser.get(answer.location).status_code == 200
    assert queries.get("rivers") is not None


def test_a_commitment_is_added_retired_and_offered_again(sign_in: SignIn) -> None:
    browser = sign_in(Role.EDITOR)
    fields = {"list_name": "commitments", "code": "field-work", "sentence": "Go to the field"}
    assert browser.post(f"{PATH}commitments/", data=fields).status_code == 303
    again = browser.post(f"{PATH}commitments/", data=fields)
    assert (again.status_code, "given before" in again.text) == (422, True)

    browser.post(f"{PATH}commitments/lectures/retire/")
    browser.post(f"{PATH}commitments/lectures/retire/")  # pressed twice
    assert "Offer again" in browser.get(PATH).text
    browser.post(f"{PATH}commitments/lectures/reinstate/")
    assert "Offer again" not in browser.get(PATH).text


def test_what_a_release_proposes_is_compared_and_settled(sign_in: SignIn) -> None:
    browser = sign_in(Role.EDITOR)
    save("Ours")
    shipped = {"en": {**_columns(), "title": "Theirs"}}
    writing.propose(campaign(), shipped)
    db.session.commit()

    assert "<ins>Theirs</ins>" in browser.get(PATH).text
    assert "A new release changes 1 passage." in browser.get("/").text
    fields = {"locale": "en", "passage": "title"}
    assert browser.post(f"{PATH}proposals/take/", data=fields).status_code == 303
    assert passage().text == "Theirs"
    assert browser.post(f"{PATH}proposals/leave/", data=fields).status_code == 303, "too late"


def _columns() -> dict[str, object]:
    return queries.texts_of_version(campaign().id, 1)["en"]


def test_the_plan_says_what_changes_what_stays_and_what_is_missing(sign_in: SignIn) -> None:
    confirmed()
    fold_all()
    save("Light Up the Soul of Science")
    db.session.commit()
    browser = sign_in(Role.EDITOR)

    page = browser.get(f"{PATH}publish/").text
    assert "<del> Heart</del><ins> Soul</ins>" in page
    assert "Not ready yet" in page
    assert f'/campaigns/{CAMPAIGN}/text/ar/#p-title"' in page
    assert "confirmed pledge of the version before keeps the text" in page
    assert browser.post(f"{PATH}publish/").status_code == 422
    assert queries.current_version(campaign().id) == 1


def test_what_is_complete_is_published_with_the_account_in_the_record(sign_in: SignIn) -> None:
    save_in_all("Another title")
    db.session.commit()
    browser = sign_in(Role.EDITOR)

    assert "Publish in 10 languages" in browser.get(f"{PATH}publish/").text
    assert browser.post(f"{PATH}publish/").status_code == 303
    assert text().title == "Another title (en)"
    event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert (event.action, event.actor.kind) == ("texts published", "staff")
    assert event.session_id is not None


def test_a_version_is_scheduled_and_cancelled(sign_in: SignIn) -> None:
    save_in_all("Another title")
    db.session.commit()
    browser = sign_in(Role.EDITOR)
    wrong = browser.post(f"{PATH}schedule/", data={"due_at": "2020-01-01T08:00"})
    assert (wrong.status_code, "to come" in wrong.text) == (422, True)

    hour = (now() + timedelta(days=2)).strftime("%Y-%m-%dT08:30")
    assert browser.post(f"{PATH}schedule/", data={"due_at": hour}).status_code == 303
    assert "at 08:30 (UTC)" in browser.get(PATH).text
    browser.post(f"{PATH}schedule/cancel/")
    assert "(UTC)" not in browser.get(PATH).text
    assert browser.post(f"{PATH}schedule/cancel/").status_code == 303


@pytest.mark.parametrize(
    ("act", "state"), [("close", "closed"), ("archive", "archived"), ("reopen", "open")]
)
def test_a_campaign_is_moved_by_a_plan_first(sign_in: SignIn, act: str, state: str) -> None:
    if act == "reopen":
        operations.close(STAFF, campaign().id)
        db.session.commit()
    browser = sign_in(Role.EDITOR)
    before = queries.state_of(campaign().id)

    assert "What stays the same" in browser.get(f"{PATH}{act}/").text
    assert queries.state_of(campaign().id) == before
    assert browser.post(f"{PATH}{act}/").status_code == 303
    assert queries.state_of(campaign().id) == state
    assert browser.post(f"{PATH}{act}/").status_code == 303, "pressed twice"
    assert f"This campaign is {state}." in browser.get(PATH).text


def test_versions_are_shown_with_their_pledges(sign_in: SignIn) -> None:
    confirmed()
    fold_all()
    db.session.commit()
    page = sign_in(Role.EDITOR).get(PATH).text
    assert '<td class="n" data-label="Confirmed pledges">1</td>' in page


def test_a_translator_sees_what_is_theirs_and_changes_nothing_else(sign_in: SignIn) -> None:
    browser = sign_in(Role.TRANSLATOR, languages=["hi"])
    page = browser.get(PATH).text

    assert f"/campaigns/{CAMPAIGN}/text/hi/" in page
    assert f"/campaigns/{CAMPAIGN}/text/ar/" not in page
    for path in ("publish/", "close/", "commitments/", "schedule/", "commitments/lectures/retire/"):
        assert browser.post(PATH + path).status_code == 403, path
    assert browser.get(f"{PATH}publish/").status_code == 403


def test_there_is_no_page_of_a_campaign_that_is_not_there(sign_in: SignIn) -> None:
    browser = sign_in(Role.EDITOR)
    for path in ("", "publish/", "close/", "text/en/", "text/en/preview/"):
        assert browser.get(f"/campaigns/nothing/{path}").status_code == 404, path
