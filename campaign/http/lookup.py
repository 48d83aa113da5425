"""What an address names: an institution, or a campaign's text in the reader's language; 404 where there is none."""

from flask import abort, request

from campaign import i18n
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text, list_all
from campaign.http.origin import SAFE_METHODS
from campaign.http.redirects import PermanentRedirect
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution


def institution_or_moved(ror_id: str, name: str = "ror_id", **known: str | None) -> Institution:
    """The institution with this id; answers 404 for none, 301 where another stands for it today.

    ``name`` is what the address calls the id. ``known`` is added to the new address, for what the next request
    could not find out by itself.
    """
    institution = institution_queries.resolve(ror_id) or abort(404)
    if institution.id != ror_id and request.method in SAFE_METHODS:
        raise PermanentRedirect(**known, **{name: institution.id})
    return institution


def text_or_404(slug: str) -> CampaignText:
    """The campaign's current text in the reader's language."""
    return current_text(slug, i18n.current()) or abort(404)


def chosen_text_or_404(slug: str | None) -> CampaignText:
    """The same; of the first campaign, unless one is named."""
    return text_or_404(slug or next((campaign.slug for campaign in list_all()), ""))


def current_texts() -> list[CampaignText]:
    """Every campaign's current text in the reader's language, in the order of the front page."""
    texts = (current_text(campaign.slug, i18n.current()) for campaign in list_all())
    return [text for text in texts if text]
