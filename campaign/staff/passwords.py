"""Passwords, codes of authenticator apps, and recovery codes."""

import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, update

from campaign.db import db
from campaign.staff.models import Account, RecoveryCode
from campaign.staff.policy import StaffPolicy

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 200
# What those who know us would try first; a password may contain them, but they add nothing to it.
CONTEXT_WORDS = ("lightup", "heartofscience", "heart", "science", "pledge", "campaign", "desk")
RECOVERY_CODES = 10
_STEP_SECONDS = 30
# One interval to either side, for the seconds that typing takes (RFC 6238, 5.2).
_TOLERANCE = 1
# A code that would have been right within so many minutes comes from a clock that is off.
_CLOCK_MINUTES = 10


class WeakPassword(Exception):
    """The password is too short, too long, or among the first that a program would try."""


class WrongCode(Exception):
    """The code is not right now, or was used before."""


class ClockOff(WrongCode):
    """The code of a new app would have been right a few minutes ago or hence: the device's clock is off."""


def set_password(account: Account, password: str) -> None:
    """Store the hash of a new password. Raises WeakPassword."""
    if not SHORTEST <= len(password) <= LONGEST or _is_guessable(account, password):
        raise WeakPassword
    account.password_hash = _hasher().hash(password)


def _is_guessable(account: Account, password: str) -> bool:
    """Whether a program that knows its owner, and the passwords that others use, would guess it soon."""
    from zxcvbn import zxcvbn

    known = [account.name, *account.address.split("@"), *CONTEXT_WORDS]
    score: int = zxcvbn(password[:72], user_inputs=known)["score"]
    return score < 3


def is_password(account: Account | None, password: str) -> bool:
    """Whether this is the account's password. It takes as long where there is no account, or no password."""
    from argon2.exceptions import VerificationError

    stored = account.password_hash if account else None
    try:
        _hasher().verify(stored or _hash_of_nothing(), password[: LONGEST + 1])
    except VerificationError:
        return False
    return bool(stored)


@cache
def _hasher() -> "PasswordHasher":
    """Return OWASP's minimum for Argon2id, with one lane: more would let strangers use up the processor."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _hash_of_nothing() -> str:
    return _hasher().hash(secrets.token_hex())


def new_app_secret() -> str:
    """Return a secret for an authenticator app, in base32."""
    import pyotp

    return pyotp.random_base32()


def app_address(account: Account, secret: str, issuer: str) -> str:
    """Return the address that an authenticator app reads from a QR code."""
    import pyotp

    return pyotp.TOTP(secret, name=account.address, issuer=issuer).provisioning_uri()


def set_app(policy: StaffPolicy, account: Account, secret: str, code: str, now: datetime) -> None:
    """Store the secret of an app once a code proves that the app has it. Raises WrongCode."""
    interval = _interval_of(secret, code, now)
    account.totp_secret = policy.cipher.encrypt(secret.encode())
    account.totp_interval = interval
    db.session.flush()


def use_code(policy: StaffPolicy, account: Account, code: str, now: datetime) -> None:
    """Use up a code of the account's app, or one of its recovery codes. Raises WrongCode."""
    code = "".join(code.split()).replace("-", "").lower()
    if len(code) == 6 and code.isdecimal():
        _use_app_code(policy, account, code, now)
    else:
        _use_recovery_code(policy, account, code)


def _use_app_code(policy: StaffPolicy, account: Account, code: str, now: datetime) -> None:
    if account.totp_secret is None:
        raise WrongCode
    secret = policy.cipher.decrypt(account.totp_secret).decode()
    try:
        interval = _interval_of(secret, code, now)
    except ClockOff:
        # That a guess will be right in some minutes helps only those who guess.
        raise WrongCode from None
    is_newer = or_(Account.totp_interval.is_(None), Account.totp_interval < interval)
    claim = update(Account).where(Account.id == account.id, is_newer)
    claimed = claim.values(totp_interval=interval).returning(Account.id)
    if db.session.scalar(claimed) is None:
        raise WrongCode


def _interval_of(secret: str, code: str, now: datetime) -> int:
    """Return the number of the half minute that the code belongs to. Raises WrongCode, ClockOff."""
    import pyotp

    totp = pyotp.TOTP(secret, interval=_STEP_SECONDS)
    reach = _CLOCK_MINUTES * 60 // _STEP_SECONDS
    fitting = [
        steps
        for steps in range(-reach, reach + 1)
        if totp.verify(code, for_time=now + timedelta(seconds=steps * _STEP_SECONDS))
    ]
    nearest = min(fitting, key=abs, default=None)
    if nearest is None:
        raise WrongCode
    if abs(nearest) > _TOLERANCE:
        raise ClockOff
    return int(now.timestamp()) // _STEP_SECONDS + nearest


def new_recovery_codes(policy: StaffPolicy, account: Account) -> list[str]:
    """Replace the account's recovery codes, and return the new ones, to be shown once."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    db.session.add_all(
        RecoveryCode(digest=_digest(policy, account, code), account_id=account.id) for code in codes
    )
    db.session.flush()
    return ["-".join((code[:4], code[4:8], code[8:])) for code in codes]


def _recovery_code() -> str:
    """Return 60 random bits, in letters and digits that are not taken for each other (Crockford's base 32)."""
    return "".join(secrets.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(12))


def _use_recovery_code(policy: StaffPolicy, account: Account, code: str) -> None:
    mine = (
        RecoveryCode.account_id == account.id,
        RecoveryCode.digest == _digest(policy, account, code),
    )
    used = delete(RecoveryCode).where(*mine).returning(RecoveryCode.digest)
    if db.session.scalar(used) is None:
        raise WrongCode


def _digest(policy: StaffPolicy, account: Account, code: str) -> bytes:
    return policy.signer.fingerprint("recovery code", f"{account.id} {code}")
