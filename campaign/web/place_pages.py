"""The directory of countries, and the page of each country, region and institution."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from flask import render_template

from campaign import geography, i18n
from campaign.campaigns.models import Campaign, CampaignText
from campaign.clock import recent_months
from campaign.http.access import anyone
from campaign.http.caching import cached
from campaign.http.lookup import current_texts
from campaign.http.rate_limits import SEARCH_LIMIT
from campaign.i18n import gettext
from campaign.institutions import logos
from campaign.institutions import queries as institution_queries
from campaign.pledges import queries as pledge_queries
from campaign.pledges.models import Pledge
from campaign.pledges.queries import Signatory
from campaign.tallies import details
from campaign.tallies import places as tally_places
from campaign.tallies import queries as tally_queries
from campaign.tallies.places import InstitutionCounts, Standing
from campaign.tallies.queries import Counts
from campaign.web import structured_data
from campaign.web.blueprint import blueprint
from campaign.web.map import MONTHS
from campaign.web.pages import LATEST, TOP
from campaign.web.places import Place, breadcrumb, counts_in, members, place_or_moved

# Below these, a rank says more about chance than about anyone's will.
FEWEST_PEOPLE = 5
FEWEST_OTHERS = 3


class CountryLine(NamedTuple):
    """A country in the directory, with how many people have pledged there."""

    code: str
    name: str
    people: int


class RegionGroup(NamedTuple):
    """The countries of one smallest region (UN M49), by their names; "" for those that lie in none."""

    code: str
    countries: list[CountryLine]


class ContinentGroup(NamedTuple):
    """The smallest regions of one continent (UN M49), by their codes; "" for those that lie in none."""

    code: str
    regions: list[RegionGroup]


class SupportLetter(NamedTuple):
    """An institution's letter of support in one of its languages."""

    locale: str
    language: str
    text: str
    is_for_reader: bool


@dataclass(frozen=True)
class Section:
    """One campaign's part of the page of a place.

    The lists are empty where nothing was counted, and where the kind of place has no such list.
    """

    text: CampaignText
    counts: Counts
    official: Pledge | None = None
    letters: Sequence[SupportLetter] = ()
    # Rank of the place, by the name of what it is ranked in.
    standings: Sequence[tuple[str, Standing]] = ()
    # Sentence and people, most people first.
    commitments: Sequence[tuple[str, int]] = ()
    # Name of the month and people, in order of time.
    months: Sequence[tuple[str, int]] = ()
    latest: Sequence[Signatory] = ()
    # Code and people.
    countries: Sequence[tuple[str, int]] = ()
    institutions: Sequence[InstitutionCounts] = ()

    @property
    def campaign(self) -> Campaign:
        return self.text.campaign


@blueprint.get("/countries/")
@anyone
@cached()
def country_directory() -> str:
    text = next(iter(current_texts()), None)
    return render_template("directory.html", text=text, continents=_directory(text))


@blueprint.get("/countries/<code>/")
@anyone
@cached(limit=SEARCH_LIMIT)
def country(code: str) -> str:
    return _page("country.html", place_or_moved("countries", code))


@blueprint.get("/regions/<code>/")
@anyone
@cached(limit=SEARCH_LIMIT)
def region(code: str) -> str:
    place = place_or_moved("regions", code)
    text = next(iter(current_texts()), None)
    return _page("region.html", place, continents=_directory(text, place.key))


@blueprint.get("/institutions/<ror_id>/")
@anyone
@cached(limit=SEARCH_LIMIT)
def institution(ror_id: str) -> str:
    place = place_or_moved("institutions", ror_id, "ror_id")
    assert place.institution is not None, "it was looked up among institutions"
    parents = map(institution_queries.resolve, place.institution.parents)
    return _page(
        "institution.html",
        place,
        institution=place.institution,
        logo=logos.of(place.institution.id),
        parents=[parent for parent in parents if parent],
    )


def _page(template: str, place: Place, **values: object) -> str:
    return render_template(
        template,
        place=place,
        trail=breadcrumb(place),
        sections=[_section(text, place) for text in current_texts()],
        card=place.below("card"),
        structured=structured_data.document(place),
        **values,
    )


