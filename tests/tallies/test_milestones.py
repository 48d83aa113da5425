"""Counts from before the campaign: dated, sourced, and no part of any tally."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaign import jobs, topics
from campaign.db import db
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope
from campaign.tallies import milestones
from campaign.tallies.models import MILESTONES, Milestone, Tally
from tests.factories import STAFF, text

TODAY = date(2026, 11, 30)
KENYA = Scope(countries=frozenset({"KE"}))


def add(scope: Scope = EVERYTHING, **different: Any) -> Milestone:
    values: dict[str, Any] = {
        "day": date(2015, 5, 1),
        "count": 2300,
        "what": "scientists who signed the Haikou letter",
        "source": "Annals, volume 3",
        "country": None,
        "locale": "en",
    }
    campaign_id = text().campaign_id
    return milestones.add(
        campaign_id, **(values | different), today=TODAY, scope=scope, actor=STAFF
    )


def test_milestones_stand_in_the_order_of_their_days(session: Session) -> None:
    later, earlier = add(day=date(2020, 1, 1)), add(day=date(1999, 1, 1))
    assert milestones.of_campaign(text().campaign_id) == [earlier, later]
    assert db.session.scalar(select(func.count()).select_from(Tally)) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("day", TODAY + timedelta(days=1)), ("day", None), ("count", 0), ("count", None),
        ("what", " "), ("what", "x" * 999), ("source", ""), ("country", "ZZ"),
    ],
)  # fmt: skip
def test_what_a_milestone_cannot_be(session: Session, name: str, value: object) -> None:
    with pytest.raises(milestones.InvalidMilestone) as caught:
        add(**{name: value})
    assert caught.value.fields == [name]


def test_a_coordinator_adds_counts_of_their_countries_only(session: Session) -> None:
    made = add(KENYA, country="KE")
    for country in ("CL", None):
        with pytest.raises(OutOfScope):
            add(KENYA, country=country)
    abroad = add(country="CL")
    with pytest.raises(OutOfScope):
        milestones.remove(abroad.id, KENYA, STAFF)
    milestones.remove(made.id, KENYA, STAFF)
    assert milestones.of_campaign(text().campaign_id) == [abroad]


def test_public_pages_follow(session: Session) -> None:
    before = topics.version(MILESTONES, text().campaign_id)
    milestones.remove(add().id, EVERYTHING, STAFF)
    assert topics.version(MILESTONES, text().campaign_id) == before + 2


def test_the_page_of_numbers_shows_them_as_what_they_are(client: FlaskClient) -> None:
    assert "Before this campaign" not in client.get("/en/numbers/").text
    add(country="KE")
    jobs.commit()
    page = client.get("/en/numbers/").text
    assert "Before this campaign" in page
    assert all(it in page for it in ("2,300", "the Haikou letter", "Annals, volume 3", "Kenya"))
