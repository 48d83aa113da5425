"""Lists below a place or a campaign: its institutions, and the people who chose to be listed."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from flask import abort, render_template, request

from campaign import geography, i18n
from campaign.campaigns.models import CampaignText
from campaign.http.access import anyone
from campaign.http.lookup import current_texts, page_number_or_404, text_or_404
from campaign.http.rate_limits import SEARCH_LIMIT, rate_limited
from campaign.institutions import queries as institution_queries
from campaign.pledges import queries as pledge_queries
from campaign.pledges.policy import current_policy
from campaign.pledges.queries import Signatory
from campaign.tallies import places as tally_places
from campaign.tallies import queries as tally_queries
from campaign.tallies.places import InstitutionCounts, InstitutionPledges
from campaign.tokens import InvalidToken
from campaign.web.blueprint import blueprint
from campaign.web.places import (
    Crumb,
    Place,
    PlaceKind,
    SignatoryFilter,
    breadcrumb,
    counts_in,
    place_or_moved,
)

# The purpose under which a place in the list of signatories is signed.
CURSOR = "signatories-cursor"
PER_PAGE = 50
MOST_MATCHES = 200


@blueprint.get("/<any(countries, regions):kind>/<code>/institutions/")
@anyone
@rate_limited(SEARCH_LIMIT)
def place_institutions(kind: PlaceKind, code: str) -> str:
    page, query = page_number_or_404(), request.args.get("q", "").strip()
    place, texts = place_or_moved(kind, code), current_texts()
    text = _chosen_text(texts)
    if query:
        rows = _matching_institutions(text.campaign_id, place, query)
    else:
        rows = tally_places.institutions(
            text.campaign_id, place.countries, limit=PER_PAGE + 1, offset=(page - 1) * PER_PAGE
        )
    if page > 1 and not rows:
        abort(404)
    return render_template(
        "place_institutions.html",
        place=place,
        trail=[*breadcrumb(place), Crumb(place.name, place.url)],
        texts=texts,
        text=text,
        q=query,
        page=page,
        rows=rows[:PER_PAGE],
        has_next=not query and len(rows) > PER_PAGE,
        private=bool(query),
        release=institution_queries.latest_release(),
        card=place.below("card"),
    )


def _matching_institutions(
    campaign_id: int, place: Place, query: str
) -> Sequence[InstitutionCounts]:
    """Any institution of the place with such a name, with pledges or none."""
    country = place.key if place.kind == "countries" else None
    matches = institution_queries.search(
        query, locale=i18n.current(), country=country, limit=MOST_MATCHES
    )
    ids = [match.id for match in matches if match.country in place.countries]
    pledges = tally_places.pledges_of(campaign_id, ids)
    institutions = institution_queries.by_ids(ids)
    none = InstitutionPledges(people=0, has_pledged=False)
    return [InstitutionCounts(institutions[id_], *pledges.get(id_, none)) for id_ in ids]


@blueprint.get("/<any(countries, regions, institutions):kind>/<code>/signatories/")
@anyone
@rate_limited(SEARCH_LIMIT)
def place_signatories(kind: PlaceKind, code: str) -> str:
    place, texts = place_or_moved(kind, code), current_texts()
    text = _chosen_text(texts)
    return _signatories_page(
        text,
        counts_in(text.campaign_id, place).people,
        place.signatory_filter,
        place=place,
        texts=texts,
        trail=[*breadcrumb(place), Crumb(place.name, place.url)],
        card=place.below("card"),
    )


@blueprint.get("/campaigns/<slug>/signatories/")
@anyone
@rate_limited(SEARCH_LIMIT)
def signatories(slug: str) -> str:
    text = text_or_404(slug)
    country = request.args.get("country", "").upper()
    return _signatories_page(
        text,
        tally_queries.counts(text.campaign_id).people,
        {"country": country} if geography.is_country(country) else {},
        country=country,
        countries=geography.sorted_countries(i18n.current()),
    )


def _signatories_page(
    text: CampaignText, people: int, only: SignatoryFilter, **values: object
) -> str:
    """A page of the people who chose to be listed; ``people`` is how many have pledged, listed or not."""
    query, after = request.args.get("q", "").strip()[:100], request.args.get("after", "")
    # One more than is shown, to know whether there is a next page.
    rows = pledge_queries.pinned_first(
        text.campaign_id,
        name=query,
        before=_read_cursor(after),
        limit=pledge_queries.PAGE_SIZE + 1,
        **only,
    )
    page = rows[: pledge_queries.PAGE_SIZE]
    return render_template(
        "signatories.html",
        **{"place": None, "texts": [], "country": "", "countries": [], "trail": []} | values,
        campaign=text.campaign,
        text=text,
        signatories=page,
        people=people,
        q=query,
        after=after,
        private=bool(query or after),
        first_page=_list_url(),
        next_page=_list_url(after=_cursor_after(page[-1])) if len(rows) > len(page) else "",
    )


def _list_url(**more: str) -> str:
    """The address of this list with its filters, from its first page on unless ``after`` is given."""
    names = ("campaign", "country", "q")
    query = {name: request.args[name] for name in names if request.args.get(name)}
    return f"{request.path}?{urlencode(query | more)}"


def _cursor_after(last: Signatory) -> str:
    """A cursor that goes on after this person; signed, so that a page begins only where another one ended."""
    return current_policy().signer.sign(CURSOR, [last.confirmed_at.isoformat(), str(last.id)])


def _read_cursor(token: str) -> tuple[datetime, UUID] | None:
    """Time and id of the last person of the page before; None for the first page, 404 for a forged cursor."""
    if not token:
        return None
    try:
        at, id_ = current_policy().signer.read(CURSOR, token, pledge_queries.CURSOR_LIFETIME)
    except InvalidToken:
        abort(404)
    return datetime.fromisoformat(at), UUID(id_)


def _chosen_text(texts: Sequence[CampaignText]) -> CampaignText:
    """The text of the campaign that the query names, else the first. Answers 404 for an unknown campaign."""
    slug = request.args.get("campaign", "")
    return next((text for text in texts if slug in {"", text.campaign.slug}), None) or abort(404)
