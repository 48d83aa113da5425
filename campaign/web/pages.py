"""The public pages of the campaigns, and what the pledge form asks for while somebody types."""

import re
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from campaign import geography, i18n
from campaign.campaigns import queries as campaigns
from campaign.campaigns.models import Campaign, CampaignText
from campaign.config import current_settings
from campaign.drawing.night_map import NIGHT
from campaign.http.access import anyone
from campaign.http.caching import by_tally
from campaign.http.locales import localized
from campaign.http.lookup import current_texts, text_or_404
from campaign.http.rate_limits import SEARCH_LIMIT, rate_limited
from campaign.institutions import queries as institutions
from campaign.mail import outbox
from campaign.pledges import queries as pledges
from campaign.tallies import places
from campaign.tallies import queries as tallies
from campaign.tallies.queries import Counts
from campaign.web import charts
from campaign.web.map import light_map

blueprint = localized("web", __name__)
Page = str | AnyResponse

TOP = 12
LATEST = 8
INSTITUTIONS_PER_PAGE = 100
ORDERS = ("people", "institutions", "name")
_PAGE = re.compile("[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class CampaignCard:
    """A campaign as the front page shows it."""

    campaign: Campaign
    text: CampaignText
    counts: Counts


@blueprint.get("/")
@anyone
@by_tally()
def front() -> Page:
    cards = [
        CampaignCard(text.campaign, text, tallies.counts(text.campaign_id))
        for text in current_texts()
    ]
    first = cards[0].campaign.id if cards else None
    return render_template(
        "front.html", campaigns=cards, map=first and light_map(first), palette=NIGHT
    )


@blueprint.get("/campaigns/<slug>/")
@anyone
@by_tally()
def campaign(slug: str) -> Page:
    text = text_or_404(slug)
    id_ = text.campaign_id
    drawn = charts.charts(text)
    return render_template(
        "campaign.html",
        campaign=text.campaign,
        text=text,
        counts=tallies.counts(id_),
        countries=tallies.ranking(id_, "country", limit=TOP),
        top_institutions=tallies.top_institutions(id_, limit=TOP),
        charts=drawn,
        months=charts.month_marks(drawn["over-time"]),
        map=light_map(id_),
        palette=NIGHT,
        latest=pledges.signatories(id_, limit=LATEST),
    )


@blueprint.get("/campaigns/<slug>/countries/")
@anyone
@by_tally("sort")
def countries(slug: str) -> Page:
    sort = request.args.get("sort", ORDERS[0])
    if sort not in ORDERS:
        abort(404)
    text = text_or_404(slug)
    rows = tallies.by_key(text.campaign_id, "country")
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
@by_tally("page")
@rate_limited(SEARCH_LIMIT)
def institution_list(slug: str) -> Page:
    page, text = page_asked_for(), text_or_404(slug)
    rows = places.institutions(
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
    )


def page_asked_for() -> int:
    """The page of a list that the query names, spelled as our links spell it. Answers 404 for anything else."""
    asked = request.args.get("page", "1")
    return int(asked) if _PAGE.fullmatch(asked) else abort(404)


@blueprint.get("/campaigns/<slug>/text/<int(max=9999):version>/")
@anyone
@by_tally()
def text(slug: str, version: int) -> Page:
    found = text_of_version_in_chain(slug, version) or abort(404)
    return render_template(
        "text.html",
        campaign=found.campaign,
        text=found,
        versions=[
            (v.version, v.published_at) for v in campaigns.versions(found.campaign_id, found.locale)
        ],
    )


def text_of_version_in_chain(slug: str, version: int) -> CampaignText | None:
    chain = i18n.fallback_chain(i18n.current())
    return next(
        (found for tag in chain if (found := campaigns.text_of_version(slug, version, tag))), None
    )


@blueprint.get("/institutions/search")
@anyone
@rate_limited(SEARCH_LIMIT)
def institution_search() -> Response:
    query, country_code = request.args.get("q", "")[:200], request.args.get("country", "").upper()
    nearest = country_code if geography.is_country(country_code) else _country_of_reader()
    return _found(institutions.search(query, locale=i18n.current(), country=nearest))


@blueprint.get("/institutions/proposals")
@anyone
@rate_limited(SEARCH_LIMIT)
def institution_proposals() -> Response:
    """Institutions at an e-mail domain; the page sends the domain only, never the address."""
    return _found(
        institutions.propose_by_domain(
            request.args.get("domain", "")[:253].lower(), locale=i18n.current()
        )
    )


def _country_of_reader() -> str | None:
    """The region of the browser's first language that names one: a hint for ranking, kept nowhere."""
    for tag in request.accept_languages.values():
        region = tag.replace("_", "-").rpartition("-")[2].upper()
        if "-" in tag and geography.is_country(region):
            return region
    return None


def _found(matches: Any) -> Response:
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
@by_tally()
def privacy() -> Page:
    return render_template(
        "privacy.html", settings=current_settings(), letters_kept=outbox.KEPT.days
    )


@blueprint.get("/about/")
@anyone
@by_tally()
def about() -> Page:
    return render_template("about.html")
