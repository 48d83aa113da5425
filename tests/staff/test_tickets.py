"""A ticket works once, for its purpose, in its time; sessions and limits of attempts end when they should."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.staff import attempts, sessions, tickets
from campaign.staff.attempts import (
    PER_ADDRESS,
    PER_ADDRESS_AND_NETWORK,
    PER_NETWORK,
    Source,
    TooManyAttempts,
)
from campaign.staff.models import Ticket
from campaign.staff.tickets import InvalidTicket, Purpose
from tests.factories import account

HOUR = timedelta(hours=1)


def test_a_ticket_is_used_up(session: Session) -> None:
    who = account()
    secret = tickets.issue(Purpose.RESET, who, now() + HOUR, {"some": "thing"})
    used = tickets.redeem(Purpose.RESET, secret, now())
    assert (used.account, used.payload) == (who, {"some": "thing"})
    with pytest.raises(InvalidTicket):
        tickets.redeem(Purpose.RESET, secret, now())


def test_only_its_hash_is_stored(session: Session) -> None:
    secret = tickets.issue(Purpose.RESET, account(), now() + HOUR)
    (stored,) = db.session.query(Ticket)
    assert secret.encode() not in stored.digest
    assert len(stored.digest) == 32


def test_what_belongs_to_a_ticket_is_read_with_its_secret_alone(session: Session) -> None:
    secret = tickets.issue(Purpose.NEW_APP, account(), now() + HOUR, {"secret": "JBSWY3DP"})
    (stored,) = db.session.query(Ticket)
    assert "JBSWY3DP" not in str(stored.payload)
    assert tickets.look(Purpose.NEW_APP, secret, now()).payload == {"secret": "JBSWY3DP"}


def test_a_ticket_is_for_one_purpose(session: Session) -> None:
    secret = tickets.issue(Purpose.INVITATION, account(), now() + HOUR)
    with pytest.raises(InvalidTicket):
        tickets.redeem(Purpose.RESET, secret, now())


def test_a_ticket_expires(session: Session) -> None:
    secret = tickets.issue(Purpose.RESET, account(), now() + HOUR)
    with pytest.raises(InvalidTicket):
        tickets.look(Purpose.RESET, secret, now() + HOUR)


def test_the_tickets_of_an_ended_account_are_void(session: Session) -> None:
    secret = tickets.issue(Purpose.RESET, account(ended_at=now()), now() + HOUR)
    with pytest.raises(InvalidTicket):
        tickets.look(Purpose.RESET, secret, now())


def test_of_two_who_use_a_ticket_at_once_one_succeeds(
    elsewhere: Callable[[Callable[[], Any]], "Future[Any]"],
) -> None:
    secret = tickets.issue(Purpose.RESET, account(), now() + HOUR)
    jobs.commit()

    def redeem() -> bool:
        try:
            tickets.redeem(Purpose.RESET, secret, now())
        except InvalidTicket:
            return False
        jobs.commit()
        return True

    assert sorted(one.result(20) for one in [elsewhere(redeem) for _ in range(4)]) == [
        False
    ] * 3 + [True]


def test_a_session_is_found_by_its_cookie_alone(session: Session) -> None:
    begun, secret = sessions.begin(account(), "Firefox", b"network", now())
    assert sessions.find(secret) is begun
    assert sessions.find(secret + "x") is None


def test_a_proof_of_who_one_is_grows_old(session: Session) -> None:
    begun, _ = sessions.begin(account(), "Firefox", b"network", now())
    assert sessions.is_fresh(begun, now() + timedelta(minutes=14))
    assert not sessions.is_fresh(begun, now() + timedelta(minutes=16))


def fail(times: int, source: Source) -> None:
    for _ in range(times):
        attempts.note_failure(source, now())


@pytest.mark.parametrize(
    ("times", "address", "network"),
    [
        (PER_ADDRESS_AND_NETWORK, b"address", b"network"),
        (PER_NETWORK, b"another", b"network"),
        (PER_ADDRESS, b"address", b"elsewhere"),
    ],
)
def test_who_guesses_too_often_has_to_wait(
    session: Session, times: int, address: bytes, network: bytes
) -> None:
    mine, who = Source(b"address", b"network"), account()
    fail(times - 1, Source(address, network))
    attempts.check(mine, who, now())
    fail(1, Source(address, network))
    with pytest.raises(TooManyAttempts):
        attempts.check(mine, who, now())
    attempts.check(mine, who, now() + attempts.WINDOW + timedelta(seconds=1))


def test_a_stranger_cannot_lock_the_owner_out(session: Session) -> None:
    who = account()
    sessions.begin(who, "Firefox", b"home", now())
    fail(PER_ADDRESS, Source(b"address", b"elsewhere"))
    attempts.check(Source(b"address", b"home"), who, now())


def test_unknown_addresses_are_counted_like_known_ones(session: Session) -> None:
    fail(PER_ADDRESS_AND_NETWORK, Source(b"nobody", b"network"))
    with pytest.raises(TooManyAttempts):
        attempts.check(Source(b"nobody", b"network"), None, now())


def test_guesses_at_the_same_moment_at_one_address_are_all_counted(
    elsewhere: Callable[[Callable[[], Any]], "Future[Any]"],
) -> None:
    source = Source(b"one address", b"network")

    def guess() -> bool:
        try:
            attempts.check(source, None, now())
        except TooManyAttempts:
            return False
        attempts.note_failure(source, now())
        jobs.commit()
        return True

    guesses = [elsewhere(guess) for _ in range(3 * PER_ADDRESS_AND_NETWORK)]
    assert sum(one.result(20) for one in guesses) == PER_ADDRESS_AND_NETWORK
