"""The facts of every e-mail about a pledge, with the links and codes in them.

A link is a signed token for one purpose: using it proves that one reads the mailbox. The six digits are derived
from the pledge, so that they are stored nowhere but in the e-mail on its way.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text
from campaign.pledges.models import Kind, Pledge
from campaign.tokens import Signer

CONFIRM, MINE, SENT, FORM = "confirm-pledge", "my-page", "sent-page", "pledge-form"
MINE_LIFETIME = timedelta(hours=24)
FORM_LIFETIME = timedelta(days=1)


def code_of(signer: Signer, pledge_id: UUID) -> str:
    """The six digits that confirm a pledge, the same each time."""
    return signer.code("confirmation-code", str(pledge_id))


def facts(signer: Signer, pledge: Pledge, locale: str, unconfirmed_days: int) -> dict[str, Any]:
    """The values that the templates in templates/mail may use, for every e-mail about a pledge.

    Nothing typed is in them before the pledge is confirmed: its reader may be a stranger to it.
    """
    text = current_text(pledge.campaign.slug, locale) or pledge.text
    name = pledge.name if pledge.confirmed_at else ""
    kind = Kind(pledge.kind)
    return facts_of(signer, pledge.id, pledge.person_id, kind, name, text, unconfirmed_days)


def facts_of(
    signer: Signer,
    pledge_id: UUID,
    person_id: UUID,
    kind: Kind,
    name: str,
    text: CampaignText,
    unconfirmed_days: int,
) -> dict[str, Any]:
    """The same as ``facts``, for a pledge that is about to be stored."""
    return {
        "name": name,
        "official": kind is Kind.INSTITUTION,
        **campaign_facts(text),
        "code": code_of(signer, pledge_id),
        "confirm_token": signer.sign(CONFIRM, str(pledge_id)),
        "my_token": signer.sign(MINE, str(person_id)),
        "days": unconfirmed_days,
        "hours": int(MINE_LIFETIME.total_seconds() // 3600),
    }


def campaign_facts(text: CampaignText) -> dict[str, str]:
    """The values for e-mails that say nothing about any pledge."""
    return {"campaign_title": text.title, "campaign_slug": text.campaign.slug}
