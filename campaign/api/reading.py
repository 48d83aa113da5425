"""Open data, for reading: campaigns, numbers, names that people chose to show, places.

The docstrings are the documentation: summary and description of each operation.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date
from functools import partial
from typing import Any

from flask import Response, redirect, request
from marshmallow import Schema
from werkzeug.wrappers import Response as AnyResponse

from campaign import geography, i18n
from campaign.api import schemas
from campaign.api.answers import (
    PREFIX,
    Blueprint,
    Problem,
    View,
    count_request,
    speak_language_asked_for,
    tagged,
    tell_language,
)
from campaign.api.downloads import (
    CSV,
    DOWNLOAD_LIMIT,
    FORMATS,
    JSON_LINES,
    csv_sample,
    file,
    json_lines_sample,
    or_file,
)
from campaign.api.paging import Position, Row, Source, moment, page
from campaign.campaigns import queries as campaigns
from campaign.campaigns.models import Campaign, CampaignText
from campaign.http.access import anyone
from campaign.http.caching import cached
from campaign.http.rate_limits import rate_limited
from campaign.institutions import queries as institutions
from campaign.institutions.models import Institution
from campaign.institutions.queries import name_in
from campaign.links import absolute_url
from campaign.pledges import queries as pledges
from campaign.pledges.disciplines import FIELDS
from campaign.pledges.models import Kind, Pledge
from campaign.tallies import places
from campaign.tallies import queries as tallies
from campaign.tallies.queries import Counts

Query = Mapping[str, Any]
Answer = Mapping[str, Any]

# Names and records that change with a release of CLDR or of the registry.
SLOW = 3600

blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
blueprint.before_request(speak_language_asked_for)
blueprint.before_request(count_request)
blueprint.after_request(tell_language)


def _in_path(name: str, description: str, example: Any, **more: Any) -> dict[str, Any]:
    schema = {"type": "string", **more}
    return {"name": name, "in": "path", "required": True, "description": description,
            "schema": schema, "example": example}  # fmt: skip


_SLUG = _in_path("slug", "The campaign's slug.", "heart-of-science")
_DIMENSION = _in_path("dimension", "What to count by.", "country", enum=list(schemas.DIMENSIONS))
_EXTENSION = _in_path("extension", "The format.", "csv", enum=["csv", "jsonl"])
_ROR_ID = _in_path("ror_id", "The institution's ROR id.", "02y9nww90")
_COUNTRY = _in_path("code", "ISO 3166-1 alpha-2.", "KE")
_REGION = _in_path("code", "UN M49.", "014")
_DIMENSIONS = f"any({', '.join(schemas.DIMENSIONS)})"

_BAD = {400: "A parameter is unknown, repeated or has a value that cannot be."}
_NO_CAMPAIGN = {404: "There is no campaign with this slug."}


def _files(row: type[Schema]) -> Callable[[View], View]:
    """The same rows as CSV and as JSON Lines."""
    by_type = {CSV: csv_sample(row), JSON_LINES: json_lines_sample(row)}

    def decorate(view: View) -> View:
        for type_, example in by_type.items():
            view = blueprint.also(
                200, content_type=type_, schema={"type": "string"},
                description="The rows.", example=example,
            )(view)  # fmt: skip
        return _unchanged()(view)

    return decorate


_unchanged = partial(
    blueprint.also, 304, description="Nothing changed since the ETag that you sent."
)


def _campaign(slug: str) -> Campaign:
    found = campaigns.get(slug)
    if found is None:
        raise Problem(404, _NO_CAMPAIGN[404])
    return found


def _text(slug: str) -> CampaignText:
    found = campaigns.current_text(slug, i18n.current())
    if found is None:
        raise Problem(404, _NO_CAMPAIGN[404])
    return found


# Campaigns


@blueprint.get("/campaigns", tags=["Campaigns"])
@anyone
@blueprint.reads(schemas.LanguageQuery)
@cached("lang")
@blueprint.answers(200, schemas.CampaignsSchema)
@blueprint.refuses(_BAD)
def campaign_list(_query: Query) -> Answer:
    """List the campaigns

    Each with its headline numbers, in the order of the front page.
    """
    texts = [campaigns.current_text(one.slug, i18n.current()) for one in campaigns.list_all()]
    return {"items": [_summary(text) for text in texts if text]}


@blueprint.get("/campaigns/<slug>", tags=["Campaigns"], parameters=[_SLUG])
@anyone
@blueprint.reads(schemas.LanguageQuery)
@cached("lang")
@blueprint.answers(200, schemas.CampaignSchema)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def campaign(_query: Query, slug: str) -> Answer:
    """Get one campaign

    With its headline numbers and a list of every text that was ever published.
    """
    text = _text(slug)
    texts = [_reference(one) for one in campaigns.texts(text.campaign_id)]
    return {**_summary(text), "texts": texts}


@blueprint.get(
    "/campaigns/<slug>/texts/<int(max=9999):version>/<language>",
    tags=["Campaigns"],
    parameters=[
        _SLUG,
        _in_path("version", "The version.", 1, type="integer"),
        _in_path("language", "The language (BCP 47).", "en"),
    ],
)
@anyone
@blueprint.reads(schemas.NoQuery)
@cached(max_age=SLOW)
@blueprint.answers(200, schemas.TextSchema)
@blueprint.refuses(_BAD | {404: "There is no such text."})
def campaign_text(
    _query: Query, slug: str, version: int, language: str
) -> tuple[Answer, Mapping[str, str]]:
    """Get a text

    The exact words that people sign in one language and version. A published text never changes.
    """
    text = campaigns.text_of_version(slug, version, language)
    if text is None:
        raise Problem(404, "There is no such text.")
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
    counts = tallies.counts(text.campaign_id)
    return {
        "slug": text.campaign.slug,
        "title": text.title,
        "summary": text.summary,
        "language": text.locale,
        "version": text.version,
        "counts": {
            "persons": counts.persons,
            "institutions": counts.institutions,
            "countries": counts.countries,
            "organizations": counts.organizations,
        },
        "url": absolute_url("web.campaign", slug=text.campaign.slug),
    }


def _reference(text: CampaignText) -> dict[str, Any]:
    where = {"slug": text.campaign.slug, "version": text.version, "language": text.locale}
    return {
        "version": text.version,
        "language": text.locale,
        "title": text.title,
        "published_at": text.published_at.astimezone(UTC),
        "api_url": absolute_url("api.campaign_text", **where),
    }


# Tallies


@blueprint.get(
    f"/campaigns/<slug>/tallies/<{_DIMENSIONS}:dimension>",
    tags=["Tallies"],
    parameters=[_SLUG, _DIMENSION],
)
@anyone
@or_file
@blueprint.reads(schemas.TallyQuery)
@cached("lang", "limit", "after")
@blueprint.answers(200, schemas.TallyPage)
@_files(schemas.TallyRow)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def tally(query: Query, slug: str, dimension: str) -> Any:
    """Count by country, region, institution, commitment or discipline

    Most people first; what nobody pledged is left out. A person may tick several commitments and disciplines, and
    regions contain each other, so these do not add up to the whole.
    """
    return page(_tally(_text(slug), dimension), query)


@blueprint.get(
    f"/campaigns/<slug>/tallies/<{_DIMENSIONS}:dimension>.<{FORMATS}:extension>",
    tags=["Tallies"],
    parameters=[_SLUG, _DIMENSION, _EXTENSION],
)
@anyone
@rate_limited(DOWNLOAD_LIMIT)
@blueprint.reads(schemas.LanguageQuery)
@_files(schemas.TallyRow)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def tally_file(_query: Query, slug: str, dimension: str, extension: str) -> Response:
    """Download a count

    All of it, as CSV or JSON Lines, with the fields of the list.
    """
    source = _tally(_text(slug), dimension)
    return file(source, schemas.TallyRow, extension, f"{slug}-{dimension}")


def _tally(text: CampaignText, dimension: str) -> Source:
    counted = tallies.by_key(text.campaign_id, dimension)

    def source(after: Position | None, limit: int) -> list[tuple[Position, Row]]:
        rest = [row for row in counted if after is None or _rank(row) > after]
        return _named(text, dimension, rest[:limit])

    return source


def _rank(row: tuple[str, int, int]) -> list[Any]:
    key, persons, official = row
    return [-persons, -official, key]


def _named(
    text: CampaignText, dimension: str, rows: Sequence[tuple[str, int, int]]
) -> list[tuple[Position, Row]]:
    found = institutions.by_ids([row[0] for row in rows]) if dimension == "institution" else {}
    named: list[tuple[Position, Row]] = []
    for key, persons, official in rows:
        institution = found.get(key)
        row = {
            "key": key,
            "name": name_in(institution, i18n.current()) if institution
            else _name(text, dimension, key),
            "country": institution.country if institution else None,
            "persons": persons,
            "institutions": official,
        }  # fmt: skip
        named.append((_rank((key, persons, official)), row))
    return named


def _name(text: CampaignText, dimension: str, key: str) -> str:
    if dimension == "country":
        return geography.country_name(key, i18n.current())
    if dimension == "region":
        return geography.region_name(key, i18n.current())
    if dimension == "discipline" and key in FIELDS:
        return str(FIELDS[key].name)
    sentences = text.commitments_for(Kind.INSTITUTION) | text.commitments_for(Kind.PERSON)
    return sentences.get(key, key)  # of a text before this one


@blueprint.get("/campaigns/<slug>/days", tags=["Tallies"], parameters=[_SLUG])
@anyone
@or_file
@blueprint.reads(schemas.DaysQuery)
@cached("since", "until")
@blueprint.answers(200, schemas.DaysSchema)
@_files(schemas.DayRow)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def days(query: Query, slug: str) -> Answer:
    """Count by day

    Every day from the first pledge to the last one, without gaps. A pledge that is withdrawn is taken out of the
    day on which it was confirmed, so that a past number can become smaller.
    """
    return {"items": _days(_campaign(slug), query)}


@blueprint.get(
    f"/campaigns/<slug>/days.<{FORMATS}:extension>",
    tags=["Tallies"],
    parameters=[_SLUG, _EXTENSION],
)
@anyone
@rate_limited(DOWNLOAD_LIMIT)
@blueprint.reads(schemas.DaysQuery)
@_files(schemas.DayRow)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def days_file(query: Query, slug: str, extension: str) -> Response:
    """Download the days

    As CSV or JSON Lines, with the fields of the list.
    """
    rows = _days(_campaign(slug), query)
    return file(_whole(rows), schemas.DayRow, extension, f"{slug}-days")


def _days(campaign: Campaign, query: Query) -> list[Row]:
    since, until = query.get("since", date.min), query.get("until", date.max)
    return [
        {"date": day, "persons": persons, "institutions": official}
        for day, persons, official in tallies.days(campaign.id)
        if since <= day <= until
    ]


@blueprint.get("/campaigns/<slug>/months", tags=["Tallies"], parameters=[_SLUG])
@anyone
@or_file
@blueprint.reads(schemas.MonthsQuery)
@cached("country", "institution")
@blueprint.answers(200, schemas.MonthsSchema)
@_files(schemas.MonthRow)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def months(query: Query, slug: str) -> Answer:
    """Count by month

    Of the campaign, of one country or of one institution, without gaps. See the days for what becomes of
    withdrawn pledges.
    """
    return {"items": _months(_campaign(slug), query)}


@blueprint.get(
    f"/campaigns/<slug>/months.<{FORMATS}:extension>",
    tags=["Tallies"],
    parameters=[_SLUG, _EXTENSION],
)
@anyone
@rate_limited(DOWNLOAD_LIMIT)
@blueprint.reads(schemas.MonthsQuery)
@_files(schemas.MonthRow)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def months_file(query: Query, slug: str, extension: str) -> Response:
    """Download the months

    As CSV or JSON Lines, with the fields of the list.
    """
    rows = _months(_campaign(slug), query)
    return file(_whole(rows), schemas.MonthRow, extension, f"{slug}-months")


def _months(campaign: Campaign, query: Query) -> list[Row]:
    chosen = list(query.items())
    if len(chosen) > 1:
        raise Problem(400, "Ask for a country or for an institution, not for both.")
    dimension, key = chosen[0] if chosen else ("", "")
    return [
        {"month": month, "persons": persons, "institutions": official}
        for month, persons, official in tallies.months(campaign.id, dimension, key)
    ]


def _whole(rows: Sequence[Row]) -> Source:
    """A list that is known already, read on by number."""

    def source(after: Position | None, limit: int) -> list[tuple[Position, Row]]:
        start = after or 0
        return [(start + number + 1, row) for number, row in enumerate(rows[start : start + limit])]

    return source


# Pledges


@blueprint.get("/campaigns/<slug>/signatories", tags=["Pledges"], parameters=[_SLUG])
@anyone
@or_file
@blueprint.reads(schemas.SignatoryQuery)
@cached("lang", "q", "country", "institution", "limit", "after")
@blueprint.answers(200, schemas.SignatoryPage)
@_files(schemas.SignatoryRow)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def signatories(query: Query, slug: str) -> Any:
    """List the people who chose to be listed

    The newest first. Only name, role, institution, country and day, and only of people who chose to be shown with
    their name; all others are in the numbers alone. Who keeps a copy must renew it, since people may withdraw.
    """
    return page(_signatories(_campaign(slug), query), query)


@blueprint.get(
    f"/campaigns/<slug>/signatories.<{FORMATS}:extension>",
    tags=["Pledges"],
    parameters=[_SLUG, _EXTENSION],
)
@anyone
@rate_limited(DOWNLOAD_LIMIT)
@blueprint.reads(schemas.SignatoryFilter)
@_files(schemas.SignatoryRow)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def signatories_file(query: Query, slug: str, extension: str) -> Response:
    """Download the people who chose to be listed

    As CSV or JSON Lines, with the fields of the list.
    """
    source = _signatories(_campaign(slug), query)
    return file(source, schemas.SignatoryRow, extension, f"{slug}-signatories")


def _signatories(campaign: Campaign, query: Query) -> Source:
    def source(after: Position | None, limit: int) -> list[tuple[Position, Row]]:
        found = pledges.signatories(
            campaign.id,
            country=query.get("country"),
            institution_id=query.get("institution"),
            name=query.get("q", ""),
            before=moment(after),
            limit=limit,
        )
        return [([one.confirmed_at.isoformat(), str(one.id)], _signatory(one)) for one in found]

    return source


def _signatory(one: pledges.Signatory) -> Row:
    language = i18n.current()
    institution = one.institution
    return {
        "name": one.name,
        "role": one.role,
        "institution": institution.id if institution else None,
        "institution_name": name_in(institution, language) if institution else one.institution_text,
        "country": one.country,
        "country_name": geography.country_name(one.country, language),
        "date": one.confirmed_at.astimezone(UTC).date(),
    }


@blueprint.get("/campaigns/<slug>/official-pledges", tags=["Pledges"], parameters=[_SLUG])
@anyone
@or_file
@blueprint.reads(schemas.OfficialPledgeQuery)
@cached("lang", "country", "limit", "after")
@blueprint.answers(200, schemas.OfficialPledgePage)
@_files(schemas.OfficialPledgeRow)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def official_pledges(query: Query, slug: str) -> Any:
    """List the institutions that pledged officially

    The newest first. Each pledged through a representative; who that was is on the institution's page.
    """
    return page(_official_pledges(_campaign(slug), query), query)


@blueprint.get(
    f"/campaigns/<slug>/official-pledges.<{FORMATS}:extension>",
    tags=["Pledges"],
    parameters=[_SLUG, _EXTENSION],
)
@anyone
@rate_limited(DOWNLOAD_LIMIT)
@blueprint.reads(schemas.OfficialPledgeFilter)
@_files(schemas.OfficialPledgeRow)
@blueprint.refuses(_BAD | _NO_CAMPAIGN)
def official_pledges_file(query: Query, slug: str, extension: str) -> Response:
    """Download the institutions that pledged officially

    As CSV or JSON Lines, with the fields of the list.
    """
    source = _official_pledges(_campaign(slug), query)
    return file(source, schemas.OfficialPledgeRow, extension, f"{slug}-official-pledges")


def _official_pledges(campaign: Campaign, query: Query) -> Source:
    def source(after: Position | None, limit: int) -> list[tuple[Position, Row]]:
        found = pledges.official_pledges(
            campaign.id, country=query.get("country"), before=moment(after), limit=limit
        )
        return [([str(one.confirmed_at), str(one.id)], _official(one)) for one in found]

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


# Places


@blueprint.get("/institutions", tags=["Places"])
@anyone
@blueprint.reads(schemas.InstitutionQuery)
@tagged(SLOW)
@blueprint.answers(200, schemas.InstitutionPage)
@_unchanged()
@blueprint.refuses(_BAD)
def institution_list(query: Query) -> Any:
    """Find institutions

    With `q`, those with a name like it, best first. Without, all active ones of the registry (ROR), or of a
    country, in the order of their ids.
    """
    return _search(query) if "q" in query else page(_registry(query), query)


def _search(query: Query) -> Answer:
    """One page: what comes after the best is no longer what was meant."""
    country, limit = query.get("country"), query["limit"]
    found = institutions.search(
        query["q"], locale=i18n.current(), country=country, limit=limit * 2 if country else limit
    )
    fitting = [match for match in found if country in {None, match.country}]
    return {"items": [_row_of(match, match.name) for match in fitting[:limit]], "next": None}


def _registry(query: Query) -> Source:
    def source(after: Position | None, limit: int) -> list[tuple[Position, Row]]:
        found = institutions.listed(country=query.get("country"), after=after, limit=limit)
        return [(one.id, _row_of(one, name_in(one, i18n.current()))) for one in found]

    return source


def _row_of(one: Institution | institutions.Match, name: str) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": name,
        "city": one.city,
        "country": one.country,
        "country_name": geography.country_name(one.country, i18n.current()),
    }


@blueprint.get("/institutions/<ror_id>", tags=["Places"], parameters=[_ROR_ID])
@anyone
@blueprint.reads(schemas.LanguageQuery)
@cached("lang")
@blueprint.answers(200, schemas.InstitutionSchema)
@blueprint.also(
    308, description="The registry merged or withdrew the record; Location is its successor."
)
@_unchanged()
@blueprint.refuses(_BAD | {404: "There is no institution with this ROR id."})
def institution(_query: Query, ror_id: str) -> Answer | AnyResponse:
    """Get one institution

    With its numbers in each campaign.
    """
    found = institutions.resolve(ror_id)
    if found is None:
        raise Problem(404, "There is no institution with this ROR id.")
    if found.id != ror_id:
        return _moved(ror_id=found.id)
    return {
        **_row_of(found, name_in(found, i18n.current())),
        "status": found.status,
        "types": found.types,
        "website": found.website,
        "ror_url": found.ror_url,
        "url": absolute_url("web.institution", ror_id=found.id),
        "counts": _counts("institution", found.id),
    }


def _moved(**path: str) -> AnyResponse:
    """For ever, and with the same query."""
    return redirect(absolute_url(request.endpoint or "", **path, **request.args.to_dict()), 308)


def _counts(dimension: str, key: str) -> list[Row]:
    return [
        _in_campaign(one, tallies.counts_of(one.id, dimension, key)) for one in campaigns.list_all()
    ]


def _in_campaign(campaign: Campaign, counts: Counts) -> dict[str, Any]:
    return {
        "campaign": campaign.slug,
        "persons": counts.persons,
        "institutions": counts.institutions,
    }


@blueprint.get("/countries", tags=["Places"])
@anyone
@blueprint.reads(schemas.LanguageQuery)
@cached("lang", max_age=SLOW)
@blueprint.answers(200, schemas.CountriesSchema)
@_unchanged()
@blueprint.refuses(_BAD)
def country_list(_query: Query) -> Answer:
    """List the countries and territories

    In the order in which a reader of the language looks them up. How many pledged is a tally.
    """
    return {
        "items": [_country(code, name) for code, name in geography.sorted_countries(i18n.current())]
    }


@blueprint.get("/countries/<code>", tags=["Places"], parameters=[_COUNTRY])
@anyone
@blueprint.reads(schemas.LanguageQuery)
@cached("lang")
@blueprint.answers(200, schemas.CountryWithCountsSchema)
@blueprint.also(308, description="The code in capitals.")
@_unchanged()
@blueprint.refuses(_BAD | {404: "There is no such country."})
def country(_query: Query, code: str) -> Answer | AnyResponse:
    """Get one country

    With its numbers in each campaign.
    """
    if not geography.is_country(code.upper()):
        raise Problem(404, "There is no such country. Its code has two letters (ISO 3166-1).")
    if code != code.upper():
        return _moved(code=code.upper())
    lit = [places.organizations(one.id, [code]) for one in campaigns.list_all()]
    counts = zip(_counts("country", code), lit, strict=True)
    return {
        **_country(code, geography.country_name(code, i18n.current())),
        "counts": [
            {**numbers, "organizations": organizations} for numbers, organizations in counts
        ],
    }


def _country(code: str, name: str) -> Row:
    return {
        "code": code,
        "name": name,
        "regions": geography.regions_of(code),
        "url": absolute_url("web.country", code=code),
    }


@blueprint.get("/regions", tags=["Places"])
@anyone
@blueprint.reads(schemas.LanguageQuery)
@cached("lang", max_age=SLOW)
@blueprint.answers(200, schemas.RegionsSchema)
@_unchanged()
@blueprint.refuses(_BAD)
def region_list(_query: Query) -> Answer:
    """List the regions

    Those of UN M49 below the world, and the countries in each.
    """
    return {"items": [_region(code) for code in sorted(geography.REGIONS)]}


@blueprint.get("/regions/<code>", tags=["Places"], parameters=[_REGION])
@anyone
@blueprint.reads(schemas.LanguageQuery)
@cached("lang")
@blueprint.answers(200, schemas.RegionWithCountsSchema)
@_unchanged()
@blueprint.refuses(_BAD | {404: "There is no such region."})
def region(_query: Query, code: str) -> Answer:
    """Get one region

    With its numbers in each campaign.
    """
    if not geography.is_region(code):
        raise Problem(404, "There is no such region. Its code has three digits (UN M49).")
    return {**_region(code), "counts": _counts("region", code)}


def _region(code: str) -> dict[str, Any]:
    return {
        "code": code,
        "name": geography.region_name(code, i18n.current()),
        "countries": sorted(one for one, regions in geography.COUNTRIES.items() if code in regions),
        "url": absolute_url("web.region", code=code),
    }
