"""People at the desk: found, shown, corrected, withdrawn, exported, erased; and only within one's scope."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from campaign.audit import AuditEvent
from campaign.clock import now
from campaign.db import db
from campaign.people.models import Consent, Person, Supporter, Suppression
from campaign.pledges import reviewing
from campaign.pledges.models import Pledge, Status
from campaign.staff.models import StaffSession
from campaign.staff.policy import FRESH
from campaign.staff.rules import Role
from campaign.staff.scopes import EVERYTHING, Scope
from tests.desk.conftest import Desk
from tests.factories import STAFF, account, confirmed, policy, supporter
from tests.statements import statements

SignIn = Callable[..., Desk]
KENYA = Scope(countries=frozenset({"KE"}))


def pledging(address: str = "wanjiru@example.org", **different: object) -> tuple[UUID, UUID]:
    """The ids of a person and their pledge."""
    pledge = confirmed(address, **different)
    db.session.commit()
    return pledge.person_id, pledge.id


def person_of(pledge_id: UUID) -> Person | None:
    return db.session.scalar(select(Person).join(Pledge).where(Pledge.id == pledge_id))


def test_a_whole_address_leads_to_its_person(sign_in: SignIn) -> None:
    person_id, _ = pledging("ada@example.org")
    browser = sign_in(Role.MODERATOR)
    answer = browser.post("/people/", data={"who": " ADA@example.org "})
    assert answer.location == f"/people/{person_id}/"
    assert "ada@example.org" in browser.get(answer.location).text


def test_nobody_is_found_by_a_part_of_an_address(sign_in: SignIn) -> None:
    pledging("ada@example.org")
    browser = sign_in(Role.MODERATOR)
    for typed in ("da@example.org", "@example.org"):
        assert browser.post("/people/", data={"who": typed}).status_code == 422


def test_names_are_found_in_parts(sign_in: SignIn) -> None:
    person_id, _ = pledging(name="Wanjiru Kamau", listed=False)
    browser = sign_in(Role.MODERATOR)
    answer = browser.post("/people/", data={"who": "kamau"}, follow_redirects=True)
    assert f"/people/{person_id}/" in answer.text
    assert "Nobody by this address or name" in browser.get("/people/?name=nobody").text


def test_all_that_is_held_is_shown(sign_in: SignIn) -> None:
    person_id, _ = pledging(name="Wanjiru Kamau", words="All children", newsletter=True)
    page = sign_in(Role.MODERATOR).get(f"/people/{person_id}/").text
    for held in ("Wanjiru Kamau", "All children", "Newsletter", "Request to confirm", "version 1"):
        assert held in page


def test_a_supporter_without_a_pledge_is_shown_and_corrected(sign_in: SignIn) -> None:
    made = supporter("old@example.org", name="Marisol Pérez", country="CL")
    db.session.commit()
    browser = sign_in(Role.MODERATOR)
    address = f"/people/{made.person_id}/"
    assert "Supporter from before" in browser.get(address).text
    assert 'value="Marisol Pérez"' in browser.get(f"{address}supporter/").text
    values = {"name": "Marisol Soto", "country": "AR"}
    assert browser.post(f"{address}supporter/", data=values).status_code == 303
    assert db.session.scalars(select(Supporter.country)).all() == ["AR"]


def test_a_pledge_is_corrected_and_the_rest_of_it_stays(sign_in: SignIn) -> None:
    _, pledge_id = pledging(name="Wanjiru Kamau", words="All children")
    browser = sign_in(Role.MODERATOR)
    address = f"/people/pledges/{pledge_id}/correct/"
    assert 'value="Wanjiru Kamau"' in browser.get(address).text
    assert browser.post(address, data={"name": "Wanjiru K. Kamau"}).status_code == 303
    pledge = db.session.get_one(Pledge, pledge_id)
    assert (pledge.name, pledge.words) == ("Wanjiru K. Kamau", "All children")


def test_a_correction_revives_no_pledge_that_is_over(sign_in: SignIn) -> None:
    _, pledge_id = pledging()
    reviewing.refuse(policy(), db.session.get_one(Pledge, pledge_id), STAFF, "No.")
    db.session.commit()
    address = f"/people/pledges/{pledge_id}/correct/"
    assert sign_in(Role.MODERATOR).post(address, data={"name": "Changed"}).status_code == 303
    pledge = db.session.get_one(Pledge, pledge_id)
    assert (pledge.status, pledge.name != "Changed") == ("refused", True)


def test_staff_show_nobody_by_name_against_their_wish(sign_in: SignIn) -> None:
    _, pledge_id = pledging(listed=False)
    browser = sign_in(Role.MODERATOR)
    browser.post(f"/people/pledges/{pledge_id}/correct/", data={"listed": "name"})
    assert not db.session.get_one(Pledge, pledge_id).listed


def test_a_correction_must_keep_the_rules(sign_in: SignIn) -> None:
    _, pledge_id = pledging()
    browser = sign_in(Role.MODERATOR)
    answer = browser.post(f"/people/pledges/{pledge_id}/correct/", data={"name": "=1+1"})
    assert answer.status_code == 422
    assert "spreadsheet formula" in answer.text


def test_a_pledge_is_withdrawn_after_a_plan(sign_in: SignIn) -> None:
    person_id, pledge_id = pledging()
    browser = sign_in(Role.MODERATOR)
    address = f"/people/pledges/{pledge_id}/withdraw/"
    assert "Nothing has happened yet" in browser.get(address).text
    assert browser.post(address).location == f"/people/{person_id}/"
    assert db.session.get_one(Pledge, pledge_id).status == Status.WITHDRAWN
    assert browser.post(address).status_code == 303  # a second click
    assert browser.get(address).status_code == 303


def test_everything_is_handed_out_and_noted(sign_in: SignIn) -> None:
    person_id, _ = pledging("ada@example.org")
    answer = sign_in(Role.MODERATOR).post(f"/people/{person_id}/export/")
    assert answer.json is not None
    assert answer.json["address"] == "ada@example.org"
    assert len(answer.json["pledges"]) == 1
    noted = select(AuditEvent.subject).where(AuditEvent.action == "person exported")
    assert db.session.scalars(noted).all() == [f"person:{person_id}"]


def test_a_no_and_a_wish_for_silence_are_noted_with_their_reasons(sign_in: SignIn) -> None:
    person_id, _ = pledging(newsletter=True)
    browser = sign_in(Role.MODERATOR)
    address = f"/people/{person_id}/"
    assert browser.post(f"{address}no/", data={"source": " "}).status_code == 422
    assert browser.post(f"{address}suppress/").status_code == 422
    browser.post(f"{address}no/", data={"source": "by telephone"})
    browser.post(f"{address}suppress/", data={"reason": "by letter"})
    newest = select(Consent.granted, Consent.source).order_by(Consent.id.desc())
    assert db.session.execute(newest).first() == (False, "by telephone")
    assert "by letter" in browser.get(address).text
    browser.post(f"{address}release/")
    assert db.session.scalars(select(Suppression)).all() == []


def test_only_administrators_erase(sign_in: SignIn) -> None:
    person_id, _ = pledging()
    address = f"/people/{person_id}/erase/"
    assert sign_in(Role.MODERATOR).post(address).status_code == 403
    browser = sign_in(Role.ADMINISTRATOR)
    assert "This cannot be undone" in browser.get(address).text
    assert browser.post(address).location == "/people/"
    assert db.session.get(Person, person_id) is None
    assert browser.get(f"/people/{person_id}/").status_code == 404


@pytest.mark.parametrize("act", ["people/{person}/erase/", "people/pledges/{pledge}/withdraw/"])
def test_dangerous_acts_want_a_fresh_sign_in(sign_in: SignIn, act: str) -> None:
    person_id, pledge_id = pledging()
    who = account(Role.ADMINISTRATOR)
    browser = sign_in(who=who)
    begun = db.session.query(StaffSession).filter_by(account_id=who.id).one()
    begun.proved_at = now() - 2 * FRESH
    db.session.commit()
    path = "/" + act.format(person=person_id, pledge=pledge_id)
    assert (browser.get(path).status_code, browser.post(path).status_code) == (401, 401)
    assert db.session.get_one(Pledge, pledge_id).status == Status.CONFIRMED


def test_a_coordinator_finds_nobody_elsewhere(sign_in: SignIn) -> None:
    pledging("abroad@example.org", name="Marisol Soto", country="CL")
    browser = sign_in(Role.COORDINATOR, scope=KENYA)
    assert browser.post("/people/", data={"who": "abroad@example.org"}).status_code == 422
    assert "Marisol" not in browser.get("/people/?name=marisol").text


def test_foreign_ids_are_nothing_to_a_coordinator(sign_in: SignIn) -> None:
    person_id, pledge_id = pledging("abroad@example.org", country="CL")
    browser = sign_in(Role.COORDINATOR, scope=KENYA)
    person, pledge = f"/people/{person_id}/", f"/people/pledges/{pledge_id}/"
    reads = [person, f"{person}supporter/", f"{pledge}correct/", f"{pledge}withdraw/"]
    acts = [
        f"{person}export/", f"{person}no/", f"{person}suppress/", f"{person}release/", f"{person}supporter/",
        f"{pledge}correct/", f"{pledge}withdraw/",
    ]  # fmt: skip
    values = {"source": "x", "reason": "x", "name": "Changed", "country": "KE"}
    for path in reads:
        assert browser.get(path).status_code == 404, path
    for path in acts:
        assert browser.post(path, data=values).status_code == 404, path
    pledge_row = db.session.get_one(Pledge, pledge_id)
    assert (pledge_row.status, pledge_row.name) == (Status.CONFIRMED, "Wanjiru Kamau")


@pytest.mark.parametrize("scope", [EVERYTHING, KENYA])
def test_a_page_asks_the_database_a_few_things_however_much_is_held(
    sign_in: SignIn, scope: Scope
) -> None:
    person_id, _ = pledging("ada@example.org", name="Ada Here", country="KE")
    for number in range(5):
        pledging(f"ada{number}@example.org", name="Ada There", country="KE")
    browser = sign_in(Role.MODERATOR, scope=scope)
    for path, most in (("/people/?name=ada", 5), (f"/people/{person_id}/", 14)):
        with statements() as executed:
            assert browser.get(path).status_code == 200
        assert len(executed) <= most, executed


def test_a_coordinator_moves_no_pledge_to_another_country(sign_in: SignIn) -> None:
    _, pledge_id = pledging(country="KE")
    browser = sign_in(Role.COORDINATOR, scope=KENYA)
    answer = browser.post(f"/people/pledges/{pledge_id}/correct/", data={"country": "CL"})
    assert answer.status_code == 404
    assert db.session.get_one(Pledge, pledge_id).country == "KE"
