"""Counts by country, region, institution, commitment or discipline, and over time."""

from collections.abc import Mapping, Sequence
from datetime import date

from campaign import geography, i18n
from campaign.api import schemas
from campaign.api.base import ApiProblem
from campaign.api.lists import DataList
from campaign.api.paging import Position, Row, Source, known
from campaign.api.reading import NO_CAMPAIGN, SLUG, Query, campaign_or_404, in_path, text_or_404
from campaign.campaigns.models import CampaignText
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution
from campaign.pledges.disciplines import FIELDS
from campaign.pledges.models import Kind
from campaign.tallies import details
from campaign.tallies import queries as tally_queries
from campaign.tallies.queries import KeyCounts

_DIMENSION = in_path("dimension", "What to count by.", "country", enum=[*schemas.DIMENSIONS])


@DataList(
    rule=f"/campaigns/<slug>/tallies/<any({', '.join(schemas.DIMENSIONS)}):dimension>",
    parameters=[SLUG, _DIMENSION],
    query=schemas.TallyQuery,
    row=schemas.TallyRow,
    response=schemas.TallyPage,
    tags=["Tallies"],
    file_summary="Download a count",
    not_found=NO_CAMPAIGN,
)
def tally(_query: Query, slug: str, dimension: str) -> Source:
    """Count by country, region, institution, commitment or discipline

    Most people first; what nobody pledged is left out. A person may tick several commitments and disciplines, and
    regions contain each other, so these do not add up to the whole. Countries, regions and institutions are live.
    Commitments and disciplines of people are published once a day, for groups of five people or more.
    """
    text = text_or_404(slug)

    def source(after: Position | None, limit: int) -> Sequence[tuple[Position, Row]]:
        last = KeyCounts(*after) if after else None
        by_key = details.by_key if dimension in schemas.DETAILS else tally_queries.by_key
        counts = by_key(text.campaign_id, dimension, after=last, limit=limit)
        return [*zip(counts, _rows(text, dimension, counts), strict=True)]

    return source


def _rows(text: CampaignText, dimension: str, counts: Sequence[KeyCounts]) -> list[Row]:
    institutions: Mapping[str, Institution] = {}
    if dimension == "institution":
        institutions = institution_queries.by_ids([row.key for row in counts])
    return [_row(text, dimension, row, institutions.get(row.key)) for row in counts]


def _row(
    text: CampaignText, dimension: str, counts: KeyCounts, institution: Institution | None
) -> Row:
    return {
        **counts._asdict(),
        "name": institution_queries.name_in(institution, i18n.current())
        if institution
        else _name(text, dimension, counts.key),
        "country": institution.country if institution else None,
    }


def _name(text: CampaignText, dimension: str, key: str) -> str:
    if dimension == "country":
        return geography.country_name(key, i18n.current())
    if dimension == "region":
        return geography.region_name(key, i18n.current())
    if dimension == "discipline" and key in FIELDS:
        return str(FIELDS[key].name)
    sentences = text.commitments_for(Kind.INSTITUTION) | text.commitments_for(Kind.PERSON)
    return sentences.get(key, key)  # a commitment of an earlier text has no sentence in this one


@DataList(
    rule="/campaigns/<slug>/days",
    parameters=[SLUG],
    query=schemas.DaysQuery,
    row=schemas.DayRow,
    response=schemas.DaysSchema,
    tags=["Tallies"],
    file_summary="Download the days",
    not_found=NO_CAMPAIGN,
)
def days(query: Query, slug: str) -> Source:
    """Count by day

    Every day from the first pledge to the last one, without gaps. People are counted once a day (UTC), so that the
    newest pledges are not in it. A pledge that is withdrawn is taken out of the day on which it was confirmed, so
    that a past number can become smaller.
    """
    since, until = query.get("since", date.min), query.get("until", date.max)
    counts = details.days(campaign_or_404(slug).id)
    return known(
        [
            {"date": day, "people": people, "official_pledges": official}
            for day, people, official in counts
            if since <= day <= until
        ]
    )


@DataList(
    rule="/campaigns/<slug>/months",
    parameters=[SLUG],
    query=schemas.MonthsQuery,
    row=schemas.MonthRow,
    response=schemas.MonthsSchema,
    tags=["Tallies"],
    file_summary="Download the months",
    not_found=NO_CAMPAIGN,
)
def months(query: Query, slug: str) -> Source:
    """Count by month

    Of the campaign, of one country or of one institution, without gaps. See the days for what becomes of
    withdrawn pledges. People of one place are published for groups of five people or more.
    """
    campaign = campaign_or_404(slug)
    if len(query) > 1:
        raise ApiProblem(400, "Ask for a country or for an institution, not for both.")
    dimension, key = next(iter(query.items()), ("", ""))
    return known([row._asdict() for row in details.months(campaign.id, dimension, key)])
