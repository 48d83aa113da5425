"""What accounts depend on: keys, how long sessions and links last, where the desk is."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from campaign.config import Settings, current_settings
from campaign.tokens import Signer

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

# A session ends after so long without a request, and after a working day in any case (ASVS 5.0, 7.3).
IDLE = timedelta(hours=2)
LONGEST_SESSION = timedelta(hours=12)
# How long ago someone may have proved who they are, for acts that could harm many.
FRESH = timedelta(minutes=15)

INVITATION_LIFETIME = timedelta(days=7)
# That of an invitation printed at a terminal, which anyone who looks at the screen can read.
PRINTED_LIFETIME = timedelta(hours=1)
RESET_LIFETIME = timedelta(hours=1)
DEMONSTRATION_LIFETIME = timedelta(days=30)
CHALLENGE_LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True)
class StaffPolicy:
    """The key that hashes and encrypts, and the address of the desk, for which passkeys are made."""

    signer: Signer
    desk_url: str

    @property
    def cipher(self) -> "Fernet":
        """What encrypts secrets that have to be read again: those of authenticator apps."""
        from base64 import urlsafe_b64encode

        from cryptography.fernet import Fernet

        return Fernet(urlsafe_b64encode(self.signer.fingerprint("staff secrets", "")))


@cache
def policy_for(settings: Settings) -> StaffPolicy:
    """Return the policy that these settings describe."""
    signer = Signer(settings.secret_key, hash_key=settings.permanent_key)
    return StaffPolicy(signer, settings.desk_url)


def current_policy() -> StaffPolicy:
    """Return the policy of the running application: for doors, which pass it on."""
    return policy_for(current_settings())
