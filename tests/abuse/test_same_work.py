"""What is asked about a known and about an unknown address costs the database the same statements, one for one.

Kind: an answer whose time tells what its words do not. Nothing is timed here: the work behind it is compared.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from campaign import jobs
from campaign.db import db
from tests.factories import confirmed, form_fields
from tests.web.browsing import FORM_PATH, form_token

KNOWN, UNKNOWN = "wanjiru@example.org", "nobody@example.org"


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that is executed meanwhile."""
    executed: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "SAVEPOINT" not in statement:  # of the transaction around each test
            executed.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def ask_for_link(client: FlaskClient, address: str) -> int:
    return client.post("/en/my/", data={"email": address}).status_code


def send_form(client: FlaskClient, address: str) -> int:
    return client.post(FORM_PATH, data=form_fields(form_token(), email=address)).status_code


@pytest.mark.parametrize("ask", [ask_for_link, send_form])
def test_what_is_known_costs_what_is_unknown_costs(
    client: FlaskClient, ask: Callable[[FlaskClient, str], int]
) -> None:
    confirmed(KNOWN)
    jobs.commit()
    ask(client, "first@example.org")  # fills what the process keeps

    work = []
    for address in (KNOWN, UNKNOWN):
        with statements() as executed:
            status = ask(client, address)
        work.append((status, executed))

    assert work[0] == work[1]
    assert any("received_forms" in statement for statement in work[0][1])
