"""Pages of countries, regions and institutions, the lists below them, and everybody who chose to be listed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from flask import Response, abort, render_template, request, url_for

from campaign import geography, i18n
from campaign.campaigns.models import Campaign, CampaignText
from campaign.clock import recent_months
from campaign.http.access import anyone
from campaign.http.caching import by_tally
from campaign.http.lookup import current_texts, text_or_404
from campaign.http.rate_limits import SEARCH_LIMIT, rate_limited
from campaign.http.redirects import PermanentRedirect
from campaign.i18n import gettext
from campaign.institutions import queries as institutions
from campaign.institutions.models import Institution
from campaign.links import absolute
from campaign.pledges import queries as pledges
from campaign.pledges.models import Pledge
from campaign.pledges.policy import current_policy
from campaign.tallies import places as tallies
from campaign.tallies import queries as totals
from campaign.tallies.places import Standing
from campaign.tallies.queries import Counts
from campaign.tokens import InvalidToken
from campaign.web import sharing
from campaign.web.map import MONTHS
from campaign.web.pages import LATEST, TOP, Page, blueprint, page_asked_for
from campaign.web.sharing import CARD_LIMIT, Crumb

CURSOR = "signatories-cursor"
PER_PAGE = 50
MOST_FOUND = 200
# Below these, a place in an order says more about chance than about anybody's will.
FEWEST_PEOPLE = 5
FEWEST_OTHERS = 3
A_DAY = 86_400


@dataclass(frozen=True)
class Place:
    """A country, a region or an institution; ``kind`` is the first part of its address."""

    kind: str
    key: str
    countries: tuple[str, ...]
    institution: Institution | None = None

    @property
    def dimension(self) -> str:
        return {"countries": "country", "regions": "region", "institutions": "institution"}[
            self.kind
        ]

    @property
    def counted(self) -> tuple[str, tuple[str, ...]]:
        """Dimension and keys under which months and commitments are counted."""
        if self.institution:
            return "institution", (self.key,)
        return "country", self.countries

    @property
    def name(self) -> str:
        if self.institution:
            return institutions.name_in(self.institution, i18n.current())
        named = geography.country_name if self.kind == "countries" else geography.region_name
        return named(self.key, i18n.current())

    @property
    def url(self) -> str:
        if self.institution:
            return url_for("web.institution", ror_id=self.key)
        return url_for(f"web.{self.dimension}", code=self.key)

    def below(self, endpoint: str, **values: Any) -> str:
        """The address of something below it, such as "card"."""
        return url_for(f"web.place_{endpoint}", kind=self.kind, code=self.key, **values)


@dataclass(frozen=True)
class SupportLetter:
    """An institution's letter of support in one of its languages."""

    locale: str
    language: str
    text: str
    is_for_reader: bool


@dataclass(frozen=True)
class Section:
    """One campaign's part of the page of a place."""

    campaign: Campaign
    text: CampaignText
    counts: Counts
    standings: list[tuple[str, Standing]]
    commitments: list[tuple[str, int]]
    months: Sequence[tuple[str, int]]
    latest: list[pledges.Signatory]
    countries: list[tuple[str, int]]
    institutions: Sequence[tuple[Institution, int, bool]]
    official: Pledge | None
    letters: list[SupportLetter]


# The pages


@blueprint.get("/countries/")
@anyone
@by_tally()
def country_directory() -> Page:
    first = next(iter(current_texts()), None)
    counts = dict(totals.ranking(first.campaign_id, "country")) if first else {}
    return render_template("directory.html", text=first, groups=_directory(counts))


@blueprint.get("/countries/<code>/")
@anyone
@by_tally()
@rate_limited(SEARCH_LIMIT)
def country(code: str) -> Page:
    return _page("country.html", _place("countries", code))


@blueprint.get("/regions/<code>/")
@anyone
@by_tally()
@rate_limited(SEARCH_LIMIT)
def region(code: str) -> Page:
    place = _place("regions", code)
    texts = current_texts()
    counts = dict(totals.ranking(texts[0].campaign_id, "country")) if texts else {}
    return _page("region.html", place, groups=_directory(counts, place.key))


@blueprint.get("/institutions/<ror_id>/")
@anyone
@by_tally()
@rate_limited(SEARCH_LIMIT)
def institution(ror_id: str) -> Page:
    place = _place("institutions", ror_id)
    assert place.institution is not None
    parents = [one for id_ in place.institution.parents if (one := institutions.resolve(id_))]
    return _page("institution.html", place, institution=place.institution, parents=parents)


