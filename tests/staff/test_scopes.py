"""A coordinator for Kenya sees and changes what is in Kenya, whichever way the rows are asked for."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload

from campaign.db import db
from campaign.pledges.models import Pledge, PledgeEvent
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope, enclose
from tests.factories import confirmed, institution

KENYA = Scope(countries=frozenset({"KE"}))


@pytest.fixture
def here(session: Session) -> Pledge:
    return confirmed("here@example.org", country="KE")


@pytest.fixture
def abroad(here: Pledge) -> Iterator[Pledge]:
    """A pledge of Chile, of which the session remembers nothing, while the scope is Kenya."""
    pledge = confirmed("abroad@example.org", country="CL")
    db.session.expunge_all()
    enclose(KENYA)
    yield pledge
    enclose(EVERYTHING)


def test_lists_leave_out_other_countries(here: Pledge, abroad: Pledge) -> None:
    assert [pledge.id for pledge in db.session.scalars(select(Pledge))] == [here.id]


def test_columns_and_counts_do_too(abroad: Pledge) -> None:
    assert db.session.scalars(select(Pledge.country)).all() == ["KE"]
    assert db.session.scalar(select(func.count()).select_from(Pledge)) == 1


def test_a_forged_id_finds_nothing(abroad: Pledge) -> None:
    assert db.session.get(Pledge, abroad.id) is None


def test_joins_do_not_lead_outside(abroad: Pledge) -> None:
    trail = select(PledgeEvent).join(Pledge, Pledge.id == PledgeEvent.pledge_id)
    assert {event.pledge_id for event in db.session.scalars(trail)}.isdisjoint({abroad.id})


def test_an_update_leaves_other_countries_as_they_are(abroad: Pledge) -> None:
    db.session.execute(
        update(Pledge).values(words="changed"), execution_options={"synchronize_session": False}
    )
    enclose(EVERYTHING)
    assert db.session.scalar(select(Pledge.words).where(Pledge.id == abroad.id)) is None


def test_a_row_that_was_loaded_before_cannot_be_written(session: Session) -> None:
    pledge = confirmed("abroad@example.org", country="CL")
    enclose(KENYA)
    pledge.words = "changed"
    with pytest.raises(OutOfScope):
        db.session.flush()
    enclose(EVERYTHING)


def test_institutions_abroad_are_read_and_not_changed(session: Session) -> None:
    chilean = institution(country="CL")
    enclose(KENYA)
    assert db.session.get(type(chilean), chilean.id) is chilean
    chilean.name = "Changed"
    with pytest.raises(OutOfScope):
        db.session.flush()
    enclose(EVERYTHING)


def test_a_pledge_keeps_its_institution_abroad(session: Session) -> None:
    chilean = institution(country="CL")
    confirmed("here@example.org", country="KE", institution=chilean.id)
    db.session.expunge_all()
    enclose(KENYA)
    pledge = db.session.scalars(select(Pledge).options(joinedload(Pledge.institution))).one()
    assert pledge.institution is not None
    enclose(EVERYTHING)


@pytest.mark.parametrize(
    ("scope", "country", "institution_id", "covered"),
    [
        (EVERYTHING, "CL", "abc", True),
        (KENYA, "KE", "abc", True),
        (KENYA, "CL", "abc", False),
        (KENYA, None, None, False),
        (Scope(institution_id="abc"), "KE", "abc", True),
        (Scope(institution_id="abc"), "KE", "xyz", False),
        (Scope(institution_id="abc"), "KE", None, False),
        (Scope(countries=frozenset()), "KE", None, False),
    ],
)
def test_what_a_scope_covers(
    scope: Scope, country: str | None, institution_id: str | None, covered: bool
) -> None:
    assert scope.covers(country, institution_id) is covered
    assert Scope.from_json(scope.to_json()) == scope
