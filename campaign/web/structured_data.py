"""What a page is about, as JSON-LD in the vocabulary of schema.org, for search engines."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from campaign import geography, i18n
from campaign.institutions.models import Institution
from campaign.links import absolute
from campaign.web.places import Crumb, Place, breadcrumb

Thing = dict[str, object]


def document(place: Place) -> Thing:
    """Everything that the page of a place tells search engines: the place itself, and the way to it."""
    trail = [*breadcrumb(place), Crumb(place.name, "")]
    return {"@context": "https://schema.org", "@graph": [thing(place), breadcrumb_list(trail)]}


def breadcrumb_list(trail: Sequence[Crumb]) -> Thing:
    """The way to a page, which ends with the page itself; that one has no path."""
    items = [
        {"@type": "ListItem", "position": number, "name": crumb.name}
        | ({"item": absolute(crumb.path)} if crumb.path else {})
        for number, crumb in enumerate(trail, start=1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def thing(place: Place) -> Thing:
    """A country, a region or an institution."""
    url = absolute(place.url)
    if place.institution:
        return organization(place.institution, url, place.name)
    area: Thing = {
        # Which of them is a state is not for us to say; each is an administrative area.
        "@type": "AdministrativeArea" if place.kind == "countries" else "Place",
        "@id": url,
        "url": url,
        "name": place.name,
        "identifier": place.key,
    }
    for region in place.wider_regions[-1:]:
        name = geography.region_name(region, i18n.current())
        area["containedInPlace"] = {"@type": "Place", "name": name}
    return area


def organization(institution: Institution, url: str, name: str) -> Thing:
    """An institution as far as its record describes it; ``url`` and ``name`` are those of its page here."""
    is_university = "education" in institution.types
    other_names = {institution.name, *institution.aliases, *institution.acronyms} - {name}
    website = institution.website or ""
    facts: Thing = {
        "@type": "CollegeOrUniversity" if is_university else "ResearchOrganization",
        "@id": institution.ror_url or url,
        "name": name,
        "alternateName": sorted(other_names),
        "identifier": institution.ror_url,
        # The registry is edited by others: only what a browser opens as a page may become a link.
        "url": website if urlsplit(website).scheme in {"http", "https"} else None,
        "sameAs": institution.ror_url and [institution.ror_url],
        "mainEntityOfPage": url,
        "foundingDate": institution.established and str(institution.established),
        "address": {
            "@type": "PostalAddress",
            "addressLocality": institution.city,
            "addressCountry": institution.country,
        },
    }
    return {name: value for name, value in facts.items() if value}
