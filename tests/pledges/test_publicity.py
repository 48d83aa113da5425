"""Public words and letters wait for staff; pinned people stand first. Public pages follow by trigger."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from campaign import jobs
from campaign.clock import now
from campaign.pledges import operations, publicity, queries
from campaign.pledges.deciding import Outcome
from campaign.pledges.models import Kind, NotAwaiting, Pledge
from campaign.pledges.publicity import TooManyPins, WordsFilter
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope
from campaign.tallies import operations as tally_operations
from tests.factories import STAFF, accepted, confirmed, draft, institution, policy

pytestmark = pytest.mark.usefixtures("session")

CHILE = Scope(countries=frozenset({"CL"}))
PEOPLE = WordsFilter(kind=Kind.PERSON)
LETTERS = WordsFilter(kind=Kind.INSTITUTION)


def speaking(address: str = "w@example.org", **different: object) -> Pledge:
    return confirmed(address, words="For our rivers.", **different)


def settle(*pledges: Pledge, approve: bool = True, scope: Scope = EVERYTHING) -> list[Outcome]:
    versions = queries.versions_of([pledge.id for pledge in pledges])
    outcomes = publicity.settle_words(versions, approve, STAFF, scope)
    return [outcomes[pledge.id] for pledge in pledges]


def shown(pledge: Pledge) -> str | None:
    (signatory,) = queries.signatories(pledge.campaign_id)
    return signatory.words


def test_words_wait_until_staff_have_read_them() -> None:
    pledge = speaking()
    assert (shown(pledge), publicity.waiting(EVERYTHING, PEOPLE)) == (None, [pledge])
    assert settle(pledge) == [Outcome.DONE]
    assert (shown(pledge), publicity.waiting(EVERYTHING, PEOPLE)) == ("For our rivers.", [])


def test_words_kept_private_do_not_wait_any_more() -> None:
    pledge = speaking()
    settle(pledge, approve=False)
    assert (shown(pledge), publicity.waiting(EVERYTHING, PEOPLE)) == (None, [])
    assert publicity.settled(EVERYTHING, PEOPLE, approved=False) == [pledge]


def test_staff_may_change_their_minds() -> None:
    pledge = speaking()
    settle(pledge)
    assert publicity.settled(EVERYTHING, PEOPLE, approved=True) == [pledge]
    settle(pledge, approve=False)
    assert shown(pledge) is None


def test_corrected_words_wait_again_and_other_corrections_leave_them() -> None:
    pledge = speaking()
    settle(pledge)
    said = draft(words="For our rivers.", name="Wanjiru W. Kamau")
    operations.correct(policy(), pledge, said, "en", now())
    assert shown(pledge) == "For our rivers."
    operations.correct(policy(), pledge, draft(words="Buy my book."), "en", now())
    assert (shown(pledge), publicity.waiting(EVERYTHING, PEOPLE)) == (None, [pledge])


def test_words_corrected_while_staff_read_them_are_not_approved() -> None:
    pledge = speaking()
    versions = queries.versions_of([pledge.id])
    operations.correct(policy(), pledge, draft(words="Buy my book."), "en", now())
    outcomes = publicity.settle_words(versions, True, STAFF, EVERYTHING)
    assert (outcomes, shown(pledge)) == ({pledge.id: Outcome.CHANGED}, None)


def test_a_coordinator_reads_and_approves_words_of_their_country() -> None:
    here, abroad = speaking("a@example.org"), speaking("b@example.org", country="CL")
    assert publicity.waiting(CHILE, PEOPLE) == [abroad]
    assert publicity.counts(CHILE) == {Kind.PERSON: 1, Kind.INSTITUTION: 0}
    assert settle(here, abroad, scope=CHILE) == [Outcome.MISSING, Outcome.DONE]
    assert here.words_approved is None


def test_words_of_who_is_not_listed_do_not_wait() -> None:
    speaking(listed=False)
    assert publicity.waiting(EVERYTHING, PEOPLE) == []


def test_the_oldest_words_come_first_page_by_page_and_by_language() -> None:
    first, second = speaking("a@example.org"), speaking("b@example.org", locale="ar")
    first.confirmed_at = now() - timedelta(hours=1)
    assert publicity.waiting(EVERYTHING, PEOPLE, limit=1) == [first]
    after = (first.confirmed_at, first.id)
    assert publicity.waiting(EVERYTHING, PEOPLE, after) == [second]
    arabic = WordsFilter(kind=Kind.PERSON, locale="ar")
    assert publicity.waiting(EVERYTHING, arabic) == [second]
    assert publicity.languages(EVERYTHING, Kind.PERSON) == {"ar": 1, "en": 1}


def test_an_institutions_letter_is_shown_once_it_is_approved(client: FlaskClient) -> None:
    own = institution()
    address, letters = f"rector@{own.domains[0]}", {"en": "We stand behind it."}
    pledge = accepted(address, institution=own.id, support_letters=letters)
    page = f"/en/institutions/{own.id}/"
    tally_operations.fold_all()
    jobs.commit()
    assert publicity.waiting(EVERYTHING, LETTERS) == [pledge]
    assert "We stand behind it." not in client.get(page).text
    settle(pledge)
    tally_operations.fold_all()
    jobs.commit()
    assert "We stand behind it." in client.get(page).text


def test_what_is_decided_of_words_renews_public_pages(woken: Callable[[], list[str]]) -> None:
    pledge = speaking()
    tally_operations.fold_all()
    settle(pledge)
    assert tally_operations.fold() == 1
    assert tally_operations.differences() == []


# Pinned people


def names(campaign_id: int, **asked: object) -> list[str]:
    return [person.name for person in queries.pinned_first(campaign_id, **asked)]  # type: ignore[arg-type]


@pytest.fixture
def abc() -> list[Pledge]:
    """Three listed people, the first one confirmed last."""
    people = [confirmed(f"{name}@example.org", name=f"Name {name}") for name in "abc"]
    for age, pledge in enumerate(people):
        pledge.confirmed_at = now() - timedelta(hours=age)
    return people


def test_pinned_people_stand_first_in_their_order(abc: list[Pledge]) -> None:
    a, b, c = abc
    for pledge in (c, b):
        publicity.pin(pledge, STAFF, EVERYTHING)
    assert names(a.campaign_id) == ["Name c", "Name b", "Name a"]
    publicity.move_up(b, STAFF, EVERYTHING)
    assert names(a.campaign_id) == ["Name b", "Name c", "Name a"]
    publicity.unpin(b, STAFF, EVERYTHING)
    assert names(a.campaign_id) == ["Name c", "Name a", "Name b"]


def test_pinned_people_are_on_the_first_page_only(abc: list[Pledge]) -> None:
    a, b, _ = abc
    publicity.pin(b, STAFF, EVERYTHING)
    first = queries.pinned_first(a.campaign_id, limit=2)
    last = (first[-1].confirmed_at, first[-1].id)
    rest = queries.pinned_first(a.campaign_id, before=last, limit=2)
    assert [person.name for person in (*first, *rest)] == ["Name b", "Name a", "Name c"]


def test_who_asks_for_a_name_gets_the_newest_first(abc: list[Pledge]) -> None:
    publicity.pin(abc[2], STAFF, EVERYTHING)
    assert names(abc[0].campaign_id, name="name") == ["Name a", "Name b", "Name c"]
    assert names(abc[0].campaign_id, country="CL") == []


def test_a_pinned_person_who_is_not_listed_any_more_is_not_shown(abc: list[Pledge]) -> None:
    a, _, c = abc
    publicity.pin(c, STAFF, EVERYTHING)
    operations.set_listed(c, False, "en", now())
    assert names(a.campaign_id) == ["Name a", "Name b"]
    assert publicity.pins(a.campaign_id) == [c]


def test_only_listed_people_are_pinned_and_only_some(
    abc: list[Pledge], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_PINS", 1)
    with pytest.raises(NotAwaiting):
        publicity.pin(confirmed("d@example.org", listed=False), STAFF, EVERYTHING)
    publicity.pin(abc[0], STAFF, EVERYTHING)
    with pytest.raises(TooManyPins):
        publicity.pin(abc[1], STAFF, EVERYTHING)


def test_a_coordinator_pins_nobody(abc: list[Pledge]) -> None:
    for act in (publicity.pin, publicity.unpin, publicity.move_up):
        with pytest.raises(OutOfScope):
            act(abc[0], STAFF, Scope(countries=frozenset({"KE"})))


def test_a_pin_renews_public_pages(abc: list[Pledge]) -> None:
    tally_operations.fold_all()
    publicity.pin(abc[0], STAFF, EVERYTHING)
    assert tally_operations.fold() == 1
