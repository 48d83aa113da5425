"""Accounts: invited, joined, given rights, ended. Each act is a line of the audit log; nothing commits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select

from campaign import audit, jobs
from campaign.audit import SYSTEM, Actor
from campaign.db import db, lock_number
from campaign.i18n import DEFAULT
from campaign.mail import outbox
from campaign.staff import attempts, queries, sessions, tickets
from campaign.staff.identities import Identity
from campaign.staff.models import Account, Passkey, RecoveryCode, StaffSession
from campaign.staff.policy import (
    DEMONSTRATION_LIFETIME,
    INVITATION_LIFETIME,
    RESET_LIFETIME,
    StaffPolicy,
)
from campaign.staff.rules import Role, check_address, check_name, check_rights
from campaign.staff.scopes import EVERYTHING, Scope
from campaign.staff.tickets import Purpose

# No mail reaches it (RFC 6761).
DEMONSTRATOR = "demonstration@lightup.test"
# Letters to one account in an hour, or a stranger could fill a mailbox.
MOST_RESETS = 3
_WARN_AGAIN_AFTER = timedelta(hours=1)

_ADMINISTRATORS = lock_number("administrators of the desk")


class AddressTaken(Exception):
    """Another account has this address."""


class LastAdministrator(Exception):
    """Without this account nobody could manage the desk."""


@dataclass(frozen=True)
class Rights:
    """What an account may do, and where."""

    roles: Collection[Role]
    scope: Scope = EVERYTHING
    # None: all languages.
    languages: Collection[str] | None = None

    def check(self) -> None:
        """Raises InvalidRights."""
        check_rights(self.roles, self.scope, self.languages)

    def to_json(self) -> dict[str, Any]:
        """Return what the record shows of them."""
        languages = None if self.languages is None else sorted(self.languages)
        return {"roles": sorted(self.roles), "languages": languages, **self.scope.to_json()}


def add(actor: Actor, address: str, name: str, locale: str, rights: Rights) -> Account:
    """Add an account, which cannot be used before its owner accepts the invitation.

    Raises InvalidAddress, InvalidName, InvalidRights, AddressTaken.
    """
    address, name = check_address(address), check_name(name)
    rights.check()
    if queries.by_address(address):
        raise AddressTaken
    account = Account(address=address, name=name, locale=locale, roles=[])
    _set_rights(account, rights)
    db.session.add(account)
    db.session.flush()
    audit.record(actor, "account added", _subject(account), {"after": rights.to_json()})
    return account


def invite(
    actor: Actor, account: Account, now: datetime, lifetime: timedelta = INVITATION_LIFETIME
) -> str:
    """Return the secret of a link by which the account's owner sets up how they sign in.

    What they used before is removed, with their sessions: an administrator invites again where all is lost.
    """
    _forget_credentials(account, now)
    tickets.forget(account, Purpose.INVITATION)
    account.joined_at = None
    audit.record(actor, "account invited", _subject(account), {})
    return tickets.issue(Purpose.INVITATION, account, now + lifetime)


def _forget_credentials(account: Account, now: datetime) -> None:
    account.password_hash = account.totp_secret = account.totp_interval = None
    for model in (Passkey, RecoveryCode, Identity):
        db.session.execute(delete(model).where(model.account_id == account.id))
    tickets.forget(account, *({*Purpose} - {Purpose.INVITATION}))
    sessions.end_all(account, now)


def accept(account: Account, now: datetime) -> None:
    """Let someone who has the link of an invitation begin to set up; what another one began with it is removed."""
    _forget_credentials(account, now)


def queue_invitation(policy: StaffPolicy, account: Account, secret: str, inviter: str) -> None:
    """Queue the letter with the link."""
    _queue(policy, "invitation", account, {"secret": secret, "inviter": inviter})


def join(account: Account, now: datetime, session_id: UUID | None = None) -> None:
    """Note that the account's owner has accepted: they can sign in from now on, and go on in this session alone."""
    tickets.forget(account, Purpose.INVITATION)
    sessions.end_all(account, now, but=session_id)
    account.joined_at = now
    audit.record(account.actor(), "account joined", _subject(account), {})


def demonstrate(actor: Actor, name: str, now: datetime) -> str:
    """Return the secret of a link that opens the desk of a demonstration, with an administrator ready for it."""
    account = queries.by_address(DEMONSTRATOR) or add(
        actor, DEMONSTRATOR, name, DEFAULT, Rights([Role.ADMINISTRATOR])
    )
    account.joined_at, account.ended_at = account.joined_at or now, None
    tickets.forget(account, Purpose.DEMONSTRATION)
    return tickets.issue(Purpose.DEMONSTRATION, account, now + DEMONSTRATION_LIFETIME)


def request_reset(policy: StaffPolicy, address: str, now: datetime) -> None:
    """Have the worker send a link to someone who cannot sign in, so that the answer is as quick for any address."""
    encrypted = policy.cipher.encrypt(address.encode("utf-8", "replace")).decode()
    tickets.ask(Purpose.RESET_REQUEST, now + RESET_LIFETIME, {"address": encrypted})
    jobs.wake("send_resets")


def has_reset_requests() -> ColumnElement[bool]:
    """Return the condition that the worker has to look whether an address has an account."""
    return tickets.is_asked(Purpose.RESET_REQUEST)


