"""Accounts are invited, join, get other rights, end; one administrator is always left."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign import jobs
from campaign.audit import AuditEvent
from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.staff import operations, passwords, sessions, tickets
from campaign.staff.models import Account, Ticket
from campaign.staff.operations import AddressTaken, LastAdministrator, Rights
from campaign.staff.policy import current_policy
from campaign.staff.rules import InvalidAddress, InvalidName, InvalidRights, Role, check_rights
from campaign.staff.scopes import EVERYTHING, Scope
from campaign.staff.tickets import InvalidTicket, Purpose
from tests.factories import STAFF, account

CHILE = Scope(countries=frozenset({"CL"}))


def add(address: str = "new@example.org", name: str = "Marisol", *roles: Role) -> Account:
    return operations.add(STAFF, address, name, "es", Rights(roles or [Role.EDITOR]))


def test_an_invitation_is_accepted_once_its_owner_can_sign_in(session: Session) -> None:
    who = add(" New@Example.org ")
    assert who.address == "new@example.org"
    secret = operations.invite(STAFF, who, now())
    assert tickets.look(Purpose.INVITATION, secret, now()).account is who
    operations.join(who, now())
    with pytest.raises(InvalidTicket):
        tickets.look(Purpose.INVITATION, secret, now())


def test_an_address_has_one_account(session: Session) -> None:
    add()
    with pytest.raises(AddressTaken):
        add("NEW@example.org")


@pytest.mark.parametrize(
    ("address", "name", "error"), [("new", "M", InvalidAddress), ("a@b.org", " ", InvalidName)]
)
def test_bad_input_is_refused(
    session: Session, address: str, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        add(address, name)


@pytest.mark.parametrize(
    ("roles", "scope", "languages"),
    [
        ([], EVERYTHING, None),
        ([Role.COORDINATOR], EVERYTHING, None),
        ([Role.STEWARD], EVERYTHING, None),
        ([Role.TRANSLATOR], EVERYTHING, []),
        ([Role.ADMINISTRATOR], CHILE, None),
    ],
)
def test_roles_and_scope_have_to_go_together(
    roles: list[Role], scope: Scope, languages: list[str] | None
) -> None:
    with pytest.raises(InvalidRights):
        check_rights(roles, scope, languages)


def test_an_invitation_removes_the_ways_in_of_before(session: Session) -> None:
    who = account()
    passwords.set_password(who, "kettle orbit walnut fjord")
    begun, _ = sessions.begin(who, "Firefox", b"network", now())
    operations.invite(STAFF, who, now())
    db.session.refresh(begun)
    assert who.password_hash is None
    assert not sessions.is_open(begun, now())


def test_rights_are_noted_before_and_after(session: Session) -> None:
    who = account(Role.EDITOR)
    operations.change_rights(STAFF, who, Rights([Role.COORDINATOR], CHILE))
    assert who.scope == CHILE
    found = select(AuditEvent).where(AuditEvent.subject == f"account:{who.id}")
    details = db.session.scalars(found).one().details
    assert details["before"]["roles"] == ["editor"]
    assert details["after"] == {"roles": ["coordinator"], "languages": None, "countries": ["CL"]}


def test_the_last_administrator_stays(session: Session) -> None:
    only = account()
    account(ended_at=now())
    account(joined_at=None)
    with pytest.raises(LastAdministrator):
        operations.end(STAFF, only, now())
    with pytest.raises(LastAdministrator):
        operations.change_rights(STAFF, only, Rights([Role.EDITOR]))


def test_two_administrators_who_end_each_other_leave_one(
    elsewhere: Callable[[Callable[[], Any]], "Future[Any]"],
) -> None:
    ids = [account().id, account().id]
    jobs.commit()

    def end(id_: object) -> bool:
        try:
            operations.end(STAFF, db.session.get_one(Account, id_), now())
        except LastAdministrator:
            return False
        jobs.commit()
        return True

    ended = [elsewhere(lambda id_=id_: end(id_)) for id_ in ids]
    assert sorted(one.result(20) for one in ended) == [False, True]


def test_an_ended_account_can_be_opened_again(session: Session) -> None:
    account()
    who = account()
    operations.end(STAFF, who, now())
    assert who.permissions == frozenset()
    operations.reopen(STAFF, who)
    assert (who.ended_at, who.joined_at) == (None, None)


def test_a_reset_is_mailed_to_those_who_have_an_account(session: Session) -> None:
    who = account()
    for address in (who.address, "nobody@example.org", account(ended_at=now()).address):
        ask_for_reset(address)
    (letter,) = db.session.scalars(select(OutgoingEmail))
    assert (letter.template, letter.recipient) == ("staff_reset", who.address)


def ask_for_reset(address: str) -> None:
    operations.request_reset(current_policy(), address, now())
    while operations.send_reset(current_policy(), now()):
        pass


def test_strangers_neither_void_the_link_that_an_owner_needs_nor_fill_the_mailbox(
    session: Session,
) -> None:
    who = account()
    for _ in range(operations.MOST_RESETS + 2):
        ask_for_reset(who.address)
    letters = db.session.scalars(select(OutgoingEmail)).all()
    secrets = [letter.facts["secret"] for letter in letters]
    assert len(secrets) == operations.MOST_RESETS
    assert all(tickets.look(Purpose.RESET, secret, now()).account is who for secret in secrets)
    operations.use_reset(current_policy(), who, now())
    for secret in secrets:
        with pytest.raises(InvalidTicket):
            tickets.look(Purpose.RESET, secret, now())


def test_what_was_typed_waits_encrypted_for_the_worker(session: Session) -> None:
    operations.request_reset(current_policy(), "owner@example.org", now())
    stored = db.session.scalars(select(Ticket)).one()
    assert stored.account_id is None
    assert "owner" not in str(stored.payload)


def test_who_began_with_an_invitation_has_nothing_of_it_once_another_one_begins(
    session: Session,
) -> None:
    who = add()
    secret = operations.invite(STAFF, who, now())
    passwords.set_password(who, "kettle orbit walnut fjord")
    begun, _ = sessions.begin(who, "Firefox", b"network", now())
    operations.accept(who, now())
    db.session.refresh(begun)
    assert who.password_hash is None
    assert begun.ended_at is not None
    assert tickets.look(Purpose.INVITATION, secret, now()).account is who


def test_joining_ends_what_others_have_open(session: Session) -> None:
    who = add()
    operations.invite(STAFF, who, now())
    other, _ = sessions.begin(who, "Firefox", b"network", now())
    own, _ = sessions.begin(who, "Firefox", b"network", now())
    operations.join(who, now(), own.id)
    for session_ in (other, own):
        db.session.refresh(session_)
    assert (other.ended_at is None, own.ended_at is None) == (False, True)


def test_a_new_invitation_has_to_be_accepted_whoever_made_it(session: Session) -> None:
    who = account()
    operations.invite(STAFF, who, now())
    assert who.joined_at is None


def test_the_administrator_of_a_demonstration_ends_with_it(session: Session) -> None:
    secret = operations.demonstrate(STAFF, "Demonstration", now())
    operations.end_demonstration(STAFF, now())
    with pytest.raises(InvalidTicket):
        tickets.look(Purpose.DEMONSTRATION, secret, now())
    again = operations.demonstrate(STAFF, "Demonstration", now())
    assert tickets.look(Purpose.DEMONSTRATION, again, now()).account


def test_what_has_expired_is_removed(session: Session) -> None:
    operations.request_reset(current_policy(), account().address, now())
    operations.forget(now() + timedelta(days=1))
    assert db.session.query(tickets.Ticket).count() == 0
