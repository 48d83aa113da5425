"""The whole form within the page of an institution: our documents, in a frame of theirs.

Only pages of origins that the institution registered may frame them (Content-Security-Policy, frame-ancestors), and
a response names only the origin that asks, so that it does not disclose the others. The frame works by itself;
where the loader made it, it reports its height to the page, and nothing else.

An error has to be framed just as the page it stands for, hence a conversation of three modules through ``flask.g``:

1. Before any view, ``_open_frame`` reads the address into ``g.frame``, and ``http.headers.framed_by`` notes in
   ``g.frame_ancestors`` which origins may frame the response.
2. A view here takes its ``Frame`` from ``g.frame``. If it fails, ``http.errors`` asks ``http.headers.is_framed``,
   and shows the error in ``embed/error.html``, which has no navigation.
3. After both, ``http.headers.add_headers`` writes ``g.frame_ancestors`` into the policy instead of "none".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from campaign import i18n
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import takes_pledges
from campaign.config import current_settings
from campaign.http import pledge_flow
from campaign.http.access import anyone, link_holder
from campaign.http.form_counts import count_opened
from campaign.http.forms import Form, new_token, posted_values
from campaign.http.headers import framed_by
from campaign.http.lookup import chosen_text_or_404, institution_or_moved
from campaign.http.rate_limits import FORM_LIMIT, rate_limited
from campaign.http.rendering import Page
from campaign.http.sources import FORM, SITE, origin_in, source_at
from campaign.institutions.models import Institution
from campaign.partners.queries import origins_of
from campaign.pledges.models import Kind

blueprint = Blueprint("frames", __name__, url_prefix="/embed")

THEMES = ("light", "dark", "auto")
# What the page around the frame may set of its look; the frame's script checks and applies it.
LOOKS = ("accent", "background", "text", "radius")
PARAMETERS = ("institution", "campaign", "host", "page", "theme", *LOOKS)
_LOOK = re.compile(r"[\w#%.,()/ -]{1,60}")


@blueprint.url_value_preprocessor
def _take_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Take the locale out of the address, as ``http.locales`` does where it comes first."""
    if values and "locale" in values:
        g.locale = values.pop("locale")
        if not i18n.is_offered(g.locale):
            g.locale = i18n.DEFAULT
            abort(404)


@dataclass(frozen=True)
class Frame:
    """Whose form it is, for which campaign, on which page, in which look: all that the address says."""

    institution: Institution
    text: CampaignText
    # The origin around the frame, if the institution registered it or it is our own; else None.
    origin: str | None
    page: str
    theme: str
    looks: dict[str, str]

    @cached_property
    def values(self) -> dict[str, Any]:
        """The query that carries the frame on to its next page."""
        query = {
            "institution": self.institution.id,
            "campaign": self.text.campaign.slug,
            "host": self.origin or "",
            "page": self.page,
            "theme": self.theme,
            **self.looks,
        }
        return {name: value for name, value in query.items() if value}

    @property
    def source(self) -> tuple[str, str | None]:
        """Values of ``Pledge.source`` and ``Pledge.source_page``."""
        if self.origin == _own_origin():
            return SITE, None  # tried out on the page that composes widgets
        return source_at(FORM, self.origin, self.page)


def _own_origin() -> str:
    return current_settings().site_url


@blueprint.before_request
def _open_frame() -> None:
    """Read the address into ``g.frame``; from here on the origin in it may frame the response, even an error."""
    if request.view_args is not None and request.endpoint != "frames.choose_language":
        g.frame = _read_frame(request.args)


def _frame() -> Frame:
    """The frame that ``_open_frame`` read for this request."""
    frame: Frame = g.frame
    return frame


def _read_frame(arguments: Mapping[str, str]) -> Frame:
    institution = institution_or_moved(
        arguments.get("institution", ""), "institution", host=_host()
    )
    origin = _allowed_origin(institution)
    # Before anything below can fail. Of an unknown institution no origin is known, so that error stays unframed.
    framed_by([origin] if origin else [])
    theme, looks = arguments.get("theme", ""), {name: arguments.get(name, "") for name in LOOKS}
    return Frame(
        institution=institution,
        text=chosen_text_or_404(arguments.get("campaign")),
        origin=origin,
        page=arguments.get("page", "")[:200],
        theme=theme if theme in THEMES else THEMES[0],
        looks={name: value for name, value in looks.items() if _LOOK.fullmatch(value)},
    )


def _allowed_origin(institution: Institution) -> str | None:
    """The origin around the frame, if the institution registered it or it is our own."""
    host = _host()
    if host == _own_origin():
        return host
    origin = origin_in(host)
    return origin if origin and origin in origins_of(institution.id) else None


def _host() -> str:
    """The origin that the address names, else that of the page the browser comes from.

    Every link within the frame names it, since the referrer there is one of our own pages.
    """
    return request.args.get("host") or _origin_of(request.referrer or "")


def _origin_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


@blueprint.get("/form")
@anyone
def choose_language() -> Response:
    """Lead to the form in the best language; the loader knows those of its page, not those that we offer."""
    locale = i18n.negotiate(request.args.get("lang", "")[:100].split(","))
    # No other parameters: some names, such as "_external", mean something to url_for.
    query: dict[str, Any] = {name: request.args.get(name) for name in PARAMETERS}
    return redirect(url_for("frames.form", locale=locale, **query | {"host": _host() or None}))


@blueprint.get("/<locale>/form")
@anyone
def form() -> Page:
    frame = _frame()
    country = {"country": [frame.institution.country]}
    count_opened(frame.text.campaign_id, Kind.PERSON)
    return _form_page(frame, frame.text, Form(country, token=new_token(frame.text.id)))


@blueprint.post("/<locale>/form")
@anyone
@rate_limited(FORM_LIMIT)
def submit() -> Page:
    frame = _frame()
    host = pledge_flow.FormHost(
        show=lambda text, form: _form_page(frame, text, form),
        sent_url=lambda token: url_for("frames.sent", token=token, **frame.values),
        source=frame.source,
    )
    return pledge_flow.handle_submission(frame.text.campaign.slug, Kind.PERSON, host)


def _form_page(frame: Frame, text: CampaignText, form: Form) -> str:
    if not takes_pledges(text.campaign_id):
        return _page("closed", frame, text=text)
    return _page("form", frame, text=text, form=form, **pledge_flow.select_options())


def _page(name: str, frame: Frame, **values: object) -> str:
    return render_template(f"embed/{name}.html", frame=frame, **values)


@blueprint.get("/<locale>/sent/<token>")
@link_holder
def sent(token: str) -> Page:
    frame = _frame()
    pledge_flow.submission_from_token(token)
    return _page("sent", frame, form=Form())


@blueprint.post("/<locale>/sent/<token>")
@link_holder
@rate_limited(FORM_LIMIT)
def enter_code(token: str) -> Page:
    frame = _frame()
    try:
        pledge_id = pledge_flow.confirm_by_code(token)
    except pledge_flow.CodeRefused as refused:
        return _page("sent", frame, form=Form(posted_values(), {"code": refused.problem})), 422
    return redirect(_thanks_url(frame, pledge_id), 303)


def _thanks_url(frame: Frame, pledge_id: UUID) -> str:
    return url_for("frames.thanks", token=pledge_flow.thanks_token(pledge_id), **frame.values)


@blueprint.get("/<locale>/thanks/<token>")
@link_holder
def thanks(token: str) -> Page:
    frame = _frame()
    pledge = pledge_flow.pledge_from_thanks_token(token)
    return _page("thanks", frame, **pledge_flow.thank_you_context(pledge))
