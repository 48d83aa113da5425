"""The review queue: what waits, in which order, how many for which reason, and who has it open."""

from datetime import timedelta

import pytest

from campaign.audit import Actor, ActorKind
from campaign.clock import now
from campaign.pledges import queue
from campaign.pledges.models import Pledge
from campaign.pledges.queue import HeldFilter
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope
from tests.factories import STAFF, confirmed, context, institution
from tests.pledges.tools import HELD, speaking

pytestmark = pytest.mark.usefixtures("session")

CHILE = Scope(countries=frozenset({"CL"}))
OTHER = Actor(ActorKind.STAFF, "tendai")


def held(address: str, **different: object) -> Pledge:
    return confirmed(address, **(HELD | different))


@pytest.fixture
def three() -> list[Pledge]:
    """Held one after the other: of Kenya, of Chile for two reasons, of an institution in Kenya."""
    hurried = context(honeypot_filled=True, form_opened_at=now())
    home = institution()
    pledges = [
        held("a@example.org"),
        held("b@example.org", country="CL", context=hurried, locale="es"),
        confirmed(**speaking(home, f"rector@{home.domains[0]}")),
    ]
    for age, pledge in enumerate(reversed(pledges)):
        pledge.submitted_at = now() - timedelta(hours=age)
    return pledges


def test_the_oldest_comes_first_page_by_page(three: list[Pledge]) -> None:
    first = queue.held(limit=2)
    rest = queue.held(after=queue.position(first[-1]), limit=2)
    assert [*first, *rest] == three


@pytest.mark.parametrize(
    ("only", "places"),
    [
        (HeldFilter(reason="too-fast"), [1]),
        (HeldFilter(reason="honeypot"), [0, 1]),
        (HeldFilter(official=True), [2]),
        (HeldFilter(country="KE"), [0, 2]),
        (HeldFilter(locale="es", country="CL"), [1]),
        (HeldFilter(locale="es", country="KE"), []),
    ],
)
def test_filters_narrow_the_queue(three: list[Pledge], only: HeldFilter, places: list[int]) -> None:
    assert queue.held(only=only) == [three[place] for place in places]
    assert queue.count(EVERYTHING, only) == len(places)


def test_a_coordinator_sees_and_counts_their_country(three: list[Pledge]) -> None:
    assert queue.held(CHILE) == [three[1]]
    counts = queue.counts(CHILE)
    assert (counts.total, counts.official, counts.countries) == (1, 0, {"CL": 1})


def test_what_waits_is_counted_by_reason_country_and_language(three: list[Pledge]) -> None:
    counts = queue.counts(EVERYTHING)
    assert (counts.total, counts.official, counts.oldest) == (3, 1, three[0].submitted_at)
    assert counts.reasons == {"honeypot": 2, "too-fast": 1, "official": 1}
    assert (counts.countries, counts.locales) == ({"KE": 2, "CL": 1}, {"en": 2, "es": 1})


def test_two_who_have_a_case_open_see_each_other() -> None:
    case = held("a@example.org")
    assert queue.open_case(case, STAFF, EVERYTHING, now()) == []
    assert queue.open_case(case, OTHER, EVERYTHING, now()) == ["ada"]
    assert queue.open_case(case, STAFF, EVERYTHING, now()) == ["tendai"]


def test_who_was_not_heard_of_for_minutes_has_left() -> None:
    case = held("a@example.org")
    queue.open_case(case, OTHER, EVERYTHING, now() - queue.OPEN_FOR - timedelta(seconds=1))
    assert queue.who_else(case.id, STAFF, now()) == []


def test_who_goes_on_to_another_case_leaves_the_first() -> None:
    case = held("a@example.org")
    queue.open_case(case, OTHER, EVERYTHING, now())
    queue.close_cases(OTHER, now())
    assert queue.who_else(case.id, STAFF, now()) == []


def test_nobody_opens_a_case_outside_their_scope() -> None:
    with pytest.raises(OutOfScope):
        queue.open_case(held("a@example.org"), STAFF, CHILE, now())
