"""The public pages of the campaigns, and the institutions that the pledge form proposes while its reader types."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Response, abort, jsonify, render_template, request

from campaign import geography, i18n
from campaign.campaigns import queries as campaign_queries
from campaign.campaigns.models import Campaign, CampaignText
from campaign.config import current_settings
from campaign.drawing.night_map import NIGHT
from campaign.http.access import anyone
from campaign.http.caching import cached
from campaign.http.lookup import current_texts, page_number_or_404, text_or_404
from campaign.http.rate_limits import SEARCH_LIMIT, rate_limited
from campaign.institutions import queries as institution_queries
from campaign.institutions.queries import Match
from campaign.mail import outbox
from campaign.pledges import queries as pledge_queries
from campaign.tallies import places as tally_places
from campaign.tallies import queries as tally_queries
from campaign.tallies.queries import Counts
from campaign.web import charts
from campaign.web.blueprint import blueprint
from campaign.web.map import light_map

TOP = 12
LATEST = 8
INSTITUTIONS_PER_PAGE = 100
ORDERS = ("people", "institutions", "name")


@dataclass(frozen=True)
class CampaignCard:
    """A campaign as the front page shows it."""

    campaign: Campaign
    text: CampaignText
    counts: Counts


@blueprint.get("/")
@anyone
@cached()
def front() -> str:
    cards = [
        CampaignCard(text.campaign, text, tally_queries.counts(text.campaign_id))
        for text in current_texts()
    ]
    first = cards[0].campaign.id if cards else None
    return render_template(
        "front.html", campaigns=cards, map=first and light_map(first), palette=NIGHT
    )


@blueprint.get("/campaigns/<slug>/")
@anyone
@cached()
def campaign(slug: str) -> str:
    text = text_or_404(slug)
    id_ = text.campaign_id
    charts_by_name = charts.charts(text)
    return render_template(
        "campaign.html",
        campaign=text.campaign,
        text=text,
        counts=tally_queries.counts(id_),
        countries=tally_queries.ranking(id_, "country", limit=TOP),
        top_institutions=tally_queries.top_institutions(id_, limit=TOP),
        charts=charts_by_name,
        months=charts.month_marks(charts_by_name["over-time"]),
        map=light_map(id_),
        palette=NIGHT,
        latest=pledge_queries.pinned_first(id_, limit=LATEST),
    )


@blueprint.get("/campaigns/<slug>/countries/")
@anyone
@cached("sort")
def countries(slug: str) -> str:
    sort = request.args.get("sort", ORDERS[0])
    if sort not in ORDERS:
        abort(404)
    text = text_or_404(slug)
    rows = tally_queries.by_key(text.campaign_id, "country")
    if sort == "institutions":
        rows = sorted(rows, key=lambda row: -row.official_pledges)
    elif sort == "name":
        order = [code for code, _ in geography.sorted_countries(i18n.current())]
        rows = sorted(rows, key=lambda row: order.index(row.key))
    return render_template(
        "countries.html", campaign=text.campaign, text=text, rows=rows, sort=sort
    )


@blueprint.get("/campaigns/<slug>/institutions/")
@anyone
@cached("page", limit=SEARCH_LIMIT)
def institution_list(slug: str) -> str:
    page, text = page_number_or_404(), text_or_404(slug)
    rows = tally_places.institutions(
        text.campaign_id,
        None,
        limit=INSTITUTIONS_PER_PAGE + 1,
        offset=(page - 1) * INSTITUTIONS_PER_PAGE,
    )
    if page > 1 and not rows:
        abort(404)
    return render_template(
        "institutions.html",
        campaign=text.campaign,
        text=text,
        page=page,
        rows=rows[:INSTITUTIONS_PER_PAGE],
        has_next=len(rows) > INSTITUTIONS_PER_PAGE,
        release=institution_queries.latest_release(),
    )


@blueprint.get("/campaigns/<slug>/text/<int(max=9999):version>/")
@anyone
@cached()
def text(slug: str, version: int) -> str:
    text = _text_of_version(slug, version) or abort(404)
    versions = campaign_queries.versions(text.campaign_id, text.locale)
    return render_template(
        "text.html",
        campaign=text.campaign,
        text=text,
        versions=[(row.version, row.published_at) for row in versions],
    )


def _text_of_version(slug: str, version: int) -> CampaignText | None:
    """A version of a campaign's text in the best language that this reader can have it in."""
    chain = i18n.fallback_chain(i18n.current())
    texts = (campaign_queries.text_of_version(slug, version, tag) for tag in chain)
    return next((text for text in texts if text), None)


@blueprint.get("/institutions/search")
@anyone
@rate_limited(SEARCH_LIMIT)
def institution_search() -> Response:
    query = request.args.get("q", "")
    country_code = request.args.get("country", "").upper()
    country = country_code if geography.is_country(country_code) else _country_of_reader()
    return _as_json(institution_queries.search(query, locale=i18n.current(), country=country))


@blueprint.get("/institutions/proposals")
@anyone
@rate_limited(SEARCH_LIMIT)
def institution_proposals() -> Response:
    """Institutions at an e-mail domain; the page sends the domain only, never the address."""
    domain = request.args.get("domain", "")[:253].lower()
    return _as_json(institution_queries.propose_by_domain(domain, locale=i18n.current()))


def _country_of_reader() -> str | None:
    """The country in the first of the browser's languages that names one, such as "pt-BR": a hint, kept nowhere."""
    for tag in request.accept_languages.values():
        region = tag.replace("_", "-").rpartition("-")[2].upper()
        if "-" in tag and geography.is_country(region):
            return region
    return None


def _as_json(matches: Iterable[Match]) -> Response:
    return jsonify(
        matches=[
            {
                "id": match.id,
                "name": match.name,
                "other_name": match.other_name,
                "city": match.city,
                "country": match.country,
                "country_name": geography.country_name(match.country, i18n.current()),
            }
            for match in matches
        ]
    )


@blueprint.get("/privacy/")
@anyone
@cached()
def privacy() -> str:
    return render_template(
        "privacy.html", settings=current_settings(), letters_kept=outbox.KEPT.days
    )


@blueprint.get("/about/")
@anyone
@cached()
def about() -> str:
    return render_template("about.html", release=institution_queries.latest_release())
