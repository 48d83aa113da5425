"""What the pages of other sites load: the loader, the data of a widget, the badge, oEmbed.

None of it depends on who asks, so one finished answer of all but the last serves everybody (``web.caching``): a
page that asks a thousand times a second costs as much as one that asks once.
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
from campaign.http.caching import by_tally
from campaign.http.errors import write_with
from campaign.http.headers import CROSS_ORIGIN_HEADERS
from campaign.http.lookup import chosen_text_or_404, institution_or_moved
from campaign.http.rate_limits import SEARCH_LIMIT, rate_limited
from campaign.http.rendering import people_have_pledged
from campaign.i18n import format_number, gettext
from campaign.institutions import queries as institutions
from campaign.institutions.models import Institution
from campaign.institutions.queries import name_in
from campaign.links import absolute_url
from campaign.partners.rules import MILESTONES
from campaign.paths import STATIC
from campaign.pledges.queries import signatories
from campaign.pledges.rules import ROLES
from campaign.tallies.queries import Counts, counts_of

blueprint = Blueprint("embed", __name__)

LATEST = 4
# A page that was just opened shows the widget at once; a new light may take a minute to get there.
MAX_AGE = 60
LOADER_MAX_AGE = 3600


def init_app(app: Flask) -> None:
    for prefix in ("/embed/data/", "/oembed"):
        write_with(app, prefix, _error)


@blueprint.url_value_preprocessor
def _find_language(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """The best of those in ``?lang=zh-CN,en``; never the browser's, so that one answer serves everybody."""
    g.locale = i18n.negotiate(request.args.get("lang", "")[:100].split(","))


@blueprint.after_request
def _for_other_sites(response: Response) -> Response:
    response.headers.update(CROSS_ORIGIN_HEADERS)
    return response


def _error(status: int, error: Exception) -> Response:
    answer = jsonify(error=getattr(error, "name", "Internal Server Error"))
    answer.status_code = status
    answer.headers.update(CROSS_ORIGIN_HEADERS)  # also where no view was reached
    return answer


@blueprint.get("/embed/v1.js")
@anyone
@by_tally(max_age=LOADER_MAX_AGE)
def loader() -> Response:
    """The custom element, at an address that never changes."""
    return Response(_static("js/embed-v1.js"), mimetype="text/javascript")


@blueprint.get("/embed/data/<ror_id>.json")
@anyone
@by_tally("campaign", max_age=MAX_AGE)
def data(ror_id: str) -> Response:
    """Everything that the widgets of an institution show, in words of the reader's language."""
    slug = request.args.get("campaign") or None
    institution = institution_or_moved(ror_id, campaign=slug, lang=i18n.current())
    return jsonify(_shown(institution, chosen_text_or_404(slug)))


