"""What only several connections can show: nothing is sent or taken twice."""

import pytest

from campaign import jobs
from campaign.clock import now
from campaign.partners import operations, queries, webhooks
from campaign.partners.rules import EVENTS
from tests.factories import STAFF, policy

pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def key(committing):
    key, _ = operations.create_key(policy().signer, "lake", None, 5, STAFF)
    jobs.commit()
    return key


def test_two_workers_send_a_message_once(elsewhere):
    hook = webhooks.add("https://hooks.uni.ac.ke/", None, EVENTS, STAFF, now())
    webhooks.queue_test(hook, now())
    jobs.commit()

    def work():
        claimed = webhooks.claim()
        jobs.commit()
        return claimed

    claims = [elsewhere(work) for _ in range(4)]

    assert sum(claim.result() is not None for claim in claims) == 1


def test_a_request_that_is_being_answered_is_told(key, elsewhere):
    def ask():
        return operations.earlier_answer(queries.active_key("lake"), "mine", b"body", now())

    assert ask() is None

    with pytest.raises(operations.RequestInFlight):
        elsewhere(ask).result()

    operations.remember_answer(key, "mine", b"body", {"status": "unconfirmed"}, now())
    jobs.commit()
    assert elsewhere(ask).result() == {"status": "unconfirmed"}


def test_a_quota_is_never_exceeded(key, elsewhere):
    def ask():
        left = operations.use_quota(queries.active_key("lake"), now().date())
        jobs.commit()
        return left

    left = [future.result() for future in [elsewhere(ask) for _ in range(9)]]

    assert sorted(number for number in left if number is not None) == [0, 1, 2, 3, 4]
