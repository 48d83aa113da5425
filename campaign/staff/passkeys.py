"""Passkeys (WebAuthn, level 2): adding one, and signing in with one."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from campaign.db import db
from campaign.staff import tickets
from campaign.staff.models import Account, Passkey
from campaign.staff.policy import CHALLENGE_LIFETIME, StaffPolicy
from campaign.staff.tickets import Purpose

Json = Mapping[str, Any]


class InvalidPasskey(Exception):
    """What the device sent does not answer our challenge, or no account has this passkey."""


class LastWayIn(Exception):
    """Without this, its owner could not sign in any more."""


def of_account(account: Account) -> list[Passkey]:
    """Return the account's passkeys, the oldest first."""
    theirs = select(Passkey).where(Passkey.account_id == account.id).order_by(Passkey.id)
    return list(db.session.scalars(theirs))


def registration(
    policy: StaffPolicy, account: Account, site: str, now: datetime
) -> tuple[dict[str, Any], str]:
    """Return what a device is asked to make a passkey from, and the ticket to come back with."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=_host(policy),
        rp_name=site,
        user_id=account.id.bytes,
        user_name=account.address,
        user_display_name=account.name,
        exclude_credentials=[
            structs.PublicKeyCredentialDescriptor(id=key.credential_id)
            for key in of_account(account)
        ],
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
    )
    ticket = _ticket(Purpose.NEW_PASSKEY, account, options.challenge, now)
    return json.loads(webauthn.options_to_json(options)), ticket


def add(
    policy: StaffPolicy,
    account: Account,
    ticket: str,
    credential: Json | None,
    name: str,
    now: datetime,
) -> Passkey:
    """Add the passkey that the device made. Raises InvalidPasskey."""
    import webauthn

    with _refusing_nonsense():
        redeemed = tickets.redeem(Purpose.NEW_PASSKEY, ticket, now)
        if redeemed.account is not account:
            raise InvalidPasskey
        verified = webauthn.verify_registration_response(
            credential=dict(credential or {}),
            expected_challenge=bytes.fromhex(redeemed.payload["challenge"]),
            expected_rp_id=_host(policy),
            expected_origin=policy.desk_url,
            require_user_verification=True,
        )
    if _by_credential(verified.credential_id):
        raise InvalidPasskey
    passkey = Passkey(
        account_id=account.id,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        signatures=verified.sign_count,
        name=name,
    )
    db.session.add(passkey)
    db.session.flush()
    return passkey


def challenge(policy: StaffPolicy, now: datetime) -> tuple[dict[str, Any], str]:
    """Return what any passkey of the desk is asked to sign, and the ticket to come back with."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_authentication_options(
        rp_id=_host(policy), user_verification=structs.UserVerificationRequirement.REQUIRED
    )
    ticket = _ticket(Purpose.CHALLENGE, None, options.challenge, now)
    return json.loads(webauthn.options_to_json(options)), ticket


def verify(policy: StaffPolicy, ticket: str, credential: Json | None, now: datetime) -> Account:
    """Return whose passkey signed the challenge. Raises InvalidPasskey, also at the second try of one answer."""
    import webauthn
    from webauthn.helpers import base64url_to_bytes

    with _refusing_nonsense():
        redeemed = tickets.redeem(Purpose.CHALLENGE, ticket, now)
        credential = dict(credential or {})
        passkey = _by_credential(base64url_to_bytes(str(credential.get("id", ""))))
        if passkey is None or passkey.account.ended_at:
            raise InvalidPasskey
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=bytes.fromhex(redeemed.payload["challenge"]),
            expected_rp_id=_host(policy),
            expected_origin=policy.desk_url,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.signatures,
            require_user_verification=True,
        )
    passkey.signatures, passkey.used_at = verified.new_sign_count, now
    return passkey.account


@contextmanager
def _refusing_nonsense() -> Iterator[None]:
    """Raises InvalidPasskey whatever goes wrong: the library stumbles in many ways over what no device sends."""
    try:
        yield
    except SQLAlchemyError:
        raise
    except Exception as error:
        raise InvalidPasskey from error


def _by_credential(credential_id: bytes) -> Passkey | None:
    found = select(Passkey).where(Passkey.credential_id == credential_id).with_for_update()
    return db.session.scalar(found)


def remove(account: Account, passkey: Passkey) -> None:
    """Remove a passkey. Raises LastWayIn, also for the second of two that are removed at once."""
    db.session.refresh(account, with_for_update=True)
    others = select(func.count()).where(Passkey.account_id == account.id, Passkey.id != passkey.id)
    if not db.session.scalar(others) and not (account.password_hash and account.totp_secret):
        raise LastWayIn
    db.session.delete(passkey)


def _ticket(purpose: Purpose, account: Account | None, challenge: bytes, now: datetime) -> str:
    expires_at = now + CHALLENGE_LIFETIME
    return tickets.issue(purpose, account, expires_at, {"challenge": challenge.hex()})


def _host(policy: StaffPolicy) -> str:
    """Return the "relying party": passkeys work at this host and nowhere else."""
    return urlsplit(policy.desk_url).hostname or "localhost"
