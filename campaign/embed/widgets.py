"""What pages of other sites load: the loader, the data of a widget, the badge, oEmbed.

All readers get the same response, so all but oEmbed is kept ready-made (``http.caching``): a page that asks for it
a thousand times a second costs as much as one that asks once.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    jsonify,
    render_template,
    request,
)
from markupsafe import Markup
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from campaign import i18n
from campaign.campaigns.models import CampaignText
from campaign.config import current_settings
from campaign.embed import badges
from campaign.http.access import anyone
from campaign.http.caching import cached
from campaign.http.errors import register_error_renderer
from campaign.http.headers import CROSS_ORIGIN_HEADERS
from campaign.http.lookup import chosen_text_or_404, institution_or_moved
from campaign.http.rate_limits import SEARCH_LIMIT, rate_limited
from campaign.http.rendering import people_have_pledged
from campaign.i18n import format_number, gettext
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution
from campaign.links import absolute_url
from campaign.partners.rules import MILESTONES
from campaign.paths import STATIC
from campaign.pledges import queries as pledge_queries
from campaign.pledges.rules import ROLES
from campaign.tallies.queries import Counts, counts_of

blueprint = Blueprint("embed", __name__)

LATEST = 4
# In seconds. A page shows its widget at once, and a new light within a minute.
MAX_AGE = 60
LOADER_MAX_AGE = 3600


def init_app(app: Flask) -> None:
    for prefix in ("/embed/data/", "/oembed"):
        register_error_renderer(app, prefix, _error)


@blueprint.url_value_preprocessor
def _find_language(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Choose the best of ``?lang=zh-CN,en``, never the browser's language: one response serves all browsers."""
    g.locale = i18n.negotiate(request.args.get("lang", "")[:100].split(","))


@blueprint.after_request
def _for_other_sites(response: Response) -> Response:
    response.headers.update(CROSS_ORIGIN_HEADERS)
    return response


def _error(status: int, error: Exception) -> Response:
    response = jsonify(error=getattr(error, "name", "Internal Server Error"))
    response.status_code = status
    # ``after_request`` of this blueprint does not run where the address matches none of its views.
    response.headers.update(CROSS_ORIGIN_HEADERS)
    return response


@blueprint.get("/embed/v1.js")
@anyone
@cached(max_age=LOADER_MAX_AGE)
def loader() -> Response:
    """The custom element, at an address that never changes."""
    return Response(_static("js/embed-v1.js"), mimetype="text/javascript")


@blueprint.get("/embed/data/<ror_id>.json")
@anyone
@cached("campaign", max_age=MAX_AGE)
def data(ror_id: str) -> Response:
    """Everything that the widgets of an institution show, as JSON in the reader's language."""
    slug = request.args.get("campaign") or None
    institution = institution_or_moved(ror_id, campaign=slug, lang=i18n.current())
    return jsonify(_widget_data(institution, chosen_text_or_404(slug)))


def _widget_data(institution: Institution, text: CampaignText) -> dict[str, Any]:
    counts = counts_of(text.campaign_id, "institution", institution.id)
    slug = text.campaign.slug
    return {
        "lang": i18n.current(),
        "dir": i18n.direction(i18n.current()),
        "title": text.title,
        "institution": institution_queries.name_in(institution, i18n.current()),
        "count": _count(counts.people),
        "goal": _goal(counts.people),
        "notes": _notes(counts),
        "latest": gettext("People who pledged most recently"),
        "people": _people(text.campaign_id, institution.id),
        "make": gettext("Make the pledge"),
        "pledge": absolute_url("pledging.form", slug=slug, institution=institution.id),
        "more": gettext("See all the lights"),
        "page": absolute_url("web.institution", ror_id=institution.id),
        "css": _static("css/embed-widgets.css"),
    }


def _count(people: int) -> list[str]:
    """The sentence with the number of people, in the parts of ``people_have_pledged``."""
    if people:
        return people_have_pledged(people)
    return [gettext("Nobody has pledged here yet. Be the first light.")]


def _goal(people: int) -> dict[str, Any]:
    """The next round number to reach, and how far the people have come."""
    goal = next((step for step in MILESTONES if step > people), people + 1)
    words = gettext("Next goal: %(number)s", number=format_number(goal))
    return {"value": people, "max": goal, "text": words}


def _notes(counts: Counts) -> list[str]:
    return [gettext("This institution has pledged officially.")] if counts.official_pledges else []


