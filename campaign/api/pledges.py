"""People who chose to be listed, and institutions that pledged officially."""

from collections.abc import Sequence
from datetime import UTC

from campaign import geography, i18n
from campaign.api import schemas
from campaign.api.lists import DataList
from campaign.api.paging import Position, Row, Source, moment
from campaign.api.reading import NO_CAMPAIGN, SLUG, Query, campaign_or_404
from campaign.institutions.queries import name_in
from campaign.links import absolute_url
from campaign.pledges import queries as pledge_queries
from campaign.pledges.models import Pledge


@DataList(
    rule="/campaigns/<slug>/signatories",
    parameters=[SLUG],
    query=schemas.SignatoryQuery,
    row=schemas.SignatoryRow,
    response=schemas.SignatoryPage,
    tags=["Pledges"],
    file_summary="Download the people who chose to be listed",
    not_found=NO_CAMPAIGN,
)
def signatories(query: Query, slug: str) -> Source:
    """List the people who chose to be listed

    The newest first. Only name, role, institution, country and day, and only of people who chose to be shown with
    their name; all others are in the numbers alone. If you keep a copy, refresh it every day: people may withdraw.
    """
    campaign = campaign_or_404(slug)

    def source(after: Position | None, limit: int) -> Sequence[tuple[Position, Row]]:
        people = pledge_queries.signatories(
            campaign.id,
            country=query.get("country"),
            institution_id=query.get("institution"),
            name=query.get("q", ""),
            before=moment(after),
            limit=limit,
        )
        return [
            ([person.confirmed_at.isoformat(), str(person.id)], _signatory(person))
            for person in people
        ]

    return source


def _signatory(person: pledge_queries.Signatory) -> Row:
    institution = person.institution
    return {
        "name": person.name,
        "role": person.role,
        "institution": institution.id if institution else None,
        "institution_name": name_in(institution, i18n.current())
        if institution
        else person.institution_text,
        "country": person.country,
        "country_name": geography.country_name(person.country, i18n.current()),
        "date": person.confirmed_at.astimezone(UTC).date(),
    }


@DataList(
    rule="/campaigns/<slug>/official-pledges",
    parameters=[SLUG],
    query=schemas.OfficialPledgeQuery,
    row=schemas.OfficialPledgeRow,
    response=schemas.OfficialPledgePage,
    tags=["Pledges"],
    file_summary="Download the institutions that pledged officially",
    not_found=NO_CAMPAIGN,
)
def official_pledges(query: Query, slug: str) -> Source:
    """List the institutions that pledged officially

    The newest first. Each pledged through a representative; who that was is on the institution's page.
    """
    campaign = campaign_or_404(slug)

    def source(after: Position | None, limit: int) -> Sequence[tuple[Position, Row]]:
        pledges = pledge_queries.official_pledges(
            campaign.id, country=query.get("country"), before=moment(after), limit=limit
        )
        return [
            ([str(pledge.confirmed_at), str(pledge.id)], _official(pledge)) for pledge in pledges
        ]

    return source


def _official(pledge: Pledge) -> Row:
    institution = pledge.institution
    assert institution is not None, "an official pledge is that of an institution"
    assert pledge.confirmed_at is not None, "only confirmed pledges are official"
    return {
        "institution": institution.id,
        "institution_name": name_in(institution, i18n.current()),
        "country": institution.country,
        "country_name": geography.country_name(institution.country, i18n.current()),
        "date": pledge.confirmed_at.astimezone(UTC).date(),
        "commitments": pledge.commitments,
        "url": absolute_url("web.institution", ror_id=institution.id),
    }
