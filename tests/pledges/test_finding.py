"""What is held about a person: found, shown, ended. A coordinator finds people of their countries only."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaign.audit import AuditEvent
from campaign.clock import now
from campaign.db import db
from campaign.people import queries as people_queries
from campaign.people.models import Person, Supporter
from campaign.people.rules import parse_address
from campaign.pledges import finding, operations
from campaign.pledges.models import Pledge, PledgeEvent, Status
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope
from tests.factories import STAFF, confirmed, draft, policy, submitted, supporter

KENYA, CHILE = (Scope(countries=frozenset({code})) for code in ("KE", "CL"))


def by_address(scope: Scope, address: str) -> list[str]:
    found = finding.by_address(policy().signer, scope, parse_address(address))
    return [person.address for person in found]


def test_addresses_are_compared_whole(session: Session) -> None:
    confirmed("ada@example.org")
    assert by_address(EVERYTHING, "ADA+fair@example.org") == ["ada@example.org"]
    assert by_address(EVERYTHING, "da@example.org") == []


def test_names_are_found_in_parts_also_of_those_not_listed(session: Session) -> None:
    confirmed("a@example.org", name="Ada Lovelace", listed=False)
    submitted("b@example.org", name="Augusta Lovelace")
    supporter()
    assert [it.name for it in finding.by_name(EVERYTHING, "lovel")] == [
        "Augusta Lovelace",
        "Ada Lovelace",
    ]
    (found,) = finding.by_name(EVERYTHING, "PEREZ")
    assert (found.name, found.status, found.country) == ("Marisol Pérez", None, "CL")
    assert finding.by_name(EVERYTHING, "%") == []


def test_a_coordinator_finds_people_of_their_countries(session: Session) -> None:
    confirmed("here@example.org", name="Ada Here", country="KE")
    confirmed("abroad@example.org", name="Ada Abroad", country="CL")
    supporter("old@example.org")
    assert by_address(KENYA, "abroad@example.org") == []
    assert by_address(KENYA, "old@example.org") == []
    assert by_address(CHILE, "old@example.org") == ["old@example.org"]
    assert [it.name for it in finding.by_name(KENYA, "ada")] == ["Ada Here"]


def test_a_forged_id_shows_and_changes_nothing(session: Session) -> None:
    pledge = confirmed("abroad@example.org", country="CL")
    for act in (
        lambda: finding.held(KENYA, pledge.person_id),
        lambda: finding.pledge_within(KENYA, pledge.id),
        lambda: finding.erase(KENYA, pledge.person_id, STAFF),
        lambda: finding.note_no(KENYA, pledge.person_id, "x", "en", now(), STAFF),
        lambda: finding.suppress(KENYA, pledge.person_id, "x", STAFF),
        lambda: finding.correct_supporter(KENYA, pledge.person_id, "x", "KE", None, STAFF),
    ):
        with pytest.raises(OutOfScope):
            act()


def test_only_who_sees_all_of_a_person_erases_them(session: Session) -> None:
    person_id = confirmed("here@example.org", country="KE").person_id
    with pytest.raises(OutOfScope):
        finding.erase(KENYA, person_id, STAFF)
    finding.erase(EVERYTHING, person_id, STAFF)
    assert db.session.get(Person, person_id) is None


def test_all_that_is_held_is_shown(session: Session) -> None:
    pledge = confirmed("ada@example.org", newsletter=True)
    finding.suppress(EVERYTHING, pledge.person_id, "complained", STAFF)
    held = finding.held(EVERYTHING, pledge.person_id)
    assert [it.id for it in held.pledges] == [pledge.id]
    assert {it.purpose for it in held.consents} == {"listing", "newsletter"}
    assert [it.template for it in held.emails] == ["confirm"]
    assert held.suppression is not None
    assert held.suppression.reason == "complained"


def test_what_staff_do_is_in_trail_and_record(session: Session) -> None:
    pledge = confirmed("ada@example.org", country="KE", name="Ada")
    changed = draft(name="Ada Lovelace", country="TZ")
    operations.correct(policy(), pledge, changed, "en", now(), STAFF)
    operations.withdraw(policy(), pledge, now(), STAFF)
    assert pledge.status == Status.WITHDRAWN
    actors = select(PledgeEvent.actor_id).where(PledgeEvent.actor_kind == "staff")
    assert db.session.scalars(actors).all() == ["ada", "ada"]
    corrected = select(AuditEvent.details).where(AuditEvent.action == "pledge corrected")
    assert db.session.scalars(corrected).one() == {
        "before": {"country": "KE"},
        "after": {"country": "TZ"},
    }
    assert "Lovelace" not in str(db.session.scalars(select(AuditEvent.details)).all())


def test_a_no_to_staff_is_the_newest_answer(session: Session) -> None:
    person_id = confirmed("ada@example.org", newsletter=True).person_id
    finding.note_no(EVERYTHING, person_id, "told us by telephone", "en", now(), STAFF)
    assert not people_queries.has_consented(person_id, "newsletter")


def test_a_supporter_is_corrected(session: Session) -> None:
    made = supporter()
    finding.correct_supporter(CHILE, made.person_id, "Marisol Soto", "CL", "UdeC", STAFF)
    assert (made.name, made.name_folded, made.institution_text) == (
        "Marisol Soto",
        "marisol soto",
        "UdeC",
    )
    with pytest.raises(OutOfScope):
        finding.correct_supporter(CHILE, made.person_id, "Marisol Soto", "KE", None, STAFF)


def test_an_erased_supporter_leaves_nothing(session: Session) -> None:
    finding.erase(EVERYTHING, supporter().person_id, STAFF)
    assert db.session.scalar(select(func.count()).select_from(Supporter)) == 0
    assert db.session.scalar(select(func.count()).select_from(Pledge)) == 0
    assert db.session.scalars(select(AuditEvent.action)).all() == ["person erased"]