def _people(campaign_id: int, institution_id: str) -> list[list[str]]:
    """The latest people who chose to be listed, as [name, role]; nothing else of them leaves the site."""
    signatories = pledge_queries.pinned_first(
        campaign_id, institution_id=institution_id, limit=LATEST
    )
    return [[person.name, str(ROLES.get(person.role or "", ""))] for person in signatories]


@cache
def _static(path: str) -> str:
    return (STATIC / path).read_text("utf-8")


@blueprint.get("/badge/<ror_id>.svg")
@anyone
@cached("campaign", max_age=MAX_AGE)
def badge(ror_id: str) -> Response:
    """A picture with the number of people, for pages and READMEs."""
    slug = request.args.get("campaign") or None
    institution = institution_or_moved(ror_id, campaign=slug, lang=i18n.current())
    badge = _badge(institution, chosen_text_or_404(slug))
    return Response(render_template("embed/badge.svg", badge=badge), mimetype="image/svg+xml")


def _badge(institution: Institution, text: CampaignText) -> badges.Badge:
    people = counts_of(text.campaign_id, "institution", institution.id).people
    words = "".join(people_have_pledged(people))
    title = gettext(
        "%(name)s: %(words)s",
        name=institution_queries.name_in(institution, i18n.current()),
        words=words,
    )
    return badges.lay_out(text.title, words, title)


@blueprint.get("/oembed")
@anyone
@rate_limited(SEARCH_LIMIT)
def oembed() -> Response:
    """What other sites show in place of a link to an institution or a campaign (oembed.com, version 1.0).

    Not kept: one page has so many spellings of its address, and sizes, that they would push out everything else.
    """
    if request.args.get("format", "json") != "json":
        abort(501)
    endpoint, values = _page_at(request.args.get("url", ""))
    g.locale = values["locale"]
    response = jsonify(_OEMBED | _oembed_of(endpoint, values))
    response.cache_control.public, response.cache_control.max_age = True, MAX_AGE
    return response


_OEMBED = {"version": "1.0", "provider_name": "Light Up the Heart of Science", "cache_age": MAX_AGE}
_WITH_OEMBED = {"web.institution", "web.campaign"}


def _page_at(url: str) -> tuple[str, dict[str, Any]]:
    """Endpoint and parameters of one of our pages, whatever its query. Answers 404 for any other address."""
    site = urlsplit(current_settings().site_url)
    try:
        parts = urlsplit(url[:500])
    except ValueError:
        abort(404)
    if (parts.scheme, parts.netloc) != (site.scheme, site.netloc):
        abort(404)
    try:
        endpoint, values = current_app.url_map.bind(site.netloc).match(parts.path)
    except (NotFound, MethodNotAllowed, RequestRedirect):
        abort(404)
    if endpoint not in _WITH_OEMBED or not i18n.is_offered(values["locale"]):
        abort(404)
    return endpoint, dict(values)


def _oembed_of(endpoint: str, values: Mapping[str, Any]) -> dict[str, Any]:
    if endpoint == "web.campaign":
        return {"type": "link", "title": chosen_text_or_404(values["slug"]).title}
    return _linked_badge(institution_queries.resolve(values["ror_id"]) or abort(404))


def _linked_badge(institution: Institution) -> dict[str, Any]:
    """The badge of an institution, linked to its page; without script and frame, so that any site can show it."""
    badge = _badge(institution, chosen_text_or_404(None))
    source = absolute_url("embed.badge", ror_id=institution.id, lang=i18n.current())
    page = absolute_url("web.institution", ror_id=institution.id)
    scale = min(_scale("maxwidth", badge.width), _scale("maxheight", badge.height))
    width, height = (max(1, round(scale * size)) for size in (badge.width, badge.height))
    picture = Markup('<img src="{}" alt="{}" width="{}" height="{}">')
    html = Markup('<a href="{}">{}</a>').format(
        page, picture.format(source, badge.title, width, height)
    )
    title = institution_queries.name_in(institution, i18n.current())
    return {"type": "rich", "title": title, "html": html, "width": width, "height": height}


def _scale(limit: str, size: int) -> float:
    """The factor, at most 1, that fits a size into a limit of the query. Answers 400 for a limit below 1."""
    try:
        allowed = int(request.args.get(limit, size))
    except ValueError:
        abort(400)
    return min(allowed, size) / size if allowed > 0 else abort(400)
