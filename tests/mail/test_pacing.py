"""The pace of e-mails to addresses never seen: nobody takes the turns of others, and nothing takes too long."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from campaign.clock import now
from campaign.db import db
from campaign.mail import outbox, pacing
from campaign.mail.models import OutgoingEmail, Turn
from campaign.mail.pacing import Paces

pytestmark = pytest.mark.usefixtures("session")


def queued(number: int, network: bytes) -> list[OutgoingEmail]:
    """So many claimed e-mails that one network caused."""
    emails = [
        OutgoingEmail(
            template="held", locale="en", recipient=f"{n}@example.org", recipient_hash=b"", facts={},
            network_hash=network, attempts=1,
        )
        for n in range(number)
    ]  # fmt: skip
    db.session.add_all(emails)
    db.session.flush()
    return emails


def test_after_a_burst_of_a_minute_a_network_waits_for_its_turns() -> None:
    at = now()
    waits = [pacing.put_off(email, Paces(6, 600), at) for email in queued(10, b"busy")]
    assert waits == [False] * 7 + [True] * 3


def test_what_waited_leaves_when_its_turn_has_come() -> None:
    at = now()
    *_, last = queued(9, b"busy")
    for email in db.session.scalars(select(OutgoingEmail).order_by(OutgoingEmail.id)):
        pacing.put_off(email, Paces(6, 600), at)
    assert last.due_at == at + timedelta(seconds=20)
    assert not pacing.put_off(last, Paces(6, 600), last.due_at)
    assert last.network_hash is None


def test_one_network_does_not_use_up_the_turns_of_all() -> None:
    at = now()
    for email in queued(1_300, b"attacker"):
        pacing.put_off(email, Paces(6, 600), at)
    (honest,) = queued(1, b"honest")
    assert not pacing.put_off(honest, Paces(6, 600), at)


def test_all_networks_together_wait_for_the_turns_of_all() -> None:
    at = now()
    waits = [pacing.put_off(queued(1, b"%d" % n)[0], Paces(60, 6), at) for n in range(10)]
    assert waits == [False] * 7 + [True] * 3


def test_claiming_ends_in_time_however_much_is_put_off() -> None:
    queued(200, b"attacker")
    assert outbox.claim(Paces(1, 1), until=time.monotonic()) is None
    waiting = select(OutgoingEmail.id).where(OutgoingEmail.network_hash == b"attacker")
    assert len(db.session.scalars(waiting).all()) == 200


def test_networks_are_forgotten_once_their_turns_are_over() -> None:
    db.session.add(Turn(network_hash=b"a network", next_at=now() - timedelta(seconds=1)))
    (given_up,) = queued(1, b"another network")
    given_up.failed_at = now()
    db.session.flush()

    outbox.forget_networks(now())

    db.session.expire_all()
    assert db.session.scalars(select(Turn)).all() == []
    assert given_up.network_hash is None
