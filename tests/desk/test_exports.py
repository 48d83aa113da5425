"""Exports at the desk: what one may see, with names only for those who find people; and counts from before."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from campaign import tasks
from campaign.audit import AuditEvent
from campaign.clock import now
from campaign.db import db
from campaign.staff.rules import Role
from campaign.staff.scopes import EVERYTHING, Scope, enclose
from campaign.tallies.models import Milestone
from tests.desk.conftest import Desk
from tests.factories import account, confirmed, text

SignIn = Callable[..., Desk]
KENYA = Scope(countries=frozenset({"KE"}))


@pytest.fixture(autouse=True)
def pledges(session: object) -> None:
    confirmed("ada@example.org", name="Ada Here", country="KE")
    confirmed("ben@example.org", name="Ben Abroad", country="CL")
    db.session.commit()


def test_a_file_has_no_more_than_its_reader_may_see(sign_in: SignIn) -> None:
    analyst = sign_in(Role.ANALYST).post("/exports/csv/", data={"named": "yes"}, buffered=True).text
    assert analyst.count("\n") == 3
    assert "ada@example.org" not in analyst
    assert "Ada Here" not in analyst
    coordinator = sign_in(Role.COORDINATOR, scope=KENYA)
    mine = coordinator.post("/exports/csv/", data={"named": "yes"}, buffered=True).text
    assert "Ada Here" in mine
    assert "Ben Abroad" not in mine
    assert (
        coordinator.post("/exports/csv/", data={"country": "CL"}, buffered=True).text.count("\n")
        == 1
    )


def test_filters_limit_what_is_exported(sign_in: SignIn) -> None:
    browser = sign_in(Role.ANALYST)
    for values, rows in (
        ({"status": "held"}, 0), ({"status": "confirmed", "country": "CL"}, 1), ({"since": "2999-01-01"}, 0),
        ({"campaign": str(text().campaign_id)}, 2), ({"campaign": "²", "status": "no such"}, 2),
    ):  # fmt: skip
        assert (
            browser.post("/exports/csv/", data=values, buffered=True).text.count("\n") == rows + 1
        ), values
    assert browser.post("/exports/csv/", data={"institution": "nowhere"}).status_code == 422


def test_every_export_is_in_the_record(sign_in: SignIn) -> None:
    values = {"named": "yes", "country": "KE"}
    sign_in(Role.ADMINISTRATOR).post("/exports/csv/", data=values, buffered=True)
    noted = select(AuditEvent.details).where(AuditEvent.action == "pledges exported")
    assert db.session.scalars(noted).one() == {
        "filters": {"country": "KE"},
        "with names": True,
        "rows": 1,
    }


def test_a_workbook_is_for_who_asked_for_it(sign_in: SignIn) -> None:
    owner = account(Role.COORDINATOR, scope=KENYA)
    browser = sign_in(who=owner)
    task = browser.post("/exports/xlsx/", data={"named": "yes"}).location
    tasks.run(now)
    enclose(EVERYTHING)
    file = f"/exports/{task.split('/')[2]}.xlsx"
    assert file in browser.get(task).text
    assert file in browser.get("/exports/").text
    assert browser.get(file, buffered=True).data[:2] == b"PK"
    assert sign_in(Role.ADMINISTRATOR).get(file).status_code == 404
    assert sign_in(Role.COORDINATOR, scope=KENYA).get(file).status_code == 404


def test_counts_from_before_are_added_and_removed(sign_in: SignIn) -> None:
    browser = sign_in(Role.EDITOR)
    values = {
        "campaign": str(text().campaign_id), "day": "2015-05-01", "count": "2 300", "source": "Annals",
        "what": "scientists who signed", "locale": "en",
    }  # fmt: skip
    assert browser.post("/milestones/", data={**values, "count": "many"}).status_code == 422
    assert browser.post("/milestones/", data=values).status_code == 303
    assert "2,300" in browser.get("/milestones/").text
    made = db.session.scalars(select(Milestone.id)).one()
    assert browser.post(f"/milestones/{made}/remove/").status_code == 303
    assert db.session.scalars(select(Milestone)).all() == []


def test_an_editor_of_some_countries_adds_counts_of_these(sign_in: SignIn) -> None:
    browser = sign_in(Role.EDITOR, scope=KENYA)
    values = {
        "campaign": str(text().campaign_id), "day": "2015-05-01", "count": "23", "source": "Annals",
        "what": "letters",
    }  # fmt: skip
    assert browser.post("/milestones/", data={**values, "country": "CL"}).status_code == 422
    assert browser.post("/milestones/", data=values).status_code == 422
    assert browser.post("/milestones/", data={**values, "country": "KE"}).status_code == 303


@pytest.mark.parametrize("role", [Role.TRANSLATOR, Role.STEWARD, Role.SENDER])
def test_others_export_nothing(sign_in: SignIn, role: Role) -> None:
    assert sign_in(role).post("/exports/csv/").status_code == 403
