"""Of which institution and campaign a widget tells, and which pages may frame its form."""

from collections.abc import Mapping
from typing import Any

from flask import abort, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.utils import redirect

from campaign import i18n
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text, list_all
from campaign.institutions import queries as institutions
from campaign.institutions.models import Institution
from campaign.web.security import SAFE_METHODS


class Moved(HTTPException):
    """The institution has a successor: the address of the same thing for it, for good."""

    code = 301

    def __init__(self, endpoint: str, values: Mapping[str, Any]) -> None:
        super().__init__(response=redirect(url_for(endpoint, **values), 301))


def institution_of(ror_id: str, name: str = "ror_id", **values: Any) -> Institution:
    """The institution with this id; answers 404 for none, 301 where another stands for it today.

    ``name`` is what the view calls the id, and ``values`` are its other parameters, to be kept.
    """
    found = institutions.resolve(ror_id) or abort(404)
    if found.id != ror_id and request.method in SAFE_METHODS:
        path = request.view_args or {}
        raise Moved(str(request.endpoint), path | values | {name: found.id})
    return found


def text_of(slug: str | None) -> CampaignText:
    """The campaign's text in the reader's language; of the first campaign, unless one is named. Answers 404."""
    slug = slug or next((campaign.slug for campaign in list_all()), "")
    return current_text(slug, i18n.current()) or abort(404)
