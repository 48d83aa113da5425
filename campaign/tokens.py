"""Signed, purpose-bound, expiring tokens, and keyed hashes.

A token is good for one purpose only: a link that confirms a pledge cannot open a person's page.
The hashes are keyed (RFC 2104), so that a stolen database does not tell which addresses are in it.
"""

import hashlib
import hmac
from datetime import timedelta
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer


class InvalidToken(Exception):
    """The token was not made by us, or not for this purpose."""


class ExpiredToken(InvalidToken):
    """The token was ours and good, but its time is over."""


class Signer:
    """Makes and reads tokens under one secret key."""

    def __init__(self, secret_key: str) -> None:
        self._key = secret_key.encode()
        self._serializers: dict[str, URLSafeTimedSerializer] = {}

    def sign(self, purpose: str, payload: Any) -> str:
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
        return hmac.digest(self._key, f"{purpose}\0{value}".encode(), "sha256")

    def code(self, purpose: str, value: str) -> str:
        """Six decimal digits derived from the value: the same each time, so none needs storing (cf. RFC 4226)."""
        return f"{int.from_bytes(self.fingerprint(purpose, value)[:8]) % 1_000_000:06d}"

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        if purpose not in self._serializers:
            self._serializers[purpose] = URLSafeTimedSerializer(
                self._key,
                salt=purpose,
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
        return self._serializers[purpose]
