"""A passkey is the last way in for its owner, or not; what no device sends is refused."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.staff import passkeys
from campaign.staff.models import Account, Passkey
from campaign.staff.passkeys import InvalidPasskey, LastWayIn
from campaign.staff.policy import current_policy
from tests.factories import account

ODD: tuple[Any, ...] = (
    None, {}, {"id": 5}, {"id": "é"}, {"id": "AA", "response": None}, {"id": "\ud800", "rawId": []},
    {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "e30"}},
)  # fmt: skip


def add(owner: Account, credential_id: bytes) -> Passkey:
    passkey = Passkey(
        account_id=owner.id, credential_id=credential_id, public_key=b"", signatures=0, name="Phone"
    )
    db.session.add(passkey)
    db.session.flush()
    return passkey


@pytest.mark.parametrize("credential", ODD)
def test_what_no_device_sends_is_refused(session: Session, credential: Any) -> None:
    owner = account()
    add(owner, b"\0\0\0")
    _, ticket = passkeys.challenge(current_policy(), now())
    with pytest.raises(InvalidPasskey):
        passkeys.verify(current_policy(), ticket, credential, now())
    _, ticket = passkeys.registration(current_policy(), owner, "Example", now())
    with pytest.raises(InvalidPasskey):
        passkeys.add(current_policy(), owner, ticket, credential, "Phone", now())


def test_of_two_that_are_removed_at_once_one_stays(
    elsewhere: Callable[[Callable[[], Any]], "Future[Any]"],
) -> None:
    owner = account()
    ids = [add(owner, credential_id).id for credential_id in (b"one", b"two")]
    jobs.commit()

    def remove(id_: object) -> bool:
        try:
            passkeys.remove(db.session.get_one(Account, owner.id), db.session.get_one(Passkey, id_))
        except LastWayIn:
            return False
        jobs.commit()
        return True

    tries = [elsewhere(lambda id_=id_: remove(id_)) for id_ in ids]
    assert sorted(one.result(20) for one in tries) == [False, True]
    assert len(db.session.scalars(select(Passkey.id)).all()) == 1
