"""What is asked about a known and about an unknown address costs the database the same statements, one for one.

Kind: an answer whose time tells what its words do not. Nothing is timed here: the work behind it is compared.
"""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from campaign import jobs
from tests.factories import confirmed, form_fields
from tests.statements import statements
from tests.web.browsing import FORM_PATH, form_token

KNOWN, UNKNOWN = "wanjiru@example.org", "nobody@example.org"


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
        # Savepoints are those of the transaction around each test.
        work.append((status, [it for it in executed if "SAVEPOINT" not in it]))

    assert work[0] == work[1]
    assert any("received_forms" in statement for statement in work[0][1])
