"""The public pages: campaigns and their counts, countries, institutions, signatories, texts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, abort, current_app, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from campaign import geography, i18n
from campaign.campaigns import queries as campaigns
from campaign.campaigns.models import Campaign, CampaignText
from campaign.institutions import queries as institutions
from campaign.institutions.models import Institution
from campaign.pledges import queries as pledges
from campaign.pledges.models import Pledge
from campaign.tallies import queries as tallies
from campaign.tallies.queries import Counts
from campaign.tokens import InvalidToken
from campaign.web.access import anyone
from campaign.web.forms import office
from campaign.web.locales import localized
from campaign.web.security import SEARCH_LIMIT, limited

blueprint = localized("web", __name__)
Page = str | AnyResponse

CONTINENTS = ("002", "019", "142", "150", "009")  # Africa, Americas, Asia, Europe, Oceania (UN M49)
TOP = 12
LATEST = 8
INSTITUTIONS_PER_PAGE = 100
CURSOR = "signatories-cursor"


@dataclass(frozen=True)
class CampaignCard:
    """A campaign as the front page shows it."""

    campaign: Campaign
    text: CampaignText
    counts: Counts


@dataclass(frozen=True)
class Section:
    """One campaign's part of the page of a country or an institution."""

    campaign: Campaign
    text: CampaignText
    counts: Counts
    latest: list[pledges.Signatory]
    top_institutions: list[tuple[Institution, int]]
    official: Pledge | None = None


@blueprint.get("/")
@anyone
def front() -> Page:
    cards = [
        CampaignCard(text.campaign, text, tallies.counts(text.campaign_id))
        for text in _current_texts()
    ]
    return render_template("front.html", campaigns=cards)


def _current_texts() -> list[CampaignText]:
    found = (
        campaigns.current_text(campaign.slug, i18n.current()) for campaign in campaigns.list_all()
    )
    return [text for text in found if text]


def _text(slug: str) -> CampaignText:
    return campaigns.current_text(slug, i18n.current()) or abort(404)


@blueprint.get("/campaigns/<slug>/")
@anyone
def campaign(slug: str) -> Page:
    text = _text(slug)
    id_ = text.campaign_id
    done = dict(tallies.ranking(id_, "commitment"))
    regions = dict(tallies.ranking(id_, "region"))
    return render_template(
        "campaign.html",
        campaign=text.campaign,
        text=text,
        counts=tallies.counts(id_),
        countries=tallies.ranking(id_, "country", limit=TOP),
        top_institutions=tallies.top_institutions(id_, limit=TOP),
        regions=[(region, regions.get(region, 0)) for region in CONTINENTS],
        commitments=[(code, sentence, done.get(code, 0)) for code, sentence in text.commitments],
        latest=pledges.signatories(id_, limit=LATEST),
    )


@blueprint.get("/campaigns/<slug>/countries/")
@anyone
def countries(slug: str) -> Page:
    text = _text(slug)
    rows = tallies.by_country(text.campaign_id)
    return render_template("countries.html", campaign=text.campaign, text=text, rows=rows)


@blueprint.get("/campaigns/<slug>/institutions/")
@anyone
def institution_list(slug: str) -> Page:
    text = _text(slug)
    page = request.args.get("page", 1, type=int)
    if not 1 <= page <= 1000:
        abort(404)
    rows = tallies.institutions(
        text.campaign_id, limit=INSTITUTIONS_PER_PAGE + 1, offset=(page - 1) * INSTITUTIONS_PER_PAGE
    )
    return render_template(
        "institutions.html",
        campaign=text.campaign,
        text=text,
        page=page,
        rows=rows[:INSTITUTIONS_PER_PAGE],
        has_next=len(rows) > INSTITUTIONS_PER_PAGE,
    )


