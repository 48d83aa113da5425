"""Who is signed in, for views and templates: the account, the actor for the record, the token of its forms."""

import hmac
import secrets

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
    return form_token_of(session())


def form_token_of(session: StaffSession, salt: str = "") -> str:
    """Return a token of this session, another one each time: the sizes of compressed pages tell nothing of it."""
    salt = salt or secrets.token_hex(16)
    proof = current_policy().signer.fingerprint("form of the desk", f"{session.id} {salt}")
    return f"{salt}.{proof.hex()}"


def is_form_token(token: str) -> bool:
    """Whether the token is one of this session."""
    genuine = form_token_of(session(), token.partition(".")[0])
    return hmac.compare_digest(token.encode(), genuine.encode())
