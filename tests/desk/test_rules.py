"""Rules at the desk: from a trend to a plan, to the end, and back; domains; pins. Coordinators stay inside."""

from collections.abc import Callable
from uuid import UUID

import pytest

from campaign import tasks
from campaign.clock import now
from campaign.db import db
from campaign.pledges import mail_domains
from campaign.pledges.models import Pledge
from campaign.staff.rules import Role
from campaign.staff.scopes import EVERYTHING, Scope, enclose
from tests.desk.conftest import Desk
from tests.factories import confirmed, context

SignIn = Callable[..., Desk]

CHILE = Scope(countries=frozenset({"CL"}))


@pytest.fixture
def moderator(sign_in: SignIn) -> Desk:
    return sign_in(Role.MODERATOR)


def spam(number: int = 3, **different: object) -> list[UUID]:
    network = {"context": context(network_hash=b"one network")}
    pledges = [confirmed(f"s{n}@spam.example.com", **(network | different)) for n in range(number)]
    ids = [pledge.id for pledge in pledges]
    db.session.commit()
    return ids


def statuses(ids: list[UUID]) -> list[str]:
    db.session.expire_all()
    return [db.session.get_one(Pledge, id_).status for id_ in ids]


def work() -> None:
    """Do what the worker does."""
    tasks.run(now, lambda task: enclose(Scope.from_json(task.scope)))
    enclose(EVERYTHING)
    db.session.commit()


def test_a_trend_becomes_a_plan_that_is_done_and_undone(moderator: Desk) -> None:
    ids = spam()
    assert "/review/rules/new/?domain=spam.example.com" in moderator.get("/review/rules/").text
    form = moderator.get("/review/rules/new/?domain=spam.example.com").text
    assert 'value="spam.example.com"' in form

    answer = moderator.post(
        "/review/rules/new/", data={"domain": "spam.example.com", "letters": "no", "spare": "yes"}
    )
    plan = moderator.get(answer.location).text
    assert "Stop counting 3 pledges" in plan
    assert "Nobody gets a letter." in plan
    assert set(statuses(ids)) == {"confirmed"}

    moderator.post(f"{answer.location}start/")
    work()
    assert set(statuses(ids)) == {"refused"}
    assert answer.location in moderator.get(f"/review/{ids[0]}/").text

    moderator.post(f"{answer.location}undo/")
    work()
    assert set(statuses(ids)) == {"confirmed"}
    assert "Given back what they were" in moderator.get(answer.location).text


def test_a_network_is_named_by_one_of_its_pledges(moderator: Desk) -> None:
    ids = spam()
    assert "/review/rules/new/?network_of=" in moderator.get("/review/rules/?days=1").text
    data = {"network_of": str(ids[0]), "country": "KE"}
    answer = moderator.post("/review/rules/new/", data=data)
    assert "Stop counting 3 pledges" in moderator.get(answer.location).text


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "Say what the pledges have in common."),
        ({"country": "KE"}, "Say what the pledges have in common."),
        ({"domain": "a b"}, "Enter a domain, such as example.org."),
        ({"since": "yesterday"}, "Enter a day and a time."),
        ({"name": "x" * 101}, "Enter a shorter part of the name."),
        ({"network_of": "nonsense"}, "There is no such pledge."),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_and_kept(
    moderator: Desk, data: dict[str, str], sentence: str
) -> None:
    answer = moderator.post("/review/rules/new/", data=data)
    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_coordinator_invalidates_in_chile_only(sign_in: SignIn) -> None:
    ids = spam()
    browser = sign_in(Role.COORDINATOR, scope=CHILE)
    assert "spam.example.com" not in browser.get("/review/rules/").text
    foreign = browser.post("/review/rules/new/", data={"network_of": str(ids[0])})
    assert foreign.status_code == 422
    answer = browser.post("/review/rules/new/", data={"domain": "spam.example.com"})
    assert "Stop counting 0 pledges" in browser.get(answer.location).text
    browser.post(f"{answer.location}start/")
    work()
    assert set(statuses(ids)) == {"confirmed"}


def test_a_plan_of_everything_is_not_shown_to_a_coordinator(
    moderator: Desk, sign_in: SignIn
) -> None:
    spam()
    answer = moderator.post("/review/rules/new/", data={"domain": "spam.example.com"})
    browser = sign_in(Role.COORDINATOR, scope=CHILE)
    assert browser.get(answer.location).status_code == 404
    assert browser.post(f"{answer.location}start/").status_code == 404
    assert answer.location not in browser.get("/review/rules/").text


def test_a_domain_gets_a_rule_and_loses_it(moderator: Desk) -> None:
    answer = moderator.post(
        "/review/rules/domains/", data={"domain": "throwaway.example.com", "rule": "hold"}
    )
    assert answer.status_code == 303
    assert "throwaway.example.com" in moderator.get("/review/rules/").text
    moderator.post(
        "/review/rules/domains/", data={"domain": "throwaway.example.com", "rule": "none"}
    )
    assert mail_domains.all_rules() == []


@pytest.mark.parametrize(
    ("domain", "rule"), [("ac.uk", "hold"), ("", "hold"), ("a.example.com", "x")]
)
def test_a_rule_for_half_the_world_is_refused(moderator: Desk, domain: str, rule: str) -> None:
    data = {"domain": domain, "rule": rule}
    assert moderator.post("/review/rules/domains/", data=data).status_code == 422
    assert mail_domains.all_rules() == []


def test_a_coordinator_sets_no_domain(sign_in: SignIn) -> None:
    browser = sign_in(Role.COORDINATOR, scope=CHILE)
    data = {"domain": "a.example.com", "rule": "hold"}
    assert browser.post("/review/rules/domains/", data=data).status_code == 404
    assert mail_domains.all_rules() == []


# Pins


def pin_of(pledge_id: UUID) -> int | None:
    db.session.expire_all()
    return db.session.get_one(Pledge, pledge_id).pin


def test_someone_is_found_pinned_moved_and_taken_down(moderator: Desk) -> None:
    a, b = (confirmed(f"{n}@example.org", name=f"Name {n}").id for n in "ab")
    db.session.commit()
    assert f"/review/pinned/{a}/pin/" in moderator.get("/review/pinned/?q=name").text
    for pledge_id in (a, b):
        moderator.post(f"/review/pinned/{pledge_id}/pin/")
    assert (pin_of(a), pin_of(b)) == (1, 2)
    moderator.post(f"/review/pinned/{b}/up/")
    assert (pin_of(a), pin_of(b)) == (2, 1)
    moderator.post(f"/review/pinned/{a}/unpin/")
    assert pin_of(a) is None


def test_who_is_not_listed_is_not_pinned(moderator: Desk) -> None:
    pledge_id = confirmed(listed=False).id
    db.session.commit()
    assert moderator.post(f"/review/pinned/{pledge_id}/pin/").status_code == 409
    assert pin_of(pledge_id) is None


def test_a_coordinator_pins_nobody_and_sees_their_own(sign_in: SignIn, moderator: Desk) -> None:
    here = confirmed("cl@example.org", country="CL", name="Chilean Person").id
    foreign = confirmed(name="Kenyan Person").id
    db.session.commit()
    moderator.post(f"/review/pinned/{foreign}/pin/")
    browser = sign_in(Role.COORDINATOR, scope=CHILE)
    for pledge_id in (here, foreign):
        assert browser.post(f"/review/pinned/{pledge_id}/pin/").status_code == 404
    assert "Kenyan Person" not in browser.get("/review/pinned/").text