def send_reset(policy: StaffPolicy, now: datetime) -> bool:
    """Queue one letter that was asked for, if its address has an account; return whether any was asked for."""
    payload = tickets.take(Purpose.RESET_REQUEST)
    if payload is None:
        return False
    address = policy.cipher.decrypt(payload["address"]).decode()
    account = queries.by_address(address)
    if account and account.joined_at and not account.ended_at:
        _send_reset(policy, account, now)
    return True


def _send_reset(policy: StaffPolicy, account: Account, now: datetime) -> None:
    """Queue the letter, a few times in an hour; links sent before work on, or a stranger could make them void."""
    letters = (_address_hash(policy, account), ["staff_reset"], now - RESET_LIFETIME)
    if outbox.queued_since(*letters) >= MOST_RESETS:
        return
    secret = tickets.issue(Purpose.RESET, account, now + RESET_LIFETIME)
    audit.record(SYSTEM, "reset requested", _subject(account), {})
    _queue(policy, "reset", account, {"secret": secret})


def use_reset(policy: StaffPolicy, account: Account, now: datetime) -> None:
    """Let someone with a link and a code come back: all other links and all sessions end, and the owner is told."""
    tickets.forget(account, Purpose.RESET)
    sessions.end_all(account, now)
    audit.record(account.actor(), "reset used", _subject(account), {})
    warn(policy, account, "reset")


def warn_of_unfamiliar(policy: StaffPolicy, session: StaffSession) -> None:
    """Tell the account's owner of a sign-in from where, and with what, they never were before (ASVS 5.0, 6.3.5)."""
    if sessions.is_unfamiliar(session):
        warn(policy, session.account, "unfamiliar sign-in")


def warn_of_wrong_codes(policy: StaffPolicy, account: Account, now: datetime) -> None:
    """Tell the account's owner, once in a while, that someone knows the password and guesses codes."""
    letters = (_address_hash(policy, account), ["staff_account_changed"], now - _WARN_AGAIN_AFTER)
    if not outbox.queued_since(*letters):
        warn(policy, account, "wrong codes")


def warn(policy: StaffPolicy, account: Account, change: str) -> None:
    """Queue a letter that tells the account's owner of a change in how they sign in: it may not be theirs."""
    _queue(policy, "account_changed", account, {"change": change})


def _queue(policy: StaffPolicy, letter: str, account: Account, facts: dict[str, Any]) -> None:
    known = {"name": account.name, "desk_url": policy.desk_url}
    digest = _address_hash(policy, account)
    outbox.queue(f"staff_{letter}", account.locale, account.address, digest, known | facts)


def _address_hash(policy: StaffPolicy, account: Account) -> bytes:
    return policy.signer.fingerprint("staff address", account.address)


def change_rights(actor: Actor, account: Account, rights: Rights) -> None:
    """Give the account other rights, from its next request on. Raises InvalidRights, LastAdministrator."""
    rights.check()
    if Role.ADMINISTRATOR not in rights.roles:
        _keep_one_administrator(account)
    before = rights_of(account).to_json()
    _set_rights(account, rights)
    details = {"before": before, "after": rights.to_json()}
    audit.record(actor, "rights changed", _subject(account), details)


def _set_rights(account: Account, rights: Rights) -> None:
    scope, languages = rights.scope, rights.languages
    account.roles = sorted(rights.roles)
    account.countries = None if scope.countries is None else sorted(scope.countries)
    account.institution_id = scope.institution_id
    account.languages = None if languages is None else sorted(languages)


def rights_of(account: Account) -> Rights:
    """Return what the account may do, and where."""
    return Rights([Role(role) for role in account.roles], account.scope, account.languages)


def end(actor: Actor, account: Account, now: datetime) -> None:
    """End an account with its sessions; the record goes on naming it. Raises LastAdministrator."""
    _keep_one_administrator(account)
    _end(actor, account, now)


def end_demonstration(actor: Actor, now: datetime) -> None:
    """End the administrator of a demonstration, if there is one, since the site becomes a real one."""
    account = queries.by_address(DEMONSTRATOR)
    if account and not account.ended_at:
        _end(actor, account, now)


def _end(actor: Actor, account: Account, now: datetime) -> None:
    _forget_credentials(account, now)
    tickets.forget(account, Purpose.INVITATION)
    account.ended_at = now
    audit.record(
        actor, "account ended", _subject(account), {"before": rights_of(account).to_json()}
    )


def end_sessions(actor: Actor, account: Account, now: datetime) -> None:
    """End all sessions of someone else, as when a phone was lost."""
    sessions.end_all(account, now)
    audit.record(actor, "sessions ended", _subject(account), {})


def reopen(actor: Actor, account: Account) -> None:
    """Undo the end of an account, which then needs an invitation."""
    account.ended_at = account.joined_at = None
    audit.record(actor, "account reopened", _subject(account), {})


def _keep_one_administrator(account: Account) -> None:
    """Raises LastAdministrator where no other one is left; two who remove each other wait for each other."""
    if Role.ADMINISTRATOR not in account.roles:
        return
    db.session.execute(select(func.pg_advisory_xact_lock(_ADMINISTRATORS)))
    others = select(Account.id).where(
        Account.roles.contains([Role.ADMINISTRATOR]),
        Account.id != account.id,
        Account.joined_at.is_not(None),
        Account.ended_at.is_(None),
    )
    if db.session.scalar(others.limit(1)) is None:
        raise LastAdministrator


def forget(now: datetime) -> None:
    """Remove what is no longer needed: tickets that have expired, failures that count no more."""
    tickets.forget_expired(now)
    attempts.forget(now)


def _subject(account: Account) -> str:
    return f"account:{account.id}"
