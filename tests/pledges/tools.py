"""What the tests of pledges share: two addresses, and what is queued and noted for them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from campaign.clock import now
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.mail.models import OutgoingEmail
from campaign.people.rules import parse_address
from campaign.pledges import queries, submitting
from campaign.pledges.models import Kind, Pledge
from tests.factories import context, policy, submission, take_forms

ADDRESS = "wanjiru@example.org"
STRANGER = "grace@another.org"
HELD = {"context": context(honeypot_filled=True)}


def submit(address: str = ADDRESS, **different: Any) -> None:
    submitting.submit(policy(), submission(address, **different), now())
    take_forms()


def ask_for_link(address: str = ADDRESS, locale: str = "en") -> None:
    submitting.ask_for_my_link(policy(), parse_address(address), locale, b"a network")
    take_forms()


def templates() -> list[str]:
    """Which letters were queued, oldest first."""
    return list(db.session.scalars(select(OutgoingEmail.template).order_by(OutgoingEmail.id)))


def actions(pledge: Pledge) -> list[str]:
    return [event.action for event in queries.trail(pledge.id)]


def pledges() -> Sequence[Pledge]:
    return db.session.scalars(select(Pledge)).all()


def speaking(for_institution: Institution, address: str, **different: Any) -> dict[str, Any]:
    """Fields of a representative's pledge."""
    return {
        "address": address,
        "kind": Kind.INSTITUTION,
        "institution": for_institution.id,
        "office": "Rector",
        "country": for_institution.country,
        "commitments": [],
        "disciplines": [],
    } | different
