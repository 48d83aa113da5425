"""Institutions, countries and regions, each with its numbers."""

from collections.abc import Sequence
from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as AnyResponse

from campaign import geography, i18n
from campaign.api import schemas
from campaign.api.base import ApiProblem, chosen_language, tagged
from campaign.api.paging import Position, Row, Source, page
from campaign.api.reading import SLOW, Body, Query, blueprint, common_errors, in_path, unchanged
from campaign.campaigns.queries import list_all
from campaign.http.access import anyone
from campaign.http.caching import cached
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution
from campaign.institutions.queries import Match, name_in
from campaign.links import absolute_url
from campaign.tallies import queries as tally_queries
from campaign.tallies.places import institutions_reached

_ROR_ID = in_path("ror_id", "The institution's ROR id.", "02y9nww90")
_COUNTRY = in_path("code", "ISO 3166-1 alpha-2.", "KE")
_REGION = in_path("code", "UN M49.", "014")
_NO_INSTITUTION = "There is no institution with this ROR id."
_NO_COUNTRY = "There is no such country."
_NO_REGION = "There is no such region."


@blueprint.get("/institutions", tags=["Places"])
@anyone
@blueprint.arguments(schemas.InstitutionQuery, location="query")
@tagged(SLOW)
@blueprint.response(200, schemas.InstitutionPage)
@unchanged
@common_errors
def institution_list(query: Query) -> ResponseReturnValue:
    """Find institutions

    With `q`, those with a name like it, best first. Without, all active ones of the registry (ROR), or of a
    country, in the order of their ids.
    """
    return _search(query) if "q" in query else page(_registry(query), query)


def _search(query: Query) -> Body:
    """One page of matches: what comes after the best is no longer what was meant."""
    country, limit = query.get("country"), query["limit"]
    matches = institution_queries.search(
        query["q"], locale=i18n.current(), country=country, limit=limit * 2 if country else limit
    )
    fitting = [match for match in matches if country in {None, match.country}]
    return {"items": [match_row(match) for match in fitting[:limit]], "next": None}


def _registry(query: Query) -> Source:
    def source(after: Position | None, limit: int) -> Sequence[tuple[Position, Row]]:
        institutions = institution_queries.listed(
            country=query.get("country"), after=after, limit=limit
        )
        return [
            (
                institution.id,
                {
                    **_row(institution, name_in(institution, i18n.current())),
                    "score": None,
                    "matched_name": None,
                },
            )
            for institution in institutions
        ]

    return source


def match_row(match: Match) -> Row:
    """An institution as a search finds it."""
    score, name = round(match.score, 3), match.matched_name
    return {**_row(match, match.name), "score": score, "matched_name": name}


def _row(institution: Institution | Match, name: str) -> Row:
    return {
        "id": institution.id,
        "name": name,
        "city": institution.city,
        "country": institution.country,
        "country_name": geography.country_name(institution.country, i18n.current()),
    }


@blueprint.get("/registry", tags=["Places"])
@anyone
@blueprint.arguments(schemas.LanguageQuery, location="query")
@cached()
@blueprint.response(200, schemas.RegistrySchema)
@unchanged
@common_errors
def registry(_query: Query) -> Body:
    """Get the release of the registry

    Which release of ROR the institutions come from.
    """
    release = institution_queries.latest_release()
    return {
        "name": "Research Organization Registry (ROR)",
        "url": "https://ror.org/",
        "license": "CC0-1.0",
        "version": release and release.version,
        "date": release and release.released_on,
        "sha256": release and release.digest.hex(),
        "imported_at": release and release.imported_at,
    }


@blueprint.get("/institutions/<ror_id>", tags=["Places"], parameters=[_ROR_ID])
@anyone
@blueprint.arguments(schemas.LanguageQuery, location="query")
@cached()
@blueprint.response(200, schemas.InstitutionSchema)
@blueprint.alt_response(
    308, description="The registry merged or withdrew the record; Location is its successor."
)
@unchanged
@blueprint.alt_response(404, description=_NO_INSTITUTION)
@common_errors
def institution(_query: Query, ror_id: str) -> Body | AnyResponse:
    """Get one institution

    With its numbers in each campaign.
    """
    institution = institution_queries.resolve(ror_id)
    if institution is None:
        raise ApiProblem(404, _NO_INSTITUTION)
    if institution.id != ror_id:
        return _moved(ror_id=institution.id)
    return {
        **_row(institution, name_in(institution, i18n.current())),
        "status": institution.status,
        "types": institution.types,
        "website": institution.website,
        "ror_url": institution.ror_url,
        "url": absolute_url("web.institution", ror_id=institution.id),
        "counts": _counts("institution", institution.id),
    }


