"""What an address refers to: an institution, a campaign's text in the reader's language, a page of a list."""

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


def institution_or_moved(ror_id: str, name: str = "ror_id", **query: str | None) -> Institution:
    """Return the institution with this id.

    Answers 404 for an unknown id, and 301 where another institution has taken its place. ``name`` is what the
    route calls the id. ``query`` is added to the new address: what the next request could not find out by itself.
    """
    institution = institution_queries.resolve(ror_id) or abort(404)
    if institution.id != ror_id and request.method in SAFE_METHODS:
        raise PermanentRedirect(**query, **{name: institution.id})
    return institution


def text_or_404(slug: str) -> CampaignText:
    """Return a campaign's current text in the reader's language. Answers 404 where no campaign has this slug."""
    return campaign_queries.current_text(slug, i18n.current()) or abort(404)


def chosen_text_or_404(slug: str | None) -> CampaignText:
    """The same for a slug that is optional: without one, the text of the first campaign."""
    return text_or_404(slug or next(iter(campaign_queries.listed()), ""))


def current_texts() -> list[CampaignText]:
    """Return the current text of every campaign on the front page, in its order and the reader's language."""
    texts = (
        campaign_queries.current_text(slug, i18n.current()) for slug in campaign_queries.listed()
    )
    return [text for text in texts if text]


def text_of(pledge: Pledge) -> CampaignText:
    """Return the current text of a pledge's campaign in the reader's language, or else the one that was signed."""
    return campaign_queries.current_text(pledge.campaign.slug, i18n.current()) or pledge.text


def page_number_or_404() -> int:
    """Return the number of the page in the query, by default 1.

    Answers 404 unless it is spelled as in our links: otherwise one page would be kept under many addresses.
    """
    page = request.args.get("page", "1")
    return int(page) if _PAGE_NUMBER.fullmatch(page) else abort(404)
