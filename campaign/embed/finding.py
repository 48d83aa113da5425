"""Of which institution and campaign a widget tells, and which pages may frame its form."""

from flask import abort, request

from campaign import i18n
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text, list_all
from campaign.institutions import queries as institutions
from campaign.institutions.models import Institution
from campaign.web.moving import Moved
from campaign.web.security import SAFE_METHODS


def institution_of(ror_id: str, name: str = "ror_id", **known: str | None) -> Institution:
    """The institution with this id; answers 404 for none, 301 where another stands for it today.

    ``name`` is what the address calls the id; ``known`` goes along, as what the next request could not tell itself.
    """
    found = institutions.resolve(ror_id) or abort(404)
    if found.id != ror_id and request.method in SAFE_METHODS:
        raise Moved(**known, **{name: found.id})
    return found


def text_of(slug: str | None) -> CampaignText:
    """The campaign's text in the reader's language; of the first campaign, unless one is named. Answers 404."""
    slug = slug or next((campaign.slug for campaign in list_all()), "")
    return current_text(slug, i18n.current()) or abort(404)
