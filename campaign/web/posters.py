"""Posters to print and hang up, with a QR code of the pledge form: for an institution, or for a whole campaign."""

from typing import Any

from flask import Response, abort, request

from campaign import i18n, typesetting
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text, list_all
from campaign.http.access import anyone
from campaign.http.locales import localized
from campaign.http.rate_limits import FORM_LIMIT, rate_limited
from campaign.http.redirects import PermanentRedirect
from campaign.i18n import gettext
from campaign.institutions import queries as institutions
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
    """``subject`` is a ROR id or a campaign's slug; ``?size=a3``; ``?campaign=<slug>`` for an institution's."""
    size = request.args.get("size", SIZES[0]).lower()
    institution = institutions.resolve(subject)
    text = current_text(_slug(subject, institution), i18n.current())
    if text is None or size not in SIZES:
        abort(404)
    if institution and institution.id != subject:
        raise PermanentRedirect(subject=institution.id)
    made = typesetting.pdf("poster.typ", poster_data(text, institution, size))
    answer = Response(made, mimetype="application/pdf")
    answer.headers.set("Content-Disposition", "attachment", filename=f"poster-{subject}-{size}.pdf")
    answer.cache_control.public, answer.cache_control.max_age = True, _DAY
    return answer


def _slug(subject: str, institution: Institution | None) -> str:
    """The campaign that is meant; without one named, an institution's poster is for the first of them."""
    if institution is None:
        return subject
    return request.args.get("campaign") or next((c.slug for c in list_all()), "")


def poster_data(text: CampaignText, institution: Institution | None, size: str) -> dict[str, Any]:
    """What a poster says, in the reader's language."""
    arguments = {"institution": institution.id} if institution else {}
    form = absolute_url("pledging.form", slug=text.campaign.slug, via=SOURCE, **arguments)
    return {
        "lang": i18n.current(),
        "title": text.title,
        "size": size,
        "campaign": {"lang": text.locale, "title": text.title, "summary": text.summary},
        "institution": institutions.name_in(institution, i18n.current()) if institution else None,
        "invitation": gettext("Scan the code and make your pledge"),
        "qr": qr_svg(form),
        "qr_alt": gettext("QR code of the pledge form"),
        "url": form,
        "url_shown": without_scheme(absolute_url("web.campaign", slug=text.campaign.slug)),
    }
