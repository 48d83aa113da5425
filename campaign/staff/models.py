"""Tables of the desk's accounts: what they may do, how they prove who they are, where they are signed in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from campaign.audit import Actor, ActorKind
from campaign.db import Model, uuid_key
from campaign.staff.rules import Permission, Role, permissions_of
from campaign.staff.scopes import Scope


class Account(Model):
    """Someone who works at the desk. An account is ended, never deleted: the record names it."""

    __tablename__ = "staff_accounts"
    __table_args__ = (
        CheckConstraint(f"roles <@ ARRAY[{', '.join(repr(str(r)) for r in Role)}]", name="roles"),
    )

    id: Mapped[UUID] = uuid_key()
    # As it is compared: see ``people.rules``, which this domain does not know; lower case here.
    address: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    locale: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    # None: all countries, all languages.
    countries: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    languages: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    institution_id: Mapped[str | None]
    password_hash: Mapped[str | None]
    # Encrypted: see ``secrets``.
    totp_secret: Mapped[bytes | None]
    # The interval of the newest code that was used (RFC 6238, 5.2): a code works once.
    totp_interval: Mapped[int | None] = mapped_column(BigInteger)
    # Some people cannot use single keys (WCAG 2.1.4).
    uses_keys: Mapped[bool] = mapped_column(default=True, server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # When the invitation was accepted.
    joined_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def scope(self) -> Scope:
        """Where the account's rights end."""
        countries = None if self.countries is None else frozenset(self.countries)
        return Scope(countries, self.institution_id)

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the account may do, inside its scope."""
        return frozenset() if self.ended_at else permissions_of([Role(r) for r in self.roles])

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def may_write(self, tag: str) -> bool:
        """Whether the account may write texts in this language."""
        return self.languages is None or tag in self.languages

    def actor(self, session_id: UUID | None = None) -> Actor:
        """Return who acts, for trails and the record."""
        return Actor(ActorKind.STAFF, str(self.id), session_id)


class Passkey(Model):
    """A public key whose private half one of the account's devices keeps (WebAuthn)."""

    __tablename__ = "staff_passkeys"

    id: Mapped[UUID] = uuid_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    # Some authenticators count signatures, so that a copy is found out; others always say 0.
    signatures: Mapped[int] = mapped_column(BigInteger)
    # What its owner calls it.
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship()


class RecoveryCode(Model):
    """The keyed hash of a code that opens the desk once, for someone who has lost the rest."""

    __tablename__ = "staff_recovery_codes"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)


class StaffSession(Model):
    """A browser in which an account is signed in. Its cookie is known by its hash alone."""

    __tablename__ = "staff_sessions"
    __table_args__ = (
        Index(
            "ix_staff_sessions_open",
            "account_id",
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = uuid_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    digest: Mapped[bytes] = mapped_column(unique=True)
    # What its owner recognizes it by: "Firefox on Linux".
    browser: Mapped[str]
    network_hash: Mapped[bytes]
    began_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # When its owner last proved who they are: dangerous acts want it fresh.
    proved_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship()


class Ticket(Model):
    """A secret that works once, for one purpose and a limited time: see ``tickets``."""

    __tablename__ = "staff_tickets"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id), index=True)
    # Encrypted with the secret itself: see ``tickets``.
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    account: Mapped[Account | None] = relationship()


class Attempt(Model):
    """A sign-in that failed, by keyed hashes of address and network: see ``attempts``."""

    __tablename__ = "staff_attempts"
    __table_args__ = (
        Index(None, "address_hash", "failed_at"),
        Index(None, "network_hash", "failed_at"),
    )

    id: Mapped[UUID] = uuid_key()
    address_hash: Mapped[bytes]
    network_hash: Mapped[bytes]
    failed_at: Mapped[datetime] = mapped_column(server_default=func.now())
