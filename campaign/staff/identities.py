"""Identities at another sign-in service (OpenID Connect), by issuer and subject.

An e-mail address never joins an account: its issuer may not have verified it, or may give it to someone else later.
So an identity is connected from within a session, by its owner, or by someone who has just accepted an invitation.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaign import audit
from campaign.audit import Actor
from campaign.db import Model, db
from campaign.staff import passkeys
from campaign.staff.models import Account
from campaign.staff.passkeys import LastWayIn


class IdentityTaken(Exception):
    """Another account is connected with this identity."""


class Identity(Model):
    """Someone's identity at a sign-in service; "subject" is that service's own name for them, never used twice."""

    __tablename__ = "staff_identities"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    connected_at: Mapped[datetime] = mapped_column(server_default=func.now())

    account: Mapped[Account] = relationship()


def find(issuer: str, subject: str) -> Account | None:
    """Return the account that is connected with this identity; None where it is ended or has not joined."""
    identity = db.session.get(Identity, (issuer, subject))
    if identity is None or identity.account.ended_at or not identity.account.joined_at:
        return None
    return identity.account


def of_account(account: Account) -> Sequence[Identity]:
    """Return the account's identities, the oldest first."""
    theirs = select(Identity).where(Identity.account_id == account.id)
    return db.session.scalars(theirs.order_by(Identity.connected_at)).all()


def connect(actor: Actor, account: Account, issuer: str, subject: str) -> None:
    """Connect an identity with the account; connecting it twice is fine. Raises IdentityTaken."""
    known = db.session.get(Identity, (issuer, subject))
    if known is not None and known.account_id != account.id:
        raise IdentityTaken
    if known is None:
        db.session.add(Identity(issuer=issuer, subject=subject, account=account))
        db.session.flush()
        audit.record(actor, "sign-in service connected", f"account:{account.id}", {"at": issuer})


def disconnect(actor: Actor, account: Account, issuer: str) -> None:
    """Remove the account's identities at this issuer. Raises LastWayIn."""
    if not passkeys.of_account(account) and not (account.password_hash and account.totp_secret):
        raise LastWayIn
    theirs = (Identity.account_id == account.id, Identity.issuer == issuer)
    db.session.execute(delete(Identity).where(*theirs))
    audit.record(actor, "sign-in service disconnected", f"account:{account.id}", {"at": issuer})
