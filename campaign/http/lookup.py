"""What an address names: an institution, a campaign's text in the reader's language, a page of a list; else 404."""

import re

from flask import abort, request

from campaign import i18n
from campaign.campaigns import queries as campaign_queries
from campaign.campaigns.models import CampaignText
from campaign.http.origin import SAFE_METHODS
from campaign.http.redirects import PermanentRedirect
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution
from campaign.pledges.models import Pledge

_PAGE_NUMBER = re.compile("[1-9][0-9]{0,3}")


def institution_or_moved(ror_id: str, name: str = "ror_id", **known: str | None) -> Institution:
    """The institution with this id.

    Answers 404 for an unknown id, 301 where another institution stands for it today. ``name`` is what the address
    calls the id. ``known`` is added to the new address: what the next request could not find out by itself.
    """
    institution = institution_queries.resolve(ror_id) or abort(404)
    if institution.id != ror_id and request.method in SAFE_METHODS:
        raise PermanentRedirect(**known, **{name: institution.id})
    return institution


def text_or_404(slug: str) -> CampaignText:
    """The current text of the campaign with this slug, in the reader's language."""
    return campaign_queries.current_text(slug, i18n.current()) or abort(404)


def chosen_text_or_404(slug: str | None) -> CampaignText:
    """The current text of the campaign with this slug, or of the first one, in the reader's language."""
    campaigns = campaign_queries.list_all()
    return text_or_404(slug or next((campaign.slug for campaign in campaigns), ""))


def current_texts() -> list[CampaignText]:
    """Every campaign's current text in the reader's language, in the order of the front page."""
    texts = (
        campaign_queries.current_text(campaign.slug, i18n.current())
        for campaign in campaign_queries.list_all()
    )
    return [text for text in texts if text]


def text_of(pledge: Pledge) -> CampaignText:
    """The current text of a pledge's campaign, in the reader's language; else the one that was signed."""
    return campaign_queries.current_text(pledge.campaign.slug, i18n.current()) or pledge.text


def page_number_or_404() -> int:
    """The page of a list that the query names, 1 without one.

    Answers 404 where it is not spelled as our links spell it: else one page could be kept under many addresses.
    """
    page = request.args.get("page", "1")
    return int(page) if _PAGE_NUMBER.fullmatch(page) else abort(404)
