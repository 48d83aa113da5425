"""Public words and letters at the desk: read, published or kept, many at once, within the scope."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete

from campaign.clock import now
from campaign.db import db
from campaign.pledges import operations, queries
from campaign.pledges.models import Pledge, PledgeEvent
from campaign.staff.rules import Role
from campaign.staff.scopes import Scope
from tests.desk.conftest import Desk
from tests.factories import accepted, confirmed, draft, institution, policy

SignIn = Callable[..., Desk]

CHILE = Scope(countries=frozenset({"CL"}))


def speaking(address: str = "w@example.org", **different: Any) -> UUID:
    pledge = confirmed(address, **({"words": "For our rivers."} | different))
    db.session.commit()
    return pledge.id


def approved(pledge_id: UUID) -> bool | None:
    db.session.expire_all()
    return db.session.get_one(Pledge, pledge_id).words_approved


def tick(*ids: UUID) -> list[str]:
    return [f"{id_}:{queries.version_of(id_)}" for id_ in ids]


@pytest.fixture
def moderator(sign_in: SignIn) -> Desk:
    return sign_in(Role.MODERATOR)


def test_words_are_read_with_their_language_and_published_together(moderator: Desk) -> None:
    ids = speaking(), speaking("b@example.org", words="من أجل الأنهار", locale="ar")
    page = moderator.get("/review/words/").text
    assert '<blockquote lang="ar" dir="rtl"><p>من أجل الأنهار' in page
    assert "2 words to the children are not published yet." in moderator.get("/").text

    answer = moderator.post("/review/words/", data={"pledge": tick(*ids), "verdict": "publish"})

    assert "2 texts are decided." in moderator.get(answer.location).text
    assert [approved(id_) for id_ in ids] == [True, True]
    assert "For our rivers." in moderator.get("/review/words/?state=published").text


def test_words_can_be_kept_private_and_taken_back(moderator: Desk) -> None:
    pledge_id = speaking()
    for verdict, expected in (("publish", True), ("keep", False), ("publish", True)):
        moderator.post("/review/words/", data={"pledge": tick(pledge_id), "verdict": verdict})
        assert approved(pledge_id) is expected


def test_a_language_can_be_chosen(moderator: Desk) -> None:
    speaking()
    speaking("b@example.org", words="Por los ríos", locale="es")
    page = moderator.get("/review/words/?locale=es").text
    assert "Por los ríos" in page
    assert "For our rivers." not in page


def test_letters_of_support_have_a_page_of_their_own(moderator: Desk) -> None:
    own = institution()
    letters = {"en": "We stand behind it."}
    pledge = accepted(f"r@{own.domains[0]}", institution=own.id, support_letters=letters)
    pledge_id = pledge.id
    db.session.commit()
    assert "We stand behind it." in moderator.get("/review/letters/").text
    assert "The letters of support of 1 institution" in moderator.get("/").text
    moderator.post("/review/letters/", data={"pledge": tick(pledge_id), "verdict": "publish"})
    assert approved(pledge_id) is True


def test_nothing_ticked_and_changed_words_are_told(moderator: Desk) -> None:
    pledge_id = speaking()
    ticks = tick(pledge_id)
    answer = moderator.post("/review/words/", data={"verdict": "publish"})
    assert (answer.status_code, "Tick at least one." in answer.text) == (422, True)
    pledge = db.session.get_one(Pledge, pledge_id)
    operations.correct(policy(), pledge, draft(words="Buy my book."), "en", now())
    db.session.commit()
    answer = moderator.post("/review/words/", data={"pledge": ticks, "verdict": "publish"})
    assert (answer.status_code, approved(pledge_id)) == (409, None)
    assert moderator.post("/review/words/", data={"verdict": "x"}).status_code == 400


def test_a_coordinator_reads_and_publishes_their_country_only(sign_in: SignIn) -> None:
    foreign = speaking()
    browser = sign_in(Role.COORDINATOR, scope=CHILE)
    assert "Nothing waits to be read." in browser.get("/review/words/").text
    assert "For our rivers." not in browser.get(f"/review/words/?after={foreign}").text
    browser.post("/review/words/", data={"pledge": tick(foreign), "verdict": "publish"})
    assert approved(foreign) is None


def test_invented_words_which_have_no_trail_are_published_too(moderator: Desk) -> None:
    pledge_id = speaking()
    db.session.execute(delete(PledgeEvent).where(PledgeEvent.pledge_id == pledge_id))
    db.session.commit()
    assert f"{pledge_id}:0" in moderator.get("/review/words/").text
    moderator.post("/review/words/", data={"pledge": f"{pledge_id}:0", "verdict": "publish"})
    assert approved(pledge_id) is True
