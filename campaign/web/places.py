"""A place that has pages: a country, a region or an institution; how it is found, named, counted and reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict

from flask import abort, url_for

from campaign import geography, i18n
from campaign.http.lookup import institution_or_moved
from campaign.http.redirects import PermanentRedirect
from campaign.i18n import gettext
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution
from campaign.tallies import places as tally_places
from campaign.tallies import queries as tally_queries
from campaign.tallies.queries import Counts

PlaceKind = Literal["countries", "regions", "institutions"]
DIMENSIONS = {"countries": "country", "regions": "region", "institutions": "institution"}


class Crumb(NamedTuple):
    """One step on the way to a page."""

    name: str
    path: str


class SignatoryFilter(TypedDict, total=False):
    """Arguments of ``pledge_queries.signatories`` that narrow its list down to one place."""

    country: str
    countries: tuple[str, ...]
    institution_id: str


@dataclass(frozen=True)
class Place:
    """A country, a region or an institution.

    ``kind`` is the first part of its address. ``key`` is an ISO 3166-1 alpha-2 code, a UN M49 code or a ROR id.
    ``countries`` are its own code, those of the region's members, or the one where the institution is.
    """

    kind: PlaceKind
    key: str
    countries: tuple[str, ...]
    institution: Institution | None = None

    @property
    def dimension(self) -> str:
        """The dimension of the tallies that counts pledges by such keys."""
        return DIMENSIONS[self.kind]

    @property
    def signatory_filter(self) -> SignatoryFilter:
        if self.institution:
            return {"institution_id": self.key}
        return {"country": self.key} if self.kind == "countries" else {"countries": self.countries}

    @property
    def name(self) -> str:
        """Its name in the reader's language."""
        if self.institution:
            return institution_queries.name_in(self.institution, i18n.current())
        name_of = geography.country_name if self.kind == "countries" else geography.region_name
        return name_of(self.key, i18n.current())

    @property
    def home(self) -> str:
        """The country of an institution, in the reader's language; "" for a place whose name says where it is."""
        if not self.institution:
            return ""
        return geography.country_name(self.institution.country, i18n.current())

    @property
    def wider_regions(self) -> Sequence[str]:
        """The regions around it, the widest first; for an institution only the smallest."""
        if not self.countries:
            return ()
        regions = geography.regions_of(self.countries[0])
        if self.kind == "regions":
            return regions[: regions.index(self.key)]
        return regions if self.kind == "countries" else regions[-1:]

    @property
    def url(self) -> str:
        """The path of its page."""
        if self.institution:
            return url_for("web.institution", ror_id=self.key)
        return url_for(f"web.{self.dimension}", code=self.key)

    def below(self, endpoint: str, **query: str | int) -> str:
        """The path of a page or picture below its own, such as "card" for the view ``place_card``."""
        values: dict[str, Any] = {"kind": self.kind, "code": self.key, **query}
        return url_for(f"web.place_{endpoint}", **values)


def place_or_moved(kind: PlaceKind, key: str, name: str = "code") -> Place:
    """The place with this key.

    Answers 404 for an unknown key, 301 for another spelling of it and for an institution with a successor.
    ``name`` is what the address calls the key.
    """
    if kind == "institutions":
        institution = institution_or_moved(key, name)
        return Place(kind, institution.id, (institution.country,), institution)
    if kind == "regions":
        return Place(kind, key, members(key)) if geography.is_region(key) else abort(404)
    code = key.upper()
    if not geography.is_country(code):
        abort(404)
    if code != key:
        raise PermanentRedirect(**{name: code})
    return Place(kind, code, (code,))


def members(region: str) -> tuple[str, ...]:
    """Codes of the countries in a region, given its UN M49 code."""
    return tuple(code for code, regions in geography.COUNTRIES.items() if region in regions)


def counts_in(campaign_id: int, place: Place) -> Counts:
    """The headline numbers of a campaign in one place."""
    counts = tally_queries.counts_of(campaign_id, place.dimension, place.key)
    if place.institution or not counts.people:
        return counts
    return Counts(
        people=counts.people,
        official_pledges=counts.official_pledges,
        institutions_reached=tally_places.institutions_reached(campaign_id, place.countries),
    )


def breadcrumb(place: Place) -> list[Crumb]:
    """The way to a place from the front page, without the place itself."""
    trail = [
        Crumb(gettext("Home"), url_for("web.front")),
        Crumb(gettext("Countries"), url_for("web.country_directory")),
    ]
    for region in place.wider_regions:
        name = geography.region_name(region, i18n.current())
        trail.append(Crumb(name, url_for("web.region", code=region)))
    if place.institution:
        trail.append(Crumb(place.home, url_for("web.country", code=place.institution.country)))
    return trail
