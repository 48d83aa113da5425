"""The pace of e-mails to addresses never seen before, so that our mail cannot be aimed at strangers.

Anyone can type anyone's address. What one network causes, and what all cause together, leaves at a steady pace
after a burst of a minute; the rest queues behind and none is lost, since a campus may share one network. Every
e-mail books its turn once, in rows that all processes share (the generic cell rate algorithm).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from campaign.db import db
from campaign.mail.models import OutgoingEmail, Turn

BURST = timedelta(minutes=1)
_ALL = b""


@dataclass(frozen=True)
class Paces:
    """E-mails a minute to addresses never seen: caused by one network, and by all."""

    per_network: int
    in_all: int


def put_off(email: OutgoingEmail, paces: Paces, now: datetime) -> bool:
    """Book the turns of a claimed e-mail that is paced; return whether it must wait, and then give its claim back.

    The turn among all is booked once that of its network has come: one busy network takes no turns of others.
    """
    while email.network_hash is not None:
        is_last = email.network_hash == _ALL
        pause = BURST / (paces.in_all if is_last else paces.per_network)
        due_at = _book(email.network_hash, pause, now)
        email.network_hash = None if is_last else _ALL
        if due_at > now:
            email.due_at, email.attempts = due_at, email.attempts - 1
            return True
    return False


def _book(network_hash: bytes, pause: timedelta, now: datetime) -> datetime:
    """Take the next turn of a network, ``pause`` after the one before; return when it is, less the burst."""
    turn = insert(Turn).values(network_hash=network_hash, next_at=now + pause)
    booked = turn.on_conflict_do_update(
        index_elements=[Turn.network_hash],
        set_={"next_at": func.greatest(Turn.next_at, now) + pause},
    )
    next_at = db.session.scalars(booked.returning(Turn.next_at)).one()
    return next_at - pause - BURST


def forget(now: datetime) -> None:
    """Remove turns that are over: a network without one has its whole burst."""
    db.session.execute(delete(Turn).where(Turn.next_at < now))
