"""Accounts: invited, joined, given rights, ended. Each act is a line of the audit log; nothing commits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from campaign import audit
from campaign.audit import Actor
from campaign.db import db, lock_number
from campaign.i18n import DEFAULT
from campaign.mail import outbox
from campaign.staff import attempts, queries, sessions, tickets
from campaign.staff.identities import Identity
from campaign.staff.models import Account, Passkey, RecoveryCode
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
    audit.record(actor, "account invited", _subject(account), {})
    return tickets.issue(Purpose.INVITATION, account, now + lifetime)


def _forget_credentials(account: Account, now: datetime) -> None:
    account.password_hash = account.totp_secret = account.totp_interval = None
    for model in (Passkey, RecoveryCode, Identity):
        db.session.execute(delete(model).where(model.account_id == account.id))
    tickets.forget(account, *Purpose)
    sessions.end_all(account, now)


def queue_invitation(policy: StaffPolicy, account: Account, secret: str, inviter: str) -> None:
    """Queue the letter with the link."""
    _queue(policy, "invitation", account, {"secret": secret, "inviter": inviter})


def join(account: Account, now: datetime) -> None:
    """Note that the account's owner has accepted: they can sign in from now on."""
    tickets.forget(account, Purpose.INVITATION)
    account.joined_at = now
    audit.record(account.actor(), "account joined", _subject(account), {})


def demonstrate(actor: Actor, name: str, now: datetime) -> str:
    """Return the secret of a link that opens the desk of a demonstration, with an administrator ready for it."""
    account = queries.by_address(DEMONSTRATOR) or add(
        actor, DEMONSTRATOR, name, DEFAULT, Rights([Role.ADMINISTRATOR])
    )
    account.joined_at = account.joined_at or now
    tickets.forget(account, Purpose.DEMONSTRATION)
    return tickets.issue(Purpose.DEMONSTRATION, account, now + DEMONSTRATION_LIFETIME)


def request_reset(policy: StaffPolicy, address: str, now: datetime) -> None:
    """Queue a letter with a link for someone who cannot sign in, where the address has an account."""
    account = queries.by_address(address)
    if account is None or account.ended_at or not account.joined_at:
        return
    tickets.forget(account, Purpose.RESET)
    secret = tickets.issue(Purpose.RESET, account, now + RESET_LIFETIME)
    audit.record(account.actor(), "reset requested", _subject(account), {})
    _queue(policy, "reset", account, {"secret": secret})


def warn(policy: StaffPolicy, account: Account, change: str) -> None:
    """Queue a letter that tells the account's owner of a change in how they sign in: it may not be theirs."""
    _queue(policy, "account_changed", account, {"change": change})


def _queue(policy: StaffPolicy, letter: str, account: Account, facts: dict[str, Any]) -> None:
    known = {"name": account.name, "desk_url": policy.desk_url}
    digest = policy.signer.fingerprint("staff address", account.address)
    outbox.queue(f"staff/{letter}", account.locale, account.address, digest, known | facts)


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
    _forget_credentials(account, now)
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
