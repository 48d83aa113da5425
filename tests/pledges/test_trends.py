"""Trends: from which networks and e-mail domains most pledges come lately."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from campaign.clock import now
from campaign.pledges import trends
from campaign.pledges.models import Pledge, Status
from campaign.staff.scopes import EVERYTHING, Scope
from tests.factories import confirmed, context

pytestmark = pytest.mark.usefixtures("session")

CHILE = Scope(countries=frozenset({"CL"}))


def sent(address: str, days_ago: int = 0, **different: object) -> Pledge:
    pledge = confirmed(address, **different)
    pledge.submitted_at = pledge.person.created_at = now() - timedelta(days=days_ago)
    return pledge


@pytest.fixture(autouse=True)
def pledges(session: Session) -> None:
    """Three of one domain and network, one of them refused, one of Chile, one old; one of another."""
    network = {"context": context(network_hash=b"busy")}
    sent("old@spam.example.com", 20, **network)
    sent("a@spam.example.com", **network).status = Status.REFUSED
    sent("b@spam.example.com", country="CL", **network)
    sent("c@spam.example.com", **network)
    sent("d@example.org")


def since(days: int = 7) -> timedelta:
    return timedelta(days=days)


def test_domains_with_most_pledges_come_first() -> None:
    spam, other = trends.domains(EVERYTHING, now() - since())
    assert (spam.domain, spam.pledges, spam.share, spam.refused) == ("spam.example.com", 3, 0.75, 1)
    assert spam.first_seen is not None
    assert spam.first_seen < now() - timedelta(days=19)
    assert (other.domain, other.pledges) == ("example.org", 1)


def test_networks_are_shown_by_one_of_their_pledges() -> None:
    (busy,) = trends.networks(EVERYTHING, now() - since())
    assert (busy.domain, busy.pledges, busy.share) == (None, 3, 0.75)
    assert busy.first_seen is not None
    assert busy.first_seen < now() - timedelta(days=19)


def test_a_longer_time_counts_more() -> None:
    assert trends.domains(EVERYTHING, now() - since(30))[0].pledges == 4


def test_a_coordinator_sees_the_trends_of_their_country() -> None:
    assert [(it.domain, it.share) for it in trends.domains(CHILE, now() - since())] == [
        ("spam.example.com", 1.0)
    ]
    assert trends.networks(CHILE, now() - since()) == []


def test_nothing_lately_is_no_trend() -> None:
    assert trends.domains(EVERYTHING, now() + since()) == []
