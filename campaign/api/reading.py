"""What operations that read have in common: their blueprint, parts of their paths, their errors.

Their docstrings are the documentation: summary and description of each operation.
"""

from collections.abc import Mapping
from typing import Any

from campaign import i18n
from campaign.api.base import (
    PREFIX,
    ApiProblem,
    Blueprint,
    choose_language,
    count_request,
    name_language,
)
from campaign.campaigns import queries as campaign_queries
from campaign.campaigns.models import Campaign, CampaignText
from campaign.http.access import View

Query = Mapping[str, Any]
Body = Mapping[str, Any]
Parameter = Mapping[str, Any]

# Names and records that change with a release of CLDR or of the registry.
SLOW = 3600

blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
blueprint.before_request(choose_language)
blueprint.before_request(count_request)
blueprint.after_request(name_language)


def in_path(name: str, description: str, example: object, **more: object) -> Parameter:
    """A part of the path, as OpenAPI describes it."""
    schema = {"type": "string", **more}
    return {"name": name, "in": "path", "required": True, "description": description,
            "schema": schema, "example": example}  # fmt: skip


SLUG = in_path("slug", "The campaign's slug.", "heart-of-science")
INVALID_PARAMETER = "A parameter is unknown, is repeated or has an invalid value."
NO_CAMPAIGN = "There is no campaign with this slug."


def common_errors(view: View) -> View:
    """Document the errors that every operation that reads can end with."""
    refused = blueprint.alt_response(400, description=INVALID_PARAMETER)
    limited = blueprint.alt_response(429, description="Too many requests from one network.")
    return limited(refused(view))


def unchanged(view: View) -> View:
    """Document that what did not change is not sent again."""
    described = "Nothing changed since the ETag that you sent."
    return blueprint.alt_response(304, description=described)(view)


def campaign_or_404(slug: str) -> Campaign:
    """The campaign with this slug. Raises ApiProblem (404) where there is none."""
    campaign = campaign_queries.get(slug)
    if campaign is None:
        raise ApiProblem(404, NO_CAMPAIGN)
    return campaign


def text_or_404(slug: str) -> CampaignText:
    """The campaign's current text in the requested language. Raises ApiProblem (404) where there is none."""
    text = campaign_queries.current_text(slug, i18n.current())
    if text is None:
        raise ApiProblem(404, NO_CAMPAIGN)
    return text