def _moved(**path: str) -> AnyResponse:
    """A permanent redirect that keeps the language."""
    return redirect(absolute_url(request.endpoint or "", **path, lang=chosen_language()), 308)


def _counts(dimension: str, key: str) -> list[dict[str, Any]]:
    """The numbers of a place in each campaign."""
    counts = [
        (campaign.slug, tally_queries.counts_of(campaign.id, dimension, key))
        for campaign in list_all()
    ]
    return [
        {"campaign": slug, "people": of.people, "official_pledges": of.official_pledges}
        for slug, of in counts
    ]


@blueprint.get("/countries", tags=["Places"])
@anyone
@blueprint.arguments(schemas.LanguageQuery, location="query")
@cached(max_age=SLOW)
@blueprint.response(200, schemas.CountriesSchema)
@unchanged
@common_errors
def country_list(_query: Query) -> Body:
    """List the countries and territories

    In the order in which a reader of the language looks them up. How many pledged is a tally.
    """
    countries = geography.sorted_countries(i18n.current())
    return {"items": [_country(code, name) for code, name in countries]}


@blueprint.get("/countries/<code>", tags=["Places"], parameters=[_COUNTRY])
@anyone
@blueprint.arguments(schemas.LanguageQuery, location="query")
@cached()
@blueprint.response(200, schemas.CountryWithCountsSchema)
@blueprint.alt_response(308, description="The code in capitals.")
@unchanged
@blueprint.alt_response(404, description=_NO_COUNTRY)
@common_errors
def country(_query: Query, code: str) -> Body | AnyResponse:
    """Get one country

    With its numbers in each campaign.
    """
    if not geography.is_country(code.upper()):
        raise ApiProblem(404, f"{_NO_COUNTRY} Its code has two letters (ISO 3166-1).")
    if code != code.upper():
        return _moved(code=code.upper())
    reached = [institutions_reached(campaign.id, [code]) for campaign in list_all()]
    return {
        **_country(code, geography.country_name(code, i18n.current())),
        "counts": [
            {**counts, "institutions_reached": number}
            for counts, number in zip(_counts("country", code), reached, strict=True)
        ],
    }


def _country(code: str, name: str) -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "regions": geography.regions_of(code),
        "url": absolute_url("web.country", code=code),
    }


@blueprint.get("/regions", tags=["Places"])
@anyone
@blueprint.arguments(schemas.LanguageQuery, location="query")
@cached(max_age=SLOW)
@blueprint.response(200, schemas.RegionsSchema)
@unchanged
@common_errors
def region_list(_query: Query) -> Body:
    """List the regions

    Those of UN M49 below the world, and the countries in each.
    """
    return {"items": [_region(code) for code in sorted(geography.REGIONS)]}


@blueprint.get("/regions/<code>", tags=["Places"], parameters=[_REGION])
@anyone
@blueprint.arguments(schemas.LanguageQuery, location="query")
@cached()
@blueprint.response(200, schemas.RegionWithCountsSchema)
@unchanged
@blueprint.alt_response(404, description=_NO_REGION)
@common_errors
def region(_query: Query, code: str) -> Body:
    """Get one region

    With its numbers in each campaign.
    """
    if not geography.is_region(code):
        raise ApiProblem(404, f"{_NO_REGION} Its code has three digits (UN M49).")
    return {**_region(code), "counts": _counts("region", code)}


def _region(code: str) -> dict[str, Any]:
    countries = [code_ for code_, regions in geography.COUNTRIES.items() if code in regions]
    return {
        "code": code,
        "name": geography.region_name(code, i18n.current()),
        "countries": sorted(countries),
        "url": absolute_url("web.region", code=code),
    }