def _page(template: str, place: Place, **more: Any) -> Page:
    trail = breadcrumb(place)
    return render_template(
        template,
        place=place,
        trail=trail,
        sections=[_section(text, place) for text in current_texts()],
        card=place.below("card"),
        structured=sharing.graph(_thing(place), sharing.breadcrumb([*trail, (place.name, "")])),
        **more,
    )


def _section(text: CampaignText, place: Place) -> Section:
    id_ = text.campaign_id
    counts = _counts(id_, place)
    official = pledges.official_pledge(id_, place.key) if place.institution else None
    letters = _letters(official.support_letters) if official else []
    if not (counts.persons or counts.institutions):
        return Section(text.campaign, text, counts, [], [], [], [], [], [], official, letters)
    dimension, keys = place.counted
    sentences = dict(text.commitments)
    made = tallies.commitments(id_, dimension, keys, sentences)
    return Section(
        text.campaign,
        text,
        counts,
        standings=_standings(id_, place, counts.persons),
        commitments=[
            (sentences[code], made[code])
            for code in sorted(made, key=lambda code: -made[code])
            if made[code] > 0
        ],
        months=_named(tallies.months(id_, dimension, keys, recent_months(MONTHS))),
        latest=pledges.signatories(id_, limit=LATEST, **_among(place)),
        countries=_countries(id_, place.countries) if place.kind == "regions" else [],
        institutions=()
        if place.institution
        else tallies.institutions(id_, place.countries, limit=TOP),
        official=official,
        letters=letters,
    )


def _counts(campaign_id: int, place: Place) -> Counts:
    found = totals.counts_of(campaign_id, place.dimension, place.key)
    if place.institution or not found.persons:
        return found
    return Counts(
        persons=found.persons,
        institutions=found.institutions,
        organizations=tallies.organizations(campaign_id, place.countries),
    )


def _standings(campaign_id: int, place: Place, persons: int) -> list[tuple[str, Standing]]:
    """Where a place stands, by the name of what it stands in; nothing where that could only belittle."""
    if persons < FEWEST_PEOPLE or place.kind == "regions":
        return []
    found: list[tuple[str, Standing | None]] = []
    if place.institution:
        home = geography.country_name(place.institution.country, i18n.current())
        found.append((home, tallies.standing_at_home(campaign_id, place.institution, persons)))
    else:
        counts = dict(totals.ranking(campaign_id, "country"))
        found.append((gettext("World"), tallies.standing(place.key, counts)))
        for region in geography.regions_of(place.key)[-1:]:
            inside = {code: counts.get(code, 0) for code in _members(region)}
            name = geography.region_name(region, i18n.current())
            found.append((name, tallies.standing(place.key, inside)))
    return [(name, it) for name, it in found if it and it.among > FEWEST_OTHERS]


def _countries(campaign_id: int, codes: Collection[str]) -> list[tuple[str, int]]:
    ranked = totals.ranking(campaign_id, "country")
    return [(code, number) for code, number in ranked if code in codes][:TOP]