def _section(text: CampaignText, place: Place) -> Section:
    id_ = text.campaign_id
    counts = counts_in(id_, place)
    official = pledge_queries.official_pledge(id_, place.key) if place.institution else None
    letters = _letters(official.public_letters) if official else []
    section = Section(text, counts, official, letters)
    if not (counts.people or counts.official_pledges):
        return section  # most places of the world have no pledge: six statements saved
    return replace(
        section,
        standings=_standings(id_, place, counts.people),
        commitments=_commitments(text, place),
        months=_months(id_, place),
        latest=pledge_queries.pinned_first(id_, limit=LATEST, **place.signatory_filter),
        countries=_countries(id_, place.countries) if place.kind == "regions" else [],
        institutions=()
        if place.institution
        else tally_places.institutions(id_, place.countries, limit=TOP),
    )


def _standings(campaign_id: int, place: Place, people: int) -> list[tuple[str, Standing]]:
    """The ranks of a place, by the name of what it is ranked in; none where a rank could only belittle it."""
    if people < FEWEST_PEOPLE or place.kind == "regions":
        return []
    if place.institution:
        standing = tally_places.standing_at_home(campaign_id, place.institution, people)
        standings = [(place.home, standing)]
    else:
        standings = _country_standings(campaign_id, place.key)
    return [(name, it) for name, it in standings if it and it.among > FEWEST_OTHERS]


def _country_standings(campaign_id: int, code: str) -> list[tuple[str, Standing | None]]:
    """The rank of a country in the world and in its smallest region."""
    people = dict(tally_queries.ranking(campaign_id, "country"))
    standings = [(gettext("World"), tally_places.standing(code, people))]
    for region in geography.regions_of(code)[-1:]:
        people_in_region = {member: people.get(member, 0) for member in members(region)}
        name = geography.region_name(region, i18n.current())
        standings.append((name, tally_places.standing(code, people_in_region)))
    return standings


def _commitments(text: CampaignText, place: Place) -> list[tuple[str, int]]:
    """The commitments that people of a place made: sentence and people, most people first."""
    people = details.people(text.campaign_id, "commitment", place.key)
    known = [(sentence, people[code]) for code, sentence in text.commitments if code in people]
    return sorted(known, key=lambda row: -row[1])


def _months(campaign_id: int, place: Place) -> list[tuple[str, int]]:
    """Name of the month and people, from the first pledge on; none where a single column would be drawn."""
    people = details.people(campaign_id, "month", place.key)
    months = [month for month in recent_months(MONTHS) if month >= min(people, default="9999")]
    named = [(i18n.short_month_name(month), people.get(month, 0)) for month in months]
    return named if len(named) > 1 else []


def _countries(campaign_id: int, codes: Collection[str]) -> list[tuple[str, int]]:
    """Those of these countries where most people have pledged: code and people."""
    ranking = tally_queries.ranking(campaign_id, "country")
    return [(code, people) for code, people in ranking if code in codes][:TOP]


def _letters(letters: Mapping[str, str]) -> list[SupportLetter]:
    """Letters of support, the one that suits the reader best first, the others by their tags."""
    chain = [tag for tag in i18n.fallback_chain(i18n.current()) if tag in letters]
    tags = sorted(letters, key=lambda tag: (tag not in chain[:1], tag))
    return [SupportLetter(tag, i18n.autonym(tag), letters[tag], tag in chain[:1]) for tag in tags]


def _directory(text: CampaignText | None, within: str | None = None) -> list[ContinentGroup]:
    """All countries with how many people made this pledge; of one region, if ``within`` names it.

    Continents come in their usual order, and last the countries of none.
    """
    people = dict(tally_queries.ranking(text.campaign_id, "country")) if text else {}
    groups: dict[str, dict[str, list[CountryLine]]] = {}
    for code, name in geography.sorted_countries(i18n.current()):
        regions = geography.regions_of(code)
        if within is None or within in regions:
            continent, smallest = (regions[0], regions[-1]) if regions else ("", "")
            countries = groups.setdefault(continent, {}).setdefault(smallest, [])
            countries.append(CountryLine(code, name, people.get(code, 0)))
    return [
        ContinentGroup(code, [RegionGroup(*group) for group in sorted(groups[code].items())])
        for code in (*geography.CONTINENTS, "")
        if code in groups
    ]
