"""Posters to print, with a QR code of the pledge form: for one institution, or for a whole campaign."""

from typing import Any

from flask import Response, abort, request

from campaign import i18n, typesetting
from campaign.campaigns import queries as campaign_queries
from campaign.campaigns.models import CampaignText
from campaign.http.access import anyone
from campaign.http.locales import localized
from campaign.http.rate_limits import FORM_LIMIT, rate_limited
from campaign.http.redirects import PermanentRedirect
from campaign.i18n import gettext
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution
from campaign.links import absolute_url, without_scheme
from campaign.qr import qr_svg

blueprint = localized("posters", __name__)
SIZES = ("a4", "a3")
SOURCE = "poster"
_DAY = 86_400


@blueprint.get("/posters/<subject>.pdf")
@anyone
@rate_limited(FORM_LIMIT)
def poster(subject: str) -> Response:
    """A poster as PDF. ``subject`` is a ROR id or the slug of a campaign.

    ``?size=a3`` asks for the larger paper, ``?campaign=<slug>`` for another campaign on an institution's poster.
    """
    size = request.args.get("size", SIZES[0]).lower()
    institution = institution_queries.resolve(subject)
    text = campaign_queries.current_text(_slug(subject, institution), i18n.current())
    if text is None or size not in SIZES:
        abort(404)
    if institution and institution.id != subject:
        raise PermanentRedirect(subject=institution.id)
    pdf = typesetting.pdf("poster.typ", poster_data(text, institution, size))
    response = Response(pdf, mimetype="application/pdf")
    response.headers.set(
        "Content-Disposition", "attachment", filename=f"poster-{subject}-{size}.pdf"
    )
    response.cache_control.public, response.cache_control.max_age = True, _DAY
    return response


def _slug(subject: str, institution: Institution | None) -> str:
    """Slug of the campaign on the poster: for an institution the one that the query names, else the first."""
    if institution is None:
        return subject
    return request.args.get("campaign") or next(iter(campaign_queries.listed()), "")


def poster_data(text: CampaignText, institution: Institution | None, size: str) -> dict[str, Any]:
    """Data of ``poster.typ``, in the reader's language."""
    arguments = {"institution": institution.id} if institution else {}
    form = absolute_url("pledging.form", slug=text.campaign.slug, via=SOURCE, **arguments)
    return {
        "lang": i18n.current(),
        "title": text.title,
        "size": size,
        "campaign": {"lang": text.locale, "title": text.title, "summary": text.summary},
        "institution": institution_queries.name_in(institution, i18n.current())
        if institution
        else None,
        "invitation": gettext("Scan the code and make your pledge"),
        "qr": qr_svg(form),
        "qr_alt": gettext("QR code of the pledge form"),
        "url": form,
        "url_shown": without_scheme(absolute_url("web.campaign", slug=text.campaign.slug)),
    }
