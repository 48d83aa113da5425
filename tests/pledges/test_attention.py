"""What waits for staff: counted within their scope, one statement each."""

from datetime import timedelta

import pytest

from campaign.clock import now
from campaign.pledges import attention
from campaign.staff.scopes import EVERYTHING, Scope
from tests.factories import confirmed, context, submitted
from tests.statements import statements

pytestmark = pytest.mark.usefixtures("session")

CHILE = Scope(frozenset({"CL"}))


def test_held_pledges_wait_since_the_oldest_came() -> None:
    for number, country in enumerate(("CL", "KE", "KE")):
        pledge = confirmed(
            f"{number}@example.org", country=country, context=context(honeypot_filled=True)
        )
        pledge.submitted_at = now() - timedelta(days=number)
    confirmed()
    assert attention.held(EVERYTHING) == (3, pledge.submitted_at)
    with statements() as executed:
        assert attention.held(CHILE).number == 1
    assert len(executed) == 1
    assert attention.held(Scope(institution_id="05jxf0p38")) == (0, None)


def test_no_more_are_counted_than_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "MOST", 1)
    for number in range(4):
        confirmed(f"{number}@example.org", context=context(honeypot_filled=True))
    assert attention.held(EVERYTHING).number == 2


def test_institutions_that_are_not_listed_wait() -> None:
    confirmed("a@example.org", institution_text="A School", country="CL")
    confirmed("b@example.org", institution_text="A School", country="KE")
    submitted("c@example.org", institution_text="A School", country="CL")
    assert attention.not_listed(EVERYTHING).number == 2
    assert attention.not_listed(CHILE).number == 1


def test_pledges_that_nobody_confirmed_are_late_after_a_while() -> None:
    old, _new = submitted("a@example.org"), submitted("b@example.org")
    old.submitted_at = now() - timedelta(days=3)
    assert attention.unconfirmed(now() - timedelta(days=1), EVERYTHING) == (1, old.submitted_at)
    assert attention.unconfirmed(now() - timedelta(days=1), CHILE).number == 0
