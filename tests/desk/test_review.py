"""Review at the desk: read a case, decide with one button, undo; a coordinator stays in their country."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.pledges import queries, queue, reviewing
from campaign.pledges.models import Pledge
from campaign.staff.rules import Role
from campaign.staff.scopes import Scope
from tests.desk.conftest import Desk
from tests.factories import STAFF, account, confirmed, institution, policy
from tests.pledges.tools import HELD, speaking
from tests.statements import statements

SignIn = Callable[..., Desk]

CHILE = Scope(countries=frozenset({"CL"}))


def held(address: str = "wanjiru@example.org", **different: Any) -> UUID:
    pledge = confirmed(address, **(HELD | different))
    db.session.commit()
    return pledge.id


def state(pledge_id: UUID) -> tuple[str, list[str]]:
    db.session.expire_all()
    pledge = db.session.get_one(Pledge, pledge_id)
    return pledge.status, pledge.hold_reasons


def version(pledge_id: UUID) -> str:
    return str(queries.version_of(pledge_id))


@pytest.fixture
def moderator(sign_in: SignIn) -> Desk:
    return sign_in(Role.MODERATOR)


def test_the_queue_shows_the_oldest_case_and_masks_the_address(moderator: Desk) -> None:
    held()
    page = moderator.get("/review/").text
    assert "w•••@example.org" in page
    assert "wanjiru@example.org" not in page
    assert "Hidden field filled in" in page


def test_an_empty_queue_says_so(moderator: Desk) -> None:
    assert "No pledge is held." in moderator.get("/review/").text
    assert "No held pledge fits." in moderator.get("/review/?country=FR").text


def test_today_says_how_many_are_held(sign_in: SignIn, moderator: Desk) -> None:
    held()
    assert "1 held pledge." in moderator.get("/").text
    assert "held pledge" not in sign_in(Role.COORDINATOR, scope=CHILE).get("/").text


def test_showing_an_address_is_noted(moderator: Desk) -> None:
    pledge_id = held()
    assert "wanjiru@example.org" in moderator.post(f"/review/{pledge_id}/address/").text
    assert "wanjiru@example.org" not in moderator.get(f"/review/{pledge_id}/").text


def test_accepting_leads_to_the_next_case_and_can_be_undone(moderator: Desk) -> None:
    first, second = held("a@example.org"), held("b@example.org")
    data = {"version": version(first), "next": str(second)}
    answer = moderator.post(f"/review/{first}/accept/", data=data)
    assert answer.location == f"/review/{second}/?decided={first}"
    assert state(first) == ("confirmed", [])

    page = moderator.get(answer.location).text
    assert "its letter leaves in two minutes" in page
    assert f"/review/{first}/undo/" in page
    moderator.post(f"/review/{first}/undo/")
    assert state(first) == ("held", ["honeypot"])


def test_refusing_needs_a_reason_which_is_in_the_language_of_the_person(moderator: Desk) -> None:
    pledge_id = held(locale="fr")
    data = {"version": version(pledge_id)}
    answer = moderator.post(f"/review/{pledge_id}/refuse/", data=data)
    assert (answer.status_code, state(pledge_id)[0]) == (422, "held")
    assert "Choose a reason or write one" in answer.text

    moderator.post(f"/review/{pledge_id}/refuse/", data=data | {"words": "Ce n’est pas un nom."})
    letter = db.session.scalars(select(OutgoingEmail).filter_by(template="refused")).one()
    assert letter.facts["reason"] == "Ce n’est pas un nom."
    assert state(pledge_id)[0] == "refused"


def test_the_second_verdict_meets_the_first_and_its_reason_is_kept(
    moderator: Desk, sign_in: SignIn
) -> None:
    pledge_id = held()
    data = {"version": version(pledge_id)}
    other = sign_in(who=account(Role.MODERATOR, name="Marisol Quintrel"))
    other.post(f"/review/{pledge_id}/accept/", data=data)

    answer = moderator.post(f"/review/{pledge_id}/refuse/", data=data | {"words": "Spam."})

    assert (answer.status_code, state(pledge_id)[0]) == (409, "confirmed")
    assert "Marisol Quintrel was faster" in answer.text
    assert [note.text for note in queries.notes(pledge_id)] == ["Spam."]


def test_an_undo_that_comes_too_late_says_so(moderator: Desk) -> None:
    pledge_id = held()
    moderator.post(f"/review/{pledge_id}/accept/", data={"version": version(pledge_id)})
    letter = db.session.scalars(select(OutgoingEmail).filter_by(template="accepted")).one()
    letter.attempts = 1
    db.session.commit()
    answer = moderator.post(f"/review/{pledge_id}/undo/")
    assert (answer.status_code, state(pledge_id)[0]) == (409, "confirmed")
    assert "Nothing was undone." in answer.text


def test_a_note_is_read_by_colleagues(moderator: Desk, sign_in: SignIn) -> None:
    pledge_id = held()
    assert moderator.post(f"/review/{pledge_id}/note/", data={"note": " "}).status_code == 422
    moderator.post(f"/review/{pledge_id}/note/", data={"note": "They call back on Tuesday."})
    page = sign_in(Role.MODERATOR).get(f"/review/{pledge_id}/").text
    assert "They call back on Tuesday." in page


def test_two_who_have_a_case_open_see_each_other(moderator: Desk, sign_in: SignIn) -> None:
    pledge_id = held()
    other = sign_in(who=account(Role.MODERATOR, name="Marisol Quintrel"))
    other.post(f"/review/{pledge_id}/open/")
    assert "Marisol Quintrel also has it open." in moderator.post(f"/review/{pledge_id}/open/").text
    assert "Marisol Quintrel also has it open." in moderator.get(f"/review/{pledge_id}/").text


def test_of_two_representatives_one_is_accepted_instead(moderator: Desk) -> None:
    own = institution()
    first, second = (
        confirmed(**speaking(own, f"{who}@{own.domains[0]}", name=f"The {who}"))
        for who in ("student", "rector")
    )
    reviewing.accept(policy(), first, STAFF)
    ids = first.id, second.id
    db.session.commit()
    data = {"version": version(ids[1])}

    answer = moderator.post(f"/review/{ids[1]}/accept/", data=data)
    assert answer.status_code == 409
    assert "Accept this one instead" in answer.text
    moderator.post(f"/review/{ids[1]}/accept-instead/", data=data)
    assert (state(ids[0])[0], state(ids[1])[0]) == ("held", "confirmed")


def test_ticked_pledges_each_have_an_outcome(moderator: Desk) -> None:
    fine, changed = held("a@example.org"), held("b@example.org")
    ticks = [f"{fine}:{version(fine)}", f"{changed}:1", "nonsense", f"{UUID(int=0)}:1"]
    page = moderator.post("/review/decide/", data={"pledge": ticks, "verdict": "name"}).text
    assert "1 pledge is refused." in page
    assert "not decided: it has changed since you read it" in page
    assert (state(fine)[0], state(changed)[0]) == ("refused", "held")


@pytest.mark.parametrize("data", [{}, {"pledge": "x"}, {"verdict": "accept"}])
def test_deciding_about_nothing_says_what_is_missing(moderator: Desk, data: dict[str, str]) -> None:
    held()
    assert moderator.post("/review/decide/", data=data).status_code == 422


def test_all_that_match_are_a_plan(moderator: Desk) -> None:
    held("a@example.org"), held("b@example.org", country="CL")
    answer = moderator.post("/review/decide-all/?country=CL", data={"verdict": "accept"})
    page = moderator.get(answer.location).text
    assert "Accept 1 pledge" in page
    assert "Chile" in page


def test_what_was_settled_is_listed(moderator: Desk) -> None:
    pledge_id = held()
    moderator.post(f"/review/{pledge_id}/accept/", data={"version": version(pledge_id)})
    page = moderator.get("/review/settled/").text
    assert "Wanjiru Kamau" in page
    assert "Accepted" in page


def test_filters_and_pages_live_in_the_address(
    moderator: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 1)
    monkeypatch.setattr(queue.held, "__defaults__", (*queue.held.__defaults__[:-1], 1))  # type: ignore[index]
    held("a@example.org", name="First One"), held("b@example.org", name="Second One")
    page = moderator.get("/review/?reason=honeypot").text
    assert "First One" in page
    newer = re.search(r'href="([^"]+)">Newer', page)
    assert newer
    second = moderator.get(newer[1].replace("&amp;", "&")).text
    assert "Second One" in second
    assert "First One" not in second


def test_the_queue_asks_few_questions(moderator: Desk) -> None:
    for number in range(5):
        held(f"{number}@example.org")
    moderator.get("/review/")
    with statements() as asked:
        moderator.get("/review/")
    assert len(asked) <= 32, asked


ACTS = ("accept", "refuse", "accept-instead", "undo", "note", "address", "open")


def test_a_coordinator_for_chile_reaches_nothing_of_kenya(sign_in: SignIn) -> None:
    pledge_id = held(name="Kenyan Person")
    browser = sign_in(Role.COORDINATOR, scope=CHILE)
    data = {"version": version(pledge_id), "words": "Spam.", "note": "Mine."}
    assert browser.get(f"/review/{pledge_id}/").status_code == 404
    for act in ACTS:
        answer = browser.post(f"/review/{pledge_id}/{act}/", data=data)
        assert answer.status_code == 404, act
    tick = {"pledge": f"{pledge_id}:{version(pledge_id)}", "verdict": "accept"}
    assert "Kenyan Person" not in browser.post("/review/decide/", data=tick).text
    for address in (
        f"/review/?after={pledge_id}",
        f"/review/?decided={pledge_id}",
        "/review/settled/",
    ):
        assert "Kenyan Person" not in browser.get(address).text
    assert (state(pledge_id), queries.notes(pledge_id)) == (("held", ["honeypot"]), [])


def test_a_coordinator_plans_in_their_country_only(sign_in: SignIn) -> None:
    held("a@example.org"), held("b@example.org", country="CL")
    browser = sign_in(Role.COORDINATOR, scope=CHILE)
    answer = browser.post("/review/decide-all/", data={"verdict": "accept"})
    assert "Accept 1 pledge" in browser.get(answer.location).text
    assert browser.post("/review/decide-all/", data={"verdict": "x"}).status_code == 400


def test_a_language_other_than_english_has_the_same_page(sign_in: SignIn) -> None:
    held()
    page = sign_in(who=account(Role.MODERATOR, locale="ar")).get("/review/").text
    assert 'dir="rtl"' in page