def _shown(institution: Institution, text: CampaignText) -> dict[str, Any]:
    counts = counts_of(text.campaign_id, "institution", institution.id)
    slug = text.campaign.slug
    return {
        "lang": i18n.current(),
        "dir": i18n.direction(i18n.current()),
        "title": text.title,
        "institution": name_in(institution, i18n.current()),
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
    if people:
        return people_have_pledged(people)
    return [gettext("Nobody has pledged here yet. Be the first light.")]


def _goal(people: int) -> dict[str, Any]:
    """The next round number above."""
    goal = next((step for step in MILESTONES if step > people), people + 1)
    words = gettext("Next goal: %(number)s", number=format_number(goal))
    return {"value": people, "max": goal, "text": words}


def _notes(counts: Counts) -> list[str]:
    return [gettext("This institution has pledged officially.")] if counts.official_pledges else []


def _people(campaign_id: int, institution_id: str) -> list[list[str]]:
    """Name and role of the latest who chose to be listed, and nothing else of anybody."""
    found = signatories(campaign_id, institution_id=institution_id, limit=LATEST)
    return [[one.name, str(ROLES.get(one.role or "", ""))] for one in found]


@cache
def _static(path: str) -> str:
    return (STATIC / path).read_text("utf-8")


@blueprint.get("/badge/<ror_id>.svg")
@anyone
@by_tally("campaign", max_age=MAX_AGE)
def badge(ror_id: str) -> Response:
    """How many have pledged, as a picture that a page or a README links to the form."""
    slug = request.args.get("campaign") or None
    institution = institution_or_moved(ror_id, campaign=slug, lang=i18n.current())
    badge = _badge(institution, chosen_text_or_404(slug))
    return Response(render_template("embed/badge.svg", badge=badge), mimetype="image/svg+xml")


def _badge(institution: Institution, text: CampaignText) -> badges.Badge:
    people = counts_of(text.campaign_id, "institution", institution.id).people
    words = "".join(people_have_pledged(people))
    title = gettext("%(name)s: %(words)s", name=name_in(institution, i18n.current()), words=words)
    return badges.lay_out(text.title, words, title)


@blueprint.get("/oembed")
@anyone
@rate_limited(SEARCH_LIMIT)
def oembed() -> Response:
    """What stands for a page of an institution or a campaign within a page of others (oembed.com, version 1.0).

    Not kept: addresses can be written and sizes be asked for in so many ways that they would push out all else.
    """
    if request.args.get("format", "json") != "json":
        abort(501)
    endpoint, values = _page_at(request.args.get("url", ""))
    g.locale = values["locale"]
    answer = jsonify(_OEMBED | _shown_for(endpoint, values))
    answer.cache_control.public, answer.cache_control.max_age = True, MAX_AGE
    return answer


_OEMBED = {"version": "1.0", "provider_name": "Light Up the Heart of Science", "cache_age": MAX_AGE}
_WITH_OEMBED = {"web.institution", "web.campaign"}


def _page_at(url: str) -> tuple[str, dict[str, Any]]:
    """Endpoint and parameters of one of our pages, whatever its query. Answers 404 for any other address."""
    site = urlsplit(current_settings().site_url)
    try:
        asked = urlsplit(url[:500])
    except ValueError:
        abort(404)
    if (asked.scheme, asked.netloc) != (site.scheme, site.netloc):
        abort(404)
    try:
        endpoint, values = current_app.url_map.bind(site.netloc).match(asked.path)
    except (NotFound, MethodNotAllowed, RequestRedirect):
        abort(404)
    if endpoint not in _WITH_OEMBED or not i18n.is_offered(values["locale"]):
        abort(404)
    return endpoint, dict(values)


def _shown_for(endpoint: str, values: Mapping[str, Any]) -> dict[str, Any]:
    if endpoint == "web.campaign":
        return {"type": "link", "title": chosen_text_or_404(values["slug"]).title}
    return _linked_badge(institutions.resolve(values["ror_id"]) or abort(404))


def _linked_badge(institution: Institution) -> dict[str, Any]:
    """Needs no script and no frame, so every consumer can show it."""
    badge = _badge(institution, chosen_text_or_404(None))
    source = absolute_url("embed.badge", ror_id=institution.id, lang=i18n.current())
    page = absolute_url("web.institution", ror_id=institution.id)
    scale = min(_room("maxwidth", badge.width), _room("maxheight", badge.height))
    width, height = (max(1, round(scale * size)) for size in (badge.width, badge.height))
    picture = Markup('<img src="{}" alt="{}" width="{}" height="{}">')
    html = Markup('<a href="{}">{}</a>').format(
        page, picture.format(source, badge.title, width, height)
    )
    title = name_in(institution, i18n.current())
    return {"type": "rich", "title": title, "html": html, "width": width, "height": height}


def _room(limit: str, size: int) -> float:
    """The part of this size that a limit allows. Answers 400 for a limit that is no number from 1 on."""
    try:
        allowed = int(request.args.get(limit, size))
    except ValueError:
        abort(400)
    return min(allowed, size) / size if allowed > 0 else abort(400)
