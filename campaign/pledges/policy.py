"""What the campaign decides once and every pledge needs: keys, limits, deadlines."""

from dataclasses import dataclass
from functools import cache

from campaign.config import Settings, current_settings
from campaign.mail.pacing import Paces
from campaign.pledges.holding import Limits
from campaign.tokens import Signer


@dataclass(frozen=True)
class PledgePolicy:
    """The keys that sign and fingerprint, and the limits that the operator set."""

    signer: Signer
    limits: Limits
    mails_per_address: int
    paces: Paces
    unconfirmed_days: int


@cache
def policy_for(settings: Settings) -> PledgePolicy:
    """The policy that these settings describe."""
    return PledgePolicy(
        signer=Signer(
            settings.secret_key,
            hash_key=settings.permanent_key,
            fallbacks=settings.secret_key_fallbacks,
        ),
        limits=Limits(
            per_network=settings.pledges_per_network, per_campus=settings.pledges_per_campus
        ),
        mails_per_address=settings.mails_per_address,
        paces=Paces(per_network=settings.new_mails_per_network, in_all=settings.new_mails_in_all),
        unconfirmed_days=settings.unconfirmed_days,
    )


def current_policy() -> PledgePolicy:
    """The policy of the running application: for doors and jobs, which pass it on."""
    return policy_for(current_settings())
