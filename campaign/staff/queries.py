"""Reading accounts."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from campaign.db import db
from campaign.staff.models import Account
from campaign.staff.rules import normalized


def get(account_id: UUID) -> Account | None:
    """Return the account with this id, ended or not."""
    return db.session.get(Account, account_id)


def by_address(address: str) -> Account | None:
    """Return the account with this address, ended or not."""
    return db.session.scalar(select(Account).where(Account.address == normalized(address)))


def accounts() -> Sequence[Account]:
    """Return all accounts: those in use first, then the ended ones, each by name."""
    order = (Account.ended_at.is_not(None), Account.name, Account.id)
    return db.session.scalars(select(Account).order_by(*order)).all()


def stewards_of(institution_id: str) -> Sequence[Account]:
    """Return the accounts that look after an institution, without those that have ended."""
    theirs = select(Account).where(
        Account.institution_id == institution_id, Account.ended_at.is_(None)
    )
    return db.session.scalars(theirs.order_by(Account.name)).all()


def names(actor_ids: Iterable[str | None]) -> Mapping[str, str]:
    """Return the names of accounts that acted, by the ids that trails have; logins at terminals are left out."""
    ids = {id_ for text in actor_ids if (id_ := _uuid(text))}
    if not ids:
        return {}
    rows = db.session.execute(select(Account.id, Account.name).where(Account.id.in_(ids)))
    return {str(id_): name for id_, name in rows}


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text)
    except (TypeError, ValueError):
        return None