def _named(months: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """By their names, from the month of the first pledge; nothing where a line would be a point."""
    first = next((index for index, (_, count) in enumerate(months) if count), len(months))
    named = [(i18n.short_month_name(month), count) for month, count in months[first:]]
    return named if len(named) > 1 else []


def _letters(letters: Mapping[str, str]) -> list[SupportLetter]:
    """The one that this reader can read best first, the others in the order of their tags."""
    chain = [tag for tag in i18n.fallback_chain(i18n.current()) if tag in letters]
    tags = sorted(letters, key=lambda tag: (tag not in chain[:1], tag))
    return [SupportLetter(tag, i18n.autonym(tag), letters[tag], tag in chain[:1]) for tag in tags]


def _directory(
    counts: Mapping[str, int], within: str | None = None
) -> list[tuple[str, list[tuple[str, list[tuple[str, str, int]]]]]]:
    """Countries as (code, name, people), by their smallest region, by their largest; "" where they lie in none."""
    groups: dict[str, dict[str, list[tuple[str, str, int]]]] = {}
    for code, name in geography.sorted_countries(i18n.current()):
        regions = geography.regions_of(code)
        if within is None or within in regions:
            widest, smallest = (regions[0], regions[-1]) if regions else ("", "")
            inside = groups.setdefault(widest, {}).setdefault(smallest, [])
            inside.append((code, name, counts.get(code, 0)))
    return [
        (one, sorted(groups[one].items())) for one in (*geography.CONTINENTS, "") if one in groups
    ]


# Lists below a place


@blueprint.get("/<any(countries, regions):kind>/<code>/institutions/")
@anyone
@rate_limited(SEARCH_LIMIT)
def place_institutions(kind: str, code: str) -> Page:
    page, query = page_asked_for(), request.args.get("q", "").strip()[:200]
    place, texts = _place(kind, code), current_texts()
    text = _chosen(texts)
    if query:
        rows = _search(text.campaign_id, place, query)
    else:
        rows = tallies.institutions(
            text.campaign_id, place.countries, limit=PER_PAGE + 1, offset=(page - 1) * PER_PAGE
        )
    if page > 1 and not rows:
        abort(404)
    return render_template(
        "place_institutions.html",
        place=place,
        trail=[*breadcrumb(place), (place.name, place.url)],
        texts=texts,
        text=text,
        q=query,
        page=page,
        rows=rows[:PER_PAGE],
        has_next=not query and len(rows) > PER_PAGE,
        private=bool(query),
        card=place.below("card"),
    )


def _search(campaign_id: int, place: Place, query: str) -> Sequence[tuple[Institution, int, bool]]:
    """Any institution of the place, whether or not anybody there has pledged."""
    near = place.key if place.kind == "countries" else None
    found = institutions.search(query, locale=i18n.current(), country=near, limit=MOST_FOUND)
    ids = [match.id for match in found if match.country in place.countries]
    lit, records = tallies.pledges_of(campaign_id, ids), institutions.by_ids(ids)
    return [(records[id_], *lit.get(id_, (0, False))) for id_ in ids]


@blueprint.get("/<any(countries, regions, institutions):kind>/<code>/signatories/")
@anyone
@rate_limited(SEARCH_LIMIT)
def place_signatories(kind: str, code: str) -> Page:
    place, texts = _place(kind, code), current_texts()
    text = _chosen(texts)
    return _list(
        text,
        _counts(text.campaign_id, place).persons,
        _among(place),
        place=place,
        texts=texts,
        trail=[*breadcrumb(place), (place.name, place.url)],
        card=place.below("card"),
    )


@blueprint.get("/campaigns/<slug>/signatories/")
@anyone
@rate_limited(SEARCH_LIMIT)
def signatories(slug: str) -> Page:
    text = text_or_404(slug)
    country = request.args.get("country", "").upper()
    return _list(
        text,
        totals.counts(text.campaign_id).persons,
        {"country": country} if geography.is_country(country) else {},
        country=country,
        countries=geography.sorted_countries(i18n.current()),
    )


def _list(text: CampaignText, persons: int, among: dict[str, Any], **shown: Any) -> Page:
    query, after = request.args.get("q", "").strip()[:100], request.args.get("after", "")
    found = pledges.signatories(
        text.campaign_id, name=query, before=_cursor(after), limit=pledges.PAGE_SIZE + 1, **among
    )
    page = found[: pledges.PAGE_SIZE]
    asked = {
        name: request.args[name] for name in ("campaign", "country", "q") if request.args.get(name)
    }
    following = {"after": _next_cursor(page)} if len(found) > len(page) else {}
    return render_template(
        "signatories.html",
        **{"place": None, "texts": [], "country": "", "countries": [], "trail": []} | shown,
        campaign=text.campaign,
        text=text,
        signatories=page,
        persons=persons,
        q=query,
        after=after,
        private=bool(query or after),
        first_page=f"{request.path}?{urlencode(asked)}",
        next_page=following and f"{request.path}?{urlencode(asked | following)}",
    )


def _among(place: Place) -> dict[str, Any]:
    """Arguments that narrow a list of people down to a place."""
    if place.institution:
        return {"institution_id": place.key}
    return {"country": place.key} if place.kind == "countries" else {"countries": place.countries}


def _next_cursor(shown: list[pledges.Signatory]) -> str:
    """Signed, so that nobody can make the database start anywhere else than where a page ended."""
    return current_policy().signer.sign(
        CURSOR, [shown[-1].confirmed_at.isoformat(), str(shown[-1].id)]
    )


def _cursor(token: str) -> tuple[datetime, UUID] | None:
    if not token:
        return None
    try:
        at, id_ = current_policy().signer.read(CURSOR, token, pledges.CURSOR_LIFETIME)
    except InvalidToken:
        abort(404)
    return datetime.fromisoformat(at), UUID(id_)


def _chosen(texts: Sequence[CampaignText]) -> CampaignText:
    """The campaign that the query names, else the first."""
    slug = request.args.get("campaign", "")
    return next((text for text in texts if slug in {"", text.campaign.slug}), None) or abort(404)


# What is shared


@blueprint.get("/<any(countries, regions, institutions):kind>/<code>/card.png")
@anyone
@rate_limited(CARD_LIMIT)
@by_tally(max_age=3600)
def place_card(kind: str, code: str) -> Response:
    place = _place(kind, code)
    text = next(iter(current_texts()), None)
    persons = _counts(text.campaign_id, place).persons if text else 0
    return sharing.card(place.name, persons, caption=_caption(place))


@blueprint.get("/<any(countries, regions, institutions):kind>/<code>/qr.svg")
@anyone
@rate_limited(CARD_LIMIT)
@by_tally(max_age=A_DAY)
def place_qr(kind: str, code: str) -> Response:
    return sharing.qr(_place(kind, code).url)


def _caption(place: Place) -> str:
    """Where it lies, as far as its name does not say so."""
    if not place.institution:
        return ""
    return geography.country_name(place.institution.country, i18n.current())


# What all of them need


def _place(kind: str, key: str) -> Place:
    """The place under this key. Unknown: 404; known under another key today: PermanentRedirect."""
    if kind == "countries":
        found = Place(kind, key.upper(), (key.upper(),))
        is_known = geography.is_country(found.key)
    elif kind == "regions":
        found = Place(kind, key, _members(key))
        is_known = geography.is_region(key)
    else:
        record = institutions.resolve(key) or abort(404)
        found, is_known = Place(kind, record.id, (record.country,), record), True
    if not is_known:
        abort(404)
    if found.key != key:
        raise PermanentRedirect(
            **{"code" if "code" in (request.view_args or {}) else "ror_id": found.key}
        )
    return found


def _members(region: str) -> tuple[str, ...]:
    return tuple(code for code, regions in geography.COUNTRIES.items() if region in regions)


def breadcrumb(place: Place) -> list[Crumb]:
    """The way to a place from the front page, without itself."""
    trail: list[Crumb] = [
        (gettext("Home"), url_for("web.front")),
        (gettext("Countries"), url_for("web.country_directory")),
    ]
    for region in _wider(place):
        trail.append(
            (geography.region_name(region, i18n.current()), url_for("web.region", code=region))
        )
    if place.institution:
        home = place.institution.country
        trail.append(
            (geography.country_name(home, i18n.current()), url_for("web.country", code=home))
        )
    return trail


def _wider(place: Place) -> Sequence[str]:
    if not place.countries:
        return ()
    regions = geography.regions_of(place.countries[0])
    if place.kind == "regions":
        return regions[: regions.index(place.key)]
    return regions if place.kind == "countries" else regions[-1:]


def _thing(place: Place) -> dict[str, Any]:
    """A place in the words of schema.org."""
    url = absolute(place.url)
    if not place.institution:
        # Which of them is a state is not for us to say; each is an administrative area.
        kind = "AdministrativeArea" if place.kind == "countries" else "Place"
        inside = [
            {"@type": "Place", "name": geography.region_name(region, i18n.current())}
            for region in _wider(place)[-1:]
        ]
        return {
            "@type": kind,
            "@id": url,
            "url": url,
            "name": place.name,
            "identifier": place.key,
        } | ({"containedInPlace": inside[0]} if inside else {})
    return _organization(place.institution, url, place.name)


def _organization(institution: Institution, url: str, name: str) -> dict[str, Any]:
    is_university = "education" in institution.types
    others = {institution.name, *institution.aliases, *institution.acronyms} - {name}
    website = institution.website or ""
    facts: dict[str, Any] = {
        "@type": "CollegeOrUniversity" if is_university else "ResearchOrganization",
        "@id": institution.ror_url,
        "name": name,
        "alternateName": sorted(others),
        "identifier": institution.ror_url,
        "url": website if urlsplit(website).scheme in {"http", "https"} else None,
        "sameAs": [institution.ror_url],
        "mainEntityOfPage": url,
        "foundingDate": institution.established and str(institution.established),
        "address": {
            "@type": "PostalAddress",
            "addressLocality": institution.city,
            "addressCountry": institution.country,
        },
    }
    return {key: value for key, value in facts.items() if value}
