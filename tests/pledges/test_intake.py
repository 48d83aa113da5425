"""The statement that takes a plain pledge at once, and the steps, leave the same rows behind."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from psycopg import _queries
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from campaign.clock import now
from campaign.db import Model, db, new_id
from campaign.mail.models import OutgoingEmail
from campaign.people.models import Consent, Person
from campaign.people.queries import fingerprint
from campaign.pledges import intake, operations
from campaign.pledges.holding import suspicious_signals
from campaign.pledges.models import Pledge, PledgeEvent, ReceivedForm, form_of
from campaign.pledges.policy import PledgePolicy
from campaign.pledges.submission import Submission, to_json
from tests.factories import confirmed, policy, submission, submitted

TABLES = (ReceivedForm, Person, Pledge, PledgeEvent, Consent, OutgoingEmail)
# What differs between two pledges however they are taken: ids, times, and what is derived from them.
DIFFERENT = {
    "id",
    "form",
    "received_at",
    "person_id",
    "pledge_id",
    "submission",
    "network_hash",
    "created_at",
    "submitted_at",
    "confirmed_at",
    "happened_at",
    "given_at",
    "queued_at",
    "due_at",
}
DERIVED = {"code", "confirm_token", "my_token"}


def rows(session: Session, table: type[Model]) -> list[dict[str, Any]]:
    """Every row of a table, less what always differs."""
    session.expire_all()
    names = [column.key for column in table.__table__.columns if column.key not in DIFFERENT]
    found = session.scalars(select(table).order_by(*table.__table__.primary_key)).all()
    return [{name: plain(getattr(row, name)) for name in names} for row in found]


def plain(value: Any) -> Any:
    return (
        {k: v for k, v in value.items() if k not in DERIVED} if isinstance(value, dict) else value
    )


def leave_to_the_worker(policy: PledgePolicy, sent: Submission, at: datetime) -> None:
    columns = sent.columns(suspicious_signals(sent, at), at)
    db.session.add(
        ReceivedForm(
            form=form_of(sent.id),
            sender=intake.sender_of(fingerprint(policy.signer, sent.address), sent.address.mailbox),
            network_hash=sent.context.network_hash,
            institution_id=columns["institution_id"],
            address=sent.address.original,
            locale=sent.locale,
            answers=to_json(columns),
        )
    )


def by_both_ways(
    session: Session, monkeypatch: pytest.MonkeyPatch, make: Callable[[], Pledge]
) -> list[Any]:
    """What all tables hold after the short way and after the long way."""
    left = []
    for _ in range(2):
        make()
        session.flush()
        left.append([rows(session, table) for table in TABLES])
        for table in reversed(TABLES):
            session.execute(delete(table))
        monkeypatch.setattr(intake, "insert_new_pledge", leave_to_the_worker)
        monkeypatch.setattr(intake, "confirm_plain_pledge", lambda *_: False)
    return left


@pytest.mark.parametrize(
    "different",
    [
        {},
        {"listed": False, "newsletter": True, "locale": "ar"},
        {"institution_text": "Chuo Kikuu kisichojulikana", "role": "student", "words": "Kwenu."},
        {
            "institution": "05jxf0p38",
            "orcid": "0000-0002-1825-0097",
            "disciplines": [],
            "commitments": [],
        },
    ],
)
def test_a_submission_is_the_same_at_once_and_step_by_step(
    session: Session, monkeypatch: pytest.MonkeyPatch, different: dict[str, Any]
) -> None:
    short, long = by_both_ways(session, monkeypatch, lambda: submitted(**different))
    assert short == long


def test_a_confirmation_is_the_same_at_once_and_step_by_step(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once() -> None:
        pledge = submitted(newsletter=True)
        assert intake.confirm_plain_pledge(pledge.id, pledge.submission, now())

    makers = iter([at_once, lambda: confirmed(newsletter=True)])

    def by_turns() -> Any:
        return next(makers)()

    short, long = by_both_ways(session, monkeypatch, by_turns)
    assert short == long


def test_an_address_that_is_known_is_left_to_the_worker(session: Session) -> None:
    pledge = submitted()
    before = rows(session, Pledge)
    again = submitted(name="Somebody Else")
    assert again.id == pledge.id
    assert len(rows(session, Pledge)) == len(before) == 1


@pytest.mark.parametrize(
    "odd", [{"kind": "institution"}, {"hold_reasons": ["network"]}, {"status": "refused"}]
)
def test_what_is_odd_is_not_confirmed_at_once(session: Session, odd: dict[str, Any]) -> None:
    pledge = submitted()
    for name, value in odd.items():
        setattr(pledge, name, value)
    session.flush()
    assert not intake.confirm_plain_pledge(pledge.id, pledge.submission, now())


def test_another_form_is_not_confirmed_at_once(session: Session) -> None:
    assert not intake.confirm_plain_pledge(submitted().id, new_id(), now())


def test_a_flooded_address_gets_no_letter_for_yet_another_detail(session: Session) -> None:
    for number in range(policy().mails_per_address + 2):
        submitted(f"wanjiru+{number}@example.org")
    assert len(rows(session, OutgoingEmail)) == policy().mails_per_address


def test_who_clicked_in_a_letter_gets_another_one(session: Session) -> None:
    """Whoever removes what strangers sent with their address can pledge all the same."""
    for _ in range(policy().mails_per_address + 2):
        operations.disown(submitted())
    submitted()
    assert len(rows(session, OutgoingEmail)) == policy().mails_per_address + 3


def test_the_driver_keeps_the_statements_ready(session: Session) -> None:
    """Longer ones it would parse anew for each pledge, which takes a third of the time of all else."""
    sent = submission()
    columns = sent.columns(suspicious_signals(sent, now()), now())
    for statement in (intake._insertion(tuple(columns)), intake._CONFIRMATION):
        compiled = statement.compile(dialect=db.engine.dialect)
        assert len(str(compiled)) < _queries.MAX_CACHED_STATEMENT_LENGTH - 100
        assert len(compiled.params) <= _queries.MAX_CACHED_STATEMENT_PARAMS
