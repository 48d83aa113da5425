"""Signed, purpose-bound, expiring tokens, and keyed hashes.

A token is valid for one purpose only: a link that confirms a pledge cannot open a person's page. Its key may be
changed; links signed with an earlier one stay valid while that is listed as a fallback.

The hashes are keyed (RFC 2104), so that a stolen database does not reveal whose addresses are in it. Their key
never changes: what was hashed under another one would not be found again.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer


class InvalidToken(Exception):
    """The token was not made by us, or not for this purpose."""


class ExpiredToken(InvalidToken):
    """The token was ours and good, but its time is over."""


class Signer:
    """Makes and reads tokens under the secret key, and hashes under the hash key, which by default is the same."""

    def __init__(
        self, secret_key: str, *, hash_key: str = "", fallbacks: Sequence[str] = ()
    ) -> None:
        # The last one signs; all of them are tried on what comes back (ItsDangerous, "Key Rotation").
        self._secret_keys = [*reversed(fallbacks), secret_key]
        self._hash_key = (hash_key or secret_key).encode()
        self._serializers: dict[str, URLSafeTimedSerializer] = {}

    def sign(self, purpose: str, payload: object) -> str:
        return self._serializer(purpose).dumps(payload)

    def read(self, purpose: str, token: str, max_age: timedelta) -> Any:
        """Return the payload. Raises ExpiredToken or InvalidToken."""
        try:
            return self._serializer(purpose).loads(token, max_age=int(max_age.total_seconds()))
        except SignatureExpired as error:
            raise ExpiredToken from error
        except BadSignature as error:
            raise InvalidToken from error

    def fingerprint(self, purpose: str, value: str) -> bytes:
        """Keyed SHA-256 of the value, 32 bytes, different for each purpose."""
        return hmac.digest(self._hash_key, f"{purpose}\0{value}".encode(), "sha256")

    def code(self, purpose: str, value: str) -> str:
        """Six decimal digits derived from the value: the same each time, so none needs storing (cf. RFC 4226)."""
        return f"{int.from_bytes(self.fingerprint(purpose, value)[:8]) % 1_000_000:06d}"

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        if purpose not in self._serializers:
            self._serializers[purpose] = URLSafeTimedSerializer(
                self._secret_keys,
                salt=purpose,
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
        return self._serializers[purpose]
