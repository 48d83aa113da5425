"""A campus day: what guards strangers' mailboxes from our letters must not hit a university that pledges at once.

2,000 people behind one address pledge within half an hour. All of them get their letter within the hour, none is
dropped, and none is told anything that is not so.
"""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from campaign import jobs
from campaign.db import db
from campaign.http import rate_limits
from campaign.mail import outbox
from campaign.mail.models import OutgoingEmail
from campaign.mail.transport import Transport
from campaign.pledges import emails, operations
from campaign.pledges.models import Pledge, Status
from tests.factories import CAMPAIGN, form_fields, institution, policy, take_forms
from tests.mail.conftest import Postbox
from tests.web.browsing import form_token

pytestmark = pytest.mark.stack

PEOPLE, MINUTES = 2_000, 30
PATH = f"/en/campaigns/{CAMPAIGN}/pledge/"


@pytest.fixture
def campus(committing: None) -> str:
    """The id of a university whose people write from its domain or, every second one, from elsewhere."""
    home = institution(domains=["campus.ac.ke"])
    jobs.commit()
    return home.id


def test_everyone_of_a_campus_gets_their_letter_within_the_hour(
    app: Flask, campus: str, postbox: Postbox
) -> None:
    client, waited = app.test_client(), {}
    for minute in range(60):
        for number in range(minute * PEOPLE // MINUTES, (minute + 1) * PEOPLE // MINUTES):
            if number < PEOPLE:
                pledge(client, campus, number)
        for address in letters_of(postbox):
            waited.setdefault(address, minute - minute_of(address))
        let_a_minute_pass(app)

    assert db.session.scalar(select(func.count()).select_from(Pledge)) == PEOPLE
    assert set(waited) == {address_of(number) for number in range(PEOPLE)}
    assert max(waited.values()) <= 15
    assert len(postbox.messages) == PEOPLE
    assert {str(message["Subject"]) for message in postbox.messages} == {
        "Please confirm your pledge: Light Up the Heart of Science"
    }
    for number in range(0, PEOPLE, 100):
        is_told_the_truth(number)


def address_of(number: int) -> str:
    return f"person-{number}@{('campus.ac.ke', 'example.org')[number % 2]}"


def minute_of(address: str) -> int:
    """When this person pledged."""
    number = int(address.partition("@")[0].removeprefix("person-"))
    return number * MINUTES // PEOPLE


def pledge(client: FlaskClient, campus: str, number: int) -> None:
    fields = form_fields(
        form_token(),
        email=address_of(number),
        affiliation="institution",
        institution=campus,
        role="student",
    )
    assert client.post(PATH, data=fields).status_code == 303


def letters_of(postbox: Postbox) -> list[str]:
    """Do what the worker does; return who got a letter by now."""
    take_forms()
    jobs.commit()
    with Transport(postbox.url) as transport:
        outbox.deliver_due(transport, policy().paces)
    return [str(message["To"]) for message in postbox.messages]


def let_a_minute_pass(app: Flask) -> None:
    """Move everything that is kept a minute into the past."""
    minute = {"minute": timedelta(minutes=1)}
    for table, column in (
        ("outgoing_emails", "due_at"), ("outgoing_emails", "queued_at"), ("email_turns", "next_at"),
        ("pledges", "submitted_at"), ("received_forms", "received_at"),
    ):  # fmt: skip
        db.session.execute(text(f"UPDATE {table} SET {column} = {column} - :minute"), minute)
    jobs.commit()
    rate_limits.init_app(app)  # requests are counted by the minute


def is_told_the_truth(number: int) -> None:
    """Who writes from the university counts at once; of the others those who came when it was crowded are held."""
    pledge = db.session.scalars(
        select(Pledge).join(Pledge.person).filter_by(address=address_of(number))
    ).one()
    code = emails.code_of(policy().signer, pledge.id)
    operations.confirm_by_code(policy(), pledge.submission, code, pledge.submitted_at)
    is_crowded = number >= policy().limits.per_campus
    from_elsewhere = number % 2 == 1
    expected = Status.HELD if from_elsewhere and is_crowded else Status.CONFIRMED
    assert pledge.status == expected
    held = select(OutgoingEmail).where(OutgoingEmail.recipient == address_of(number))
    told = [letter.template for letter in db.session.scalars(held)]
    assert told == (["held"] if expected == Status.HELD else [])
