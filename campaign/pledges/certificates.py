"""The number on a certificate: proves a pledge, finds it without a table of its own, and tells nothing.

16 characters of Crockford's base 32 are 80 bits. The first 32 are a keyed hash of the pledge's id; the other 48 are
the id's time (RFC 9562, 5.7), masked with a keyed hash of the first 32, so that the number does not say when its
owner pledged. Unmasked, the time leads by the primary key to the few pledges of one millisecond, and the hash
tells which of them is meant. Among 2^80 numbers there are as many good ones as pledges: guessing is hopeless.
"""

from datetime import timedelta
from hmac import compare_digest
from uuid import UUID

from sqlalchemy import select

from campaign.db import db
from campaign.pledges.models import Pledge, Status
from campaign.tokens import Signer

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# What people read into print: Crockford's base 32 has no I, L and O.
_MISREAD = str.maketrans("OIL", "011")
_LENGTH, _GROUP = 16, 4
_PROOF_BYTES, _TIME_BYTES = 4, 6

PURPOSE, LIFETIME = "certificate", timedelta(days=1)


def token_of(signer: Signer, pledge: Pledge) -> str | None:
    """What the links to a pledge's certificate carry; None as long as it is not confirmed."""
    if pledge.status != Status.CONFIRMED:
        return None
    return signer.sign(PURPOSE, str(pledge.id))


def number_of(signer: Signer, pledge_id: UUID) -> str:
    """The certificate's number in groups of four: "7K3M-QX9T-2BVW-H0DP". The same each time."""
    proof = signer.fingerprint("certificate", str(pledge_id))[:_PROOF_BYTES]
    time = _mask(signer, proof, pledge_id.bytes[:_TIME_BYTES])
    value = int.from_bytes(proof + time)
    digits = "".join(_DIGITS[value >> shift & 31] for shift in range(5 * _LENGTH - 5, -1, -5))
    return "-".join(digits[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def find(signer: Signer, number: str) -> Pledge | None:
    """The pledge with this number, whatever its status. Case, spaces and misread characters do not matter."""
    digits = "".join(c for c in number[:60].upper() if c not in "- ").translate(_MISREAD)
    if len(digits) != _LENGTH or not set(digits) <= set(_DIGITS):
        return None
    raw = sum(_DIGITS.index(c) << 5 * place for place, c in enumerate(reversed(digits))).to_bytes(
        _PROOF_BYTES + _TIME_BYTES
    )
    time = _mask(signer, raw[:_PROOF_BYTES], raw[_PROOF_BYTES:])
    first, last = (UUID(bytes=time + rest * (16 - _TIME_BYTES)) for rest in (b"\0", b"\xff"))
    for pledge_id in db.session.scalars(select(Pledge.id).where(Pledge.id.between(first, last))):
        if compare_digest(number_of(signer, pledge_id).replace("-", ""), digits):
            return db.session.get(Pledge, pledge_id)
    return None


def _mask(signer: Signer, proof: bytes, time: bytes) -> bytes:
    """Hides or shows the time: the same either way."""
    pad = signer.fingerprint("certificate time", proof.hex())
    return bytes(a ^ b for a, b in zip(time, pad, strict=False))