@blueprint.get("/campaigns/<slug>/signatories/")
@anyone
def signatories(slug: str) -> Page:
    text = _text(slug)
    query, country = request.args.get("q", "")[:100], request.args.get("country", "").upper()
    found = pledges.signatories(
        text.campaign_id,
        name=query,
        before=_cursor(),
        limit=pledges.PAGE_SIZE + 1,
        country=country if geography.is_country(country) else None,
    )
    shown = found[: pledges.PAGE_SIZE]
    return render_template(
        "signatories.html",
        campaign=text.campaign,
        text=text,
        signatories=shown,
        q=query,
        country=country,
        countries=geography.sorted_countries(i18n.current()),
        counts=tallies.counts(text.campaign_id),
        next_cursor=_next_cursor(shown) if len(found) > len(shown) else None,
    )


def _next_cursor(shown: list[pledges.Signatory]) -> str:
    """Signed, so that nobody can make the database start anywhere else than where a page ended."""
    return office().signer.sign(CURSOR, [shown[-1].confirmed_at.isoformat(), str(shown[-1].id)])


def _cursor() -> tuple[datetime, UUID] | None:
    if not (token := request.args.get("after")):
        return None
    try:
        at, id_ = office().signer.read(CURSOR, token, pledges.CURSOR_LIFETIME)
    except InvalidToken:
        abort(404)
    return datetime.fromisoformat(at), UUID(id_)


@blueprint.get("/campaigns/<slug>/text/<int(max=9999):version>/")
@anyone
def text(slug: str, version: int) -> Page:
    found = _text_of_version(slug, version) or abort(404)
    return render_template(
        "text.html",
        campaign=found.campaign,
        text=found,
        versions=[
            (v.version, v.published_at) for v in campaigns.versions(found.campaign_id, found.locale)
        ],
    )


def _text_of_version(slug: str, version: int) -> CampaignText | None:
    chain = i18n.fallback_chain(i18n.current())
    return next(
        (found for tag in chain if (found := campaigns.text_of_version(slug, version, tag))), None
    )


@blueprint.get("/countries/<code>/")
@anyone
def country(code: str) -> Page:
    if not geography.is_country(code.upper()):
        abort(404)
    if code != code.upper():
        return redirect(url_for("web.country", code=code.upper()), 301)
    sections = [
        Section(
            text.campaign,
            text,
            tallies.counts_of_country(text.campaign_id, code),
            pledges.signatories(text.campaign_id, country=code, limit=LATEST),
            list(tallies.top_institutions(text.campaign_id, country=code, limit=TOP)),
        )
        for text in _current_texts()
    ]
    return render_template(
        "country.html", code=code, regions=geography.regions_of(code), sections=sections
    )


@blueprint.get("/institutions/<ror_id>/")
@anyone
def institution(ror_id: str) -> Page:
    found = institutions.resolve(ror_id) or abort(404)
    if found.id != ror_id:
        return redirect(url_for("web.institution", ror_id=found.id), 301)
    parents = [parent for id_ in found.parents if (parent := institutions.resolve(id_))]
    sections = [
        Section(
            text.campaign,
            text,
            tallies.counts_of(text.campaign_id, "institution", found.id),
            pledges.signatories(text.campaign_id, institution_id=found.id, limit=pledges.PAGE_SIZE),
            [],
            pledges.official_pledge(text.campaign_id, found.id),
        )
        for text in _current_texts()
    ]
    return render_template(
        "institution.html", institution=found, parents=parents, sections=sections
    )


@blueprint.get("/institutions/search")
@anyone
@limited(SEARCH_LIMIT)
def institution_search() -> Response:
    query, country_code = request.args.get("q", "")[:200], request.args.get("country", "").upper()
    nearest = country_code if geography.is_country(country_code) else _country_of_reader()
    return _found(institutions.search(query, locale=i18n.current(), country=nearest))


@blueprint.get("/institutions/proposals")
@anyone
@limited(SEARCH_LIMIT)
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
def privacy() -> Page:
    return render_template("privacy.html", settings=current_app.config["SETTINGS"])


@blueprint.get("/about/")
@anyone
def about() -> Page:
    return render_template("about.html")
