"""The audit log is only ever added to, and the trails of the domains point to it for what staff did."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from campaign import audit
from campaign.audit import PERSON, SYSTEM, Actor, ActorKind, AuditEvent, Filter
from campaign.clock import now
from campaign.db import db
from campaign.partners import operations as partners
from campaign.partners import queries as partner_queries
from campaign.pledges import queries, reviewing
from tests.factories import STAFF, confirmed, institution, merged, policy, submitted
from tests.statements import statements

pytestmark = pytest.mark.usefixtures("session")


def log(subject: str) -> list[AuditEvent]:
    """Lines about a subject, oldest first."""
    lines = select(AuditEvent).where(AuditEvent.subject == subject).order_by(AuditEvent.id)
    return list(db.session.scalars(lines))


def test_an_actor_reads_as_trails_show_it() -> None:
    assert [str(actor) for actor in (PERSON, SYSTEM, Actor(ActorKind.STAFF, "kim"))] == [
        "person",
        "system",
        "staff:kim",
    ]


def test_a_line_keeps_who_did_what_to_what() -> None:
    audit.record(STAFF, "tried", "test:1", {"how": "hard"})
    db.session.flush()
    db.session.expire_all()

    (line,) = log("test:1")
    assert (line.actor, line.action, line.details) == (STAFF, "tried", {"how": "hard"})
    assert line.actor.kind is ActorKind.STAFF
    assert line.happened_at <= now()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_events SET action = 'nothing'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events CASCADE",
    ],
)
def test_no_line_can_be_changed_or_removed(change: str) -> None:
    audit.record(STAFF, "tried", "test:2", {})
    db.session.flush()

    with pytest.raises(DBAPIError, match="only ever added to"):
        db.session.execute(text(change))


def test_an_act_of_staff_stands_in_the_trail_and_in_the_log() -> None:
    pledge = confirmed()
    reviewing.refuse(policy(), pledge, STAFF, "Not a person's name.")

    (line,) = log(f"pledge:{pledge.id}")
    assert (line.actor, line.action) == (STAFF, "refused")
    assert line.details["reason"] == "Not a person's name."
    assert line.details["before"] == {"status": "confirmed", "hold_reasons": []}
    assert line.details["after"] == {"status": "refused", "hold_reasons": []}
    assert [event.audit for event in queries.trail(pledge.id)] == [None, None, line]


def test_what_its_person_does_stands_in_the_trail_alone() -> None:
    assert log(f"pledge:{submitted().id}") == []


def test_a_merger_is_one_act_however_many_pledges_it_moves() -> None:
    old, new = institution(), institution()
    moved = [confirmed(f"{name}@example.org", institution=old.id) for name in ("a", "b")]
    merged(old, new)

    (line,) = log(f"institution:{old.id}")
    assert [queries.trail(pledge.id)[-1].audit for pledge in moved] == [line, line]


def test_what_staff_do_for_partners_is_in_the_log() -> None:
    partners.pause_write_api("A key leaked.", STAFF)

    (line,) = log("write API")
    assert partner_queries.trail(1)[0].audit is line


def test_lines_are_read_page_by_page() -> None:
    for number in range(5):
        audit.record(STAFF, "tried", f"test:{number}", {})
    db.session.flush()

    with statements() as executed:
        first = audit.events(limit=2)
    second = audit.events(limit=2, before_id=first[-1].id)

    assert [line.subject for line in (*first, *second)] == ["test:4", "test:3", "test:2", "test:1"]
    assert len(executed) == 1


@pytest.mark.parametrize(
    ("wanted", "subjects"),
    [
        (Filter(actor=SYSTEM), ["write API"]),
        (Filter(actor=STAFF), ["test:12", "test:1"]),
        (Filter(action="slept"), ["test:12"]),
        (Filter(subject="test"), ["test:12", "test:1"]),
        (Filter(subject="test:1"), ["test:1"]),
        (Filter(subject="write API"), ["write API"]),
        (Filter(until=now() - timedelta(days=1)), []),
        (Filter(since=now() - timedelta(days=1), action="tried"), ["write API", "test:1"]),
    ],
)
def test_lines_are_narrowed(wanted: Filter, subjects: list[str]) -> None:
    audit.record(STAFF, "tried", "test:1", {})
    audit.record(STAFF, "slept", "test:12", {})
    audit.record(SYSTEM, "tried", "write API", {})
    db.session.flush()

    assert [line.subject for line in audit.events(wanted)] == subjects
    assert [line.subject for line in audit.stream(wanted)] == subjects[::-1]


def test_every_action_is_named_once() -> None:
    for action in ("tried", "slept", "tried", "ate"):
        audit.record(STAFF, action, "test:1", {})
    db.session.flush()

    assert audit.actions() == ["ate", "slept", "tried"]
