"""Who is signed in, for views and templates: the account, the actor for the record, the token of its forms."""

import hmac

from flask import g

from campaign.audit import Actor
from campaign.staff.models import Account, StaffSession
from campaign.staff.policy import current_policy
from campaign.staff.scopes import Scope


def is_signed_in() -> bool:
    """Whether the request has an open session."""
    return g.get("staff_session") is not None


def session() -> StaffSession:
    """Return the session of this request, which ``guard`` has checked."""
    found: StaffSession = g.staff_session
    return found


def account() -> Account:
    """Return the account that is signed in."""
    return session().account


def actor() -> Actor:
    """Return who acts, for trails and the record."""
    return account().actor(session().id)


def scope() -> Scope:
    """Return where the rights of the account end."""
    return account().scope


def form_token() -> str:
    """Return what every form of this session carries, so that no other page can send one."""
    return current_policy().signer.fingerprint("form of the desk", str(session().id)).hex()


def is_form_token(token: str) -> bool:
    return hmac.compare_digest(token.encode(), form_token().encode())
