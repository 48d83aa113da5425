"""What is asked about a known and about an unknown address costs the database the same statements, one for one.

As in ``tests/abuse/test_same_work.py``: nothing is timed here, the work behind the answer is compared.
"""

from collections.abc import Callable

import pytest

from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.staff import operations
from campaign.staff.policy import current_policy
from tests.desk.conftest import Desk
from tests.factories import account
from tests.statements import statements

KNOWN, UNKNOWN = "owner@example.org", "nobody@example.org"


def guess(visitor: Desk, address: str) -> int:
    return visitor.post("/sign-in/", data={"address": address, "password": "wrong"}).status_code


def ask_for_reset(visitor: Desk, address: str) -> int:
    return visitor.post("/reset/", data={"address": address}).status_code


@pytest.mark.parametrize("ask", [guess, ask_for_reset])
def test_a_known_account_costs_what_an_unknown_one_costs(
    visitor: Desk, ask: Callable[[Desk, str], int]
) -> None:
    account(address=KNOWN)
    db.session.commit()
    ask(visitor, "first@example.org")  # fills what the process keeps

    work = []
    for address in (KNOWN, UNKNOWN):
        with statements() as executed:
            status = ask(visitor, address)
        work.append((status, [it for it in executed if "SAVEPOINT" not in it]))

    assert work[0] == work[1]
    assert any("staff_" in statement for statement in work[0][1])


def test_the_worker_writes_to_those_who_have_an_account(visitor: Desk) -> None:
    account(address=KNOWN)
    db.session.commit()
    for address in (KNOWN, UNKNOWN, "owner\0@example.org"):
        ask_for_reset(visitor, address)
    while operations.send_reset(current_policy(), now()):
        db.session.commit()
    assert [letter.recipient for letter in db.session.query(OutgoingEmail)] == [KNOWN]
