"""What is held for a human eye, and above all what is not: a campus is no attacker."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from campaign.clock import now
from campaign.db import db
from campaign.pledges import submitting
from campaign.pledges.holding import SHORTEST_READING, WINDOW, Limits
from campaign.pledges.models import Pledge
from tests.factories import context, institution, policy, submission, submitted

pytestmark = pytest.mark.usefixtures("session")

LIMITS = Limits(per_network=3, per_campus=6)
NETWORK = b"the same network for everybody in this test"


def reasons(address="wanjiru@example.org", at=None, **different):
    """Why a pledge is held that comes now, or at another moment; it leaves nothing behind."""
    given = different.pop("context", context(network_hash=NETWORK))
    sent = submission(address, context=given, **different)
    strict = replace(policy(), limits=LIMITS)
    attempt = db.session.begin_nested()
    submitting.submit(strict, sent, at or now())
    while submitting.take_next(strict, now()):
        pass
    held = db.session.scalar(select(Pledge.hold_reasons).where(Pledge.submission == sent.id))
    attempt.rollback()
    return held


def pledged_from_network(number, **different):
    """So many people have just pledged from the network."""
    for _ in range(number):
        submitted(
            f"{uuid4().hex}@example.org",
            context=context(network_hash=NETWORK),
            **different,
        )


def test_nearly_nobody_is_held():
    assert reasons() == []


def test_many_colleagues_behind_one_address_are_welcome():
    campus = institution().id
    pledged_from_network(LIMITS.per_campus - 1, institution=campus)

    assert reasons(institution=campus) == []


def test_even_colleagues_are_looked_at_when_there_are_too_many():
    campus = institution().id
    pledged_from_network(LIMITS.per_campus, institution=campus)

    assert reasons(institution=campus) == ["network"]


def test_many_strangers_behind_one_address_are_held():
    for _ in range(LIMITS.per_network):
        pledged_from_network(1, institution=institution().id)

    assert reasons(institution=institution().id) == ["network"]


@pytest.mark.parametrize("different", [{}, {"institution_text": "A Small School"}])
def test_people_without_a_registered_institution_are_strangers_to_each_other(different):
    pledged_from_network(LIMITS.per_network, **different)

    assert reasons(**different) == ["network"]


def test_a_colleague_is_held_where_strangers_have_been_busy():
    """Else a script would only have to name the institution of the network it sits in."""
    pledged_from_network(LIMITS.per_network)

    assert reasons(institution=institution().id) == ["network"]


@pytest.mark.parametrize("prefix", ["", "students."])
def test_an_official_address_is_never_held_for_its_network(prefix):
    campus = institution()
    pledged_from_network(LIMITS.per_campus + LIMITS.per_network, institution=campus.id)
    pledged_from_network(LIMITS.per_network)

    assert reasons(f"wanjiru@{prefix}{campus.domains[0]}", institution=campus.id) == []


def test_another_institutions_address_helps_nobody():
    pledged_from_network(LIMITS.per_network)
    elsewhere = institution()

    assert reasons(f"wanjiru@{elsewhere.domains[0]}", institution=institution().id) == ["network"]


def test_what_other_networks_do_does_not_matter():
    for _ in range(LIMITS.per_network + 1):
        submitted(f"{uuid4().hex}@example.org")

    assert reasons() == []


def test_after_an_hour_a_network_is_calm_again():
    pledged_from_network(LIMITS.per_network)

    assert reasons() == ["network"]
    later = now() + WINDOW + timedelta(seconds=1)
    assert reasons(at=later) == []


def test_a_filled_honeypot_is_held():
    assert reasons(context=context(honeypot_filled=True)) == ["honeypot"]


def test_a_form_sent_faster_than_anyone_reads_is_held():
    opened = now()
    given = context(form_opened_at=opened)

    assert reasons(context=given, at=opened + SHORTEST_READING - timedelta(milliseconds=1)) == [
        "too-fast"
    ]
    assert reasons(context=given, at=opened + SHORTEST_READING) == []


def test_all_reasons_are_told_at_once():
    pledged_from_network(LIMITS.per_network)
    given = context(network_hash=NETWORK, honeypot_filled=True, form_opened_at=now())

    assert reasons(context=given) == ["honeypot", "too-fast", "network"]


def test_a_held_submission_keeps_its_reasons_until_it_is_confirmed():
    pledge = submitted(context=context(honeypot_filled=True))
    db.session.refresh(pledge)

    assert pledge.hold_reasons == ["honeypot"]
