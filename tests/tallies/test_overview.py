"""Numbers for staff: each ends where the rights of its reader end, and costs one statement."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from campaign.clock import now
from campaign.db import db
from campaign.pledges.models import Pledge
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope
from campaign.tallies import operations, overview, publishing
from tests.factories import accepted, confirmed, institution, text
from tests.statements import statements

pytestmark = pytest.mark.usefixtures("session")

CHILE = Scope(frozenset({"CL"}))
TODAY = now().date()
LONG_AGO = TODAY - timedelta(days=2)


@pytest.fixture
def places(session: Session) -> dict[str, str]:
    """Three people of Chile, one of Kenya, an official pledge of Kenya, all counted."""
    ids = {country: institution(country=country).id for country in ("CL", "KE")}
    for number in range(3):
        chosen: dict[str, Any] = {"institution": ids["CL"]} if number else {}
        confirmed(f"{number}@example.org", locale="es", country="CL", **chosen)
    kenyan = confirmed("ke@example.org", institution=ids["KE"])
    day_before = now() - timedelta(days=1)
    session.execute(update(Pledge).where(Pledge.id == kenyan.id).values(confirmed_at=day_before))
    accepted("rector@example.org", institution=ids["KE"])
    operations.fold_all()
    return ids


def campaign() -> int:
    return text().campaign_id


def test_totals_are_those_of_the_scope(places: dict[str, str]) -> None:
    scopes = (EVERYTHING, CHILE, Scope(institution_id=places["CL"]))
    totals = [overview.total(campaign(), scope)[1:] for scope in scopes]
    assert totals == [(4, 1), (3, 0), (2, 0)]


@pytest.mark.parametrize(
    ("scope", "people"),
    [(EVERYTHING, [0, 1, 3]), (CHILE, [0, 0, 3]), (Scope(frozenset({"KE", "CL"})), [0, 1, 3])],
)
def test_days_have_no_gaps(places: dict[str, str], scope: Scope, people: list[int]) -> None:
    days = overview.days(campaign(), LONG_AGO, TODAY, scope)
    assert [day.people for day in days] == people
    assert [day.day for day in days] == [LONG_AGO + timedelta(days=n) for n in range(3)]
    assert days[-1].official_pledges == (0 if scope == CHILE else 1)


def test_a_day_of_one_institution_is_nobodys_to_see(places: dict[str, str]) -> None:
    with pytest.raises(OutOfScope):
        overview.days(campaign(), LONG_AGO, TODAY, Scope(institution_id=places["CL"]))


def test_places_are_ranked_within_the_scope(places: dict[str, str]) -> None:
    assert overview.countries(campaign(), EVERYTHING, 10) == [("CL", 3, 0), ("KE", 1, 1)]
    assert overview.countries(campaign(), EVERYTHING, 1) == [("CL", 3, 0)]
    assert overview.countries(campaign(), CHILE, 10) == [("CL", 3, 0)]
    ranked = overview.institutions(campaign(), EVERYTHING, 10)
    assert [(one.institution.id, one.people) for one in ranked] == [
        (places["CL"], 2),
        (places["KE"], 1),
    ]
    ranked = overview.institutions(campaign(), CHILE, 10)
    assert [one.institution.id for one in ranked] == [places["CL"]]


def test_languages_add_up_to_the_total(places: dict[str, str]) -> None:
    languages = overview.languages(campaign(), 10)
    assert languages == [("es", 3, 0), ("en", 1, 1)]
    assert overview.confirmed_by_language(campaign(), TODAY, TODAY) == {"es": 3}
    assert overview.confirmed_by_language(campaign(), LONG_AGO, TODAY) == {"es": 3, "en": 1}


def test_commitments_are_live_for_the_world_and_grouped_for_a_part(places: dict[str, str]) -> None:
    for number in range(7):
        confirmed(f"more-{number}@example.org", institution=places["CL"], country="CL")
    operations.fold_all()
    publishing.publish(now())
    assert overview.commitments(campaign(), EVERYTHING) == {"lectures": 11, "network": 11}
    of_chile = overview.commitments(campaign(), Scope(institution_id=places["CL"]))
    assert of_chile == {"lectures": 5, "network": 5}
    assert overview.commitments(campaign(), Scope(institution_id=places["KE"])) == {}


CALLS: list[Callable[[int], object]] = [
    lambda campaign_id: overview.total(campaign_id, CHILE),
    lambda campaign_id: overview.days(campaign_id, date(2026, 1, 1), TODAY, CHILE),
    lambda campaign_id: overview.countries(campaign_id, CHILE, 10),
    lambda campaign_id: overview.languages(campaign_id, 10),
    lambda campaign_id: overview.institutions(campaign_id, CHILE, 10),
    lambda campaign_id: overview.commitments(campaign_id, CHILE),
    lambda campaign_id: overview.confirmed_by_language(campaign_id, LONG_AGO, TODAY),
]


@pytest.mark.parametrize("call", CALLS)
def test_each_list_is_one_statement_that_reads_no_pledge(
    places: dict[str, str], call: Callable[[int], object]
) -> None:
    campaign_id = campaign()
    db.session.flush()
    with statements() as executed:
        call(campaign_id)
    (statement,) = executed
    assert "pledges" not in statement
