"""Campaigns and the texts that people sign."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from campaign.api import schemas
from campaign.api.base import ApiProblem
from campaign.api.paging import Row
from campaign.api.reading import (
    NO_CAMPAIGN,
    SLOW,
    SLUG,
    Body,
    Query,
    blueprint,
    common_errors,
    in_path,
    text_or_404,
)
from campaign.campaigns import queries as campaign_queries
from campaign.campaigns.models import CampaignText
from campaign.http.access import anyone
from campaign.http.caching import cached
from campaign.http.lookup import current_texts
from campaign.links import absolute_url
from campaign.tallies import queries as tally_queries

_NO_TEXT = "There is no such text."


@blueprint.get("/campaigns", tags=["Campaigns"])
@anyone
@blueprint.arguments(schemas.LanguageQuery, location="query")
@cached()
@blueprint.response(200, schemas.CampaignsSchema)
@common_errors
def campaign_list(_query: Query) -> Body:
    """List the campaigns

    Each with its headline numbers, in the order of the front page.
    """
    return {"items": [_summary(text) for text in current_texts()]}


@blueprint.get("/campaigns/<slug>", tags=["Campaigns"], parameters=[SLUG])
@anyone
@blueprint.arguments(schemas.LanguageQuery, location="query")
@cached()
@blueprint.response(200, schemas.CampaignSchema)
@blueprint.alt_response(404, description=NO_CAMPAIGN)
@common_errors
def campaign(_query: Query, slug: str) -> Body:
    """Get one campaign

    With its headline numbers and a list of every text that was ever published.
    """
    text = text_or_404(slug)
    texts = campaign_queries.texts(text.campaign_id)
    return {**_summary(text), "texts": [_reference(published) for published in texts]}


@blueprint.get(
    "/campaigns/<slug>/texts/<int(max=9999):version>/<language>",
    tags=["Campaigns"],
    parameters=[
        SLUG,
        in_path("version", "The version.", 1, type="integer"),
        in_path("language", "The language (BCP 47).", "en"),
    ],
)
@anyone
@blueprint.arguments(schemas.NoQuery, location="query")
@cached(max_age=SLOW)
@blueprint.response(200, schemas.TextSchema)
@blueprint.alt_response(404, description=_NO_TEXT)
@common_errors
def campaign_text(
    _query: Query, slug: str, version: int, language: str
) -> tuple[Body, Mapping[str, str]]:
    """Get a text

    The exact words that people sign in one language and version. A published text never changes.
    """
    text = campaign_queries.text_of_version(slug, version, language)
    if text is None:
        raise ApiProblem(404, _NO_TEXT)
    body = {
        **_reference(text),
        "theme": text.theme,
        "summary": text.summary,
        "introduction": text.introduction,
        "pledge": text.pledge,
        "pledge_institution": text.pledge_institution,
        "commitments": _commitments(text.commitments),
        "commitments_institution": _commitments(text.commitments_institution),
    }
    return body, {"Content-Language": text.locale}


def _commitments(pairs: Sequence[Sequence[str]]) -> list[Row]:
    return [{"code": code, "text": sentence} for code, sentence in pairs]


def _summary(text: CampaignText) -> dict[str, Any]:
    slug = text.campaign.slug
    return {
        "slug": slug,
        "title": text.title,
        "summary": text.summary,
        "language": text.locale,
        "version": text.version,
        "counts": tally_queries.counts(text.campaign_id),
        "url": absolute_url("web.campaign", slug=slug),
    }


def _reference(text: CampaignText) -> dict[str, Any]:
    address = {"slug": text.campaign.slug, "version": text.version, "language": text.locale}
    return {
        "version": text.version,
        "language": text.locale,
        "title": text.title,
        "published_at": text.published_at.astimezone(UTC),
        "api_url": absolute_url("api.campaign_text", **address),
    }
