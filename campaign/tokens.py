"""Signed, purpose-bound, expiring tokens, and keyed hashes.

A token is valid for one purpose only: a link that confirms a pledge cannot open a person's page. The key may be
changed; links signed with an earlier key stay valid as long as that is listed as a fallback.

The hashes are keyed (RFC 2104), so that a stolen database does not reveal whose addresses are in it. Their key
never changes: what was hashed under another key would not be found again.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer


class InvalidToken(Exception):
    """The token was not signed by us, or not for this purpose."""


class ExpiredToken(InvalidToken):
    """The token is genuine, but too old."""


class Signer:
    """Signs and verifies tokens with the secret key, and hashes with the hash key, by default the same."""

    def __init__(
        self, secret_key: str, *, hash_key: str = "", fallbacks: Sequence[str] = ()
    ) -> None:
        # The last one signs; all of them are tried when a token is verified (ItsDangerous, "Key Rotation").
        self._secret_keys = [*reversed(fallbacks), secret_key]
        self._hash_key = (hash_key or secret_key).encode()
        self._serializers: dict[str, URLSafeTimedSerializer] = {}

    def sign(self, purpose: str, payload: object) -> str:
        """Return a URL-safe token with this payload, which must be JSON and can be read by anyone."""
        return self._serializer(purpose).dumps(payload)

    def read(self, purpose: str, token: str, max_age: timedelta) -> Any:
        """Verify the token and return its payload. Raises ExpiredToken or InvalidToken."""
        try:
            return self._serializer(purpose).loads(token, max_age=int(max_age.total_seconds()))
        except SignatureExpired as error:
            raise ExpiredToken from error
        except BadSignature as error:
            raise InvalidToken from error

    def fingerprint(self, purpose: str, value: str) -> bytes:
        """Return the keyed SHA-256 of the value: 32 bytes, different for each purpose."""
        return hmac.digest(self._hash_key, f"{purpose}\0{value}".encode(), "sha256")

    def code(self, purpose: str, value: str) -> str:
        """Return six decimal digits derived from the value: always the same, so none is stored (cf. RFC 4226)."""
        return f"{int.from_bytes(self.fingerprint(purpose, value)[:8]) % 1_000_000:06d}"

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        if purpose not in self._serializers:
            self._serializers[purpose] = URLSafeTimedSerializer(
                self._secret_keys,
                salt=purpose,
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
        return self._serializers[purpose]
