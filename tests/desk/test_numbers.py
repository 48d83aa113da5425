"""Numbers for staff: each total is the sum of what stands beside it, and ends where rights end."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaign.clock import now
from campaign.db import db
from campaign.desk import numbers
from campaign.pledges import attention, funnel
from campaign.pledges.funnel import FormKey, Step
from campaign.pledges.models import Kind
from campaign.staff.rules import Role
from campaign.staff.scopes import Scope
from campaign.tallies import operations
from tests.desk.conftest import Desk
from tests.factories import accepted, confirmed, context, institution, submitted, text
from tests.statements import statements

SignIn = Callable[..., Desk]


@pytest.fixture
def places(session: Session) -> dict[str, str]:
    """Three people of Chile, two of them at a university, and one of Kenya with an official pledge."""
    ids = {
        country: institution(country=country, name=f"University of {country}").id
        for country in ("CL", "KE")
    }
    for number in range(3):
        chosen: dict[str, Any] = {"institution": ids["CL"]} if number else {}
        confirmed(f"{number}@example.org", locale="es", country="CL", **chosen)
    confirmed("ke@example.org", institution=ids["KE"])
    accepted("rector@example.org", institution=ids["KE"])
    operations.fold_all()
    db.session.commit()
    return ids


def words(page: str) -> str:
    """What a reader sees, without marks and with single spaces."""
    return " ".join(re.sub(r"<[^>]+>|[\u2066-\u2069]", " ", page).split())


def test_the_page_adds_up(sign_in: SignIn, places: dict[str, str]) -> None:
    shown = words(sign_in(Role.ANALYST).get("/numbers/?days=7").text)
    assert "to today 4 1 Pledges that count All countries 4 1" in shown
    assert "Chile 3 Kenya 1" in shown
    assert "español 3 English 1" in shown
    assert "University of CL 2 University of KE 1" in shown
    assert "3 people are at institutions" in shown


def test_the_way_from_form_to_light(sign_in: SignIn, places: dict[str, str]) -> None:
    key = FormKey(now().date(), text().campaign_id, Kind.PERSON, "es")
    funnel.add({(key, Step.OPENED): 20, (key, Step.SENT): 10})
    db.session.commit()
    shown = words(sign_in(Role.ANALYST).get("/numbers/?days=7").text)
    assert "Opened the form 20 Filled it in 10 Confirmed, and count now 4" in shown
    assert "español 20 10 3 English 0 0 1" in shown


def test_what_does_not_count_yet_is_told(
    sign_in: SignIn, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, country in enumerate(("CL", "CL", "KE")):
        submitted(f"{number}@example.org", country=country)
        odd = context(honeypot_filled=True)
        confirmed(f"held-{number}@example.org", country=country, context=odd)
    db.session.commit()
    everywhere, chile = (
        sign_in(Role.ANALYST),
        sign_in(Role.COORDINATOR, scope=Scope(frozenset({"CL"}))),
    )
    assert "Held for review 3 the oldest was sent" in words(everywhere.get("/numbers/").text)
    shown = words(chile.get("/numbers/").text)
    assert "Not confirmed by their people yet 2 the oldest was sent" in shown
    assert "Held for review 2" in shown
    monkeypatch.setattr(attention, "MOST", 1)
    assert "Held for review more than 1" in words(everywhere.get("/numbers/").text)


def test_a_coordinator_sees_one_country(sign_in: SignIn, places: dict[str, str]) -> None:
    browser = sign_in(Role.COORDINATOR, scope=Scope(frozenset({"CL"})))
    shown = words(browser.get("/numbers/").text)
    assert "Pledges that count Chile 3 0" in shown
    assert "Kenya" not in shown
    assert "University of KE" not in shown
    assert "Opened the form" not in shown
    assert browser.get("/numbers/languages/").status_code == 404
    assert "Kenya" not in browser.get("/numbers/countries/").text
    today = browser.get("/numbers/days.csv?days=7").text.splitlines()[-1]
    assert today == f"{now().date()},3,0"


def test_a_steward_sees_an_institution_without_its_days(
    sign_in: SignIn, places: dict[str, str]
) -> None:
    browser = sign_in(Role.STEWARD, scope=Scope(institution_id=places["CL"]))
    shown = words(browser.get("/numbers/").text)
    assert "University of CL 2 0" in shown
    assert "Kenya" not in shown
    assert "Pledges a day" not in shown
    assert "in groups of at least five people" in shown
    assert browser.get("/numbers/institutions/").status_code == 404
    assert browser.get("/numbers/days.csv").status_code == 403


def test_a_long_list_can_be_opened_to_its_end(
    sign_in: SignIn, places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "_FEW", 1)
    browser = sign_in(Role.ANALYST)
    page = browser.get("/numbers/?days=7").text
    assert "In all other countries 1" in words(page)
    assert 'href="/numbers/countries/?days=7"' in page
    assert "Chile 3 Kenya 1" in words(browser.get("/numbers/countries/?days=7").text)


def test_days_are_exported_without_gaps(sign_in: SignIn, places: dict[str, str]) -> None:
    answer = sign_in(Role.ANALYST).get("/numbers/days.csv?days=7")
    first = now().date() - timedelta(days=6)
    lines = answer.text.lstrip("\ufeff").splitlines()
    assert lines[:2] == ["day,people,official_pledges", f"{first},0,0"]
    assert lines[-1] == f"{now().date()},4,1"
    assert len(lines) == 8
    assert sign_in(Role.EDITOR).get("/numbers/days.csv").status_code == 403


@pytest.mark.parametrize("query", ["days=never", "days=8", "days=%00", ""])
def test_a_period_that_there_is_not_is_thirty_days(sign_in: SignIn, query: str) -> None:
    assert len(numbers.PERIODS) == 4
    page = sign_in(Role.ANALYST).get(f"/numbers/?{query}")
    assert '<option value="30" selected>' in page.text


def test_a_campaign_that_there_is_not_is_not_found(sign_in: SignIn) -> None:
    assert sign_in(Role.ANALYST).get("/numbers/?campaign=none").status_code == 404


def test_before_the_first_pledge_the_page_says_so(sign_in: SignIn) -> None:
    assert "Nothing to count yet" in sign_in(Role.ANALYST).get("/numbers/").text


def test_bars_are_drawn_to_scale() -> None:
    drawn = numbers.drawing([0, 5, 10])
    assert [round(bar.height) for bar in drawn.bars] == [0, 48, 96]
    assert drawn.levels[0] == (96, 0)
    assert numbers.drawing([]).bars == []


def test_the_page_costs_few_statements(sign_in: SignIn, places: dict[str, str]) -> None:
    browser = sign_in(Role.ANALYST)
    browser.get("/numbers/")
    with statements() as executed:
        browser.get("/numbers/")
    assert len([one for one in executed if "SAVEPOINT" not in one]) <= 20
