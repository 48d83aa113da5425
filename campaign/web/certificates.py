"""Certificates of pledges: the document and the picture for whoever pledged, the page where anyone checks one."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from campaign import geography, i18n, typesetting
from campaign.campaigns.queries import current_text
from campaign.http.access import anyone, link_holder
from campaign.http.locales import localized
from campaign.http.rate_limits import FORM_LIMIT, rate_limited
from campaign.http.rendering import commitment
from campaign.i18n import gettext
from campaign.institutions.queries import name_in
from campaign.links import absolute_url, without_scheme
from campaign.pledges import certificates, queries
from campaign.pledges.models import Kind, Pledge, Status
from campaign.pledges.policy import current_policy
from campaign.qr import qr_svg

blueprint = localized("certificates", __name__)
Page = str | AnyResponse | tuple[str, int]


@blueprint.get("/pledges/certificate/<token>/certificate.pdf")
@link_holder
@rate_limited(FORM_LIMIT)
def certificate(token: str) -> Page:
    pledge = _pledge(token)
    made = typesetting.pdf("certificate.typ", certificate_data(pledge))
    name = f"{pledge.campaign.slug}-certificate-{i18n.current()}.pdf"
    return _download(made, "application/pdf", name)


@blueprint.get("/pledges/certificate/<token>/card.png")
@link_holder
@rate_limited(FORM_LIMIT)
def certificate_card(token: str) -> Page:
    pledge = _pledge(token)
    made = typesetting.png("card.typ", card_data(pledge))
    return _download(made, "image/png", f"{pledge.campaign.slug}-{i18n.current()}.png")


def _pledge(token: str) -> Pledge:
    """Raises InvalidToken; answers 410 where the pledge does not count any more."""
    found = queries.get(
        UUID(current_policy().signer.read(certificates.PURPOSE, token, certificates.LIFETIME))
    )
    if found is None or found.status != Status.CONFIRMED:
        abort(410)
    return found


def _download(content: bytes, mimetype: str, name: str) -> Response:
    answer = Response(content, mimetype=mimetype)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def certificate_data(pledge: Pledge) -> dict[str, Any]:
    """What the certificate of a confirmed pledge says, in the reader's language."""
    assert pledge.confirmed_at is not None, "only a confirmed pledge has a certificate"
    number = certificates.number_of(current_policy().signer, pledge.id)
    url = absolute_url("certificates.check_certificate", number=number)
    return _person_or_institution(pledge) | {
        "title": _title(pledge),
        "site": gettext("Light Up the Heart of Science"),
        "represented": _represented(pledge),
        "commitments": _commitments(pledge),
        "commitments_label": gettext("Commitments"),
        "confirmed": gettext("Confirmed on %(day)s", day=i18n.format_date(pledge.confirmed_at)),
        "check": gettext("Anyone can check this certificate at:"),
        "number": number,
        "url": url,
        "url_shown": without_scheme(absolute_url("certificates.ask_for_number")),
        "qr": qr_svg(url),
        "qr_alt": gettext("QR code of the page where anyone can check this certificate"),
    }


def card_data(pledge: Pledge) -> dict[str, Any]:
    """What the picture to share says, in the reader's language."""
    is_person = pledge.kind == Kind.PERSON
    return _person_or_institution(pledge) | {
        "title": _title(pledge),
        "headline": gettext("My light is on") if is_person else gettext("Our light is on"),
        "url": absolute_url("web.front"),
        "url_shown": urlsplit(absolute_url("web.front")).netloc,
    }


def _person_or_institution(pledge: Pledge) -> dict[str, Any]:
    """Whose certificate it is, and in which campaign."""
    text = current_text(pledge.campaign.slug, i18n.current()) or pledge.text
    institution = _institution(pledge)
    country = geography.country_name(pledge.country, i18n.current())
    is_person = pledge.kind == Kind.PERSON
    return {
        "lang": i18n.current(),
        "name": pledge.name if is_person else institution,
        "affiliation": [institution, country] if is_person and institution else [country],
        "campaign": {"lang": text.locale, "title": text.title, "theme": text.theme},
    }


def _institution(pledge: Pledge) -> str:
    if pledge.institution:
        return name_in(pledge.institution, i18n.current())
    return pledge.institution_text or ""


def _title(pledge: Pledge) -> str:
    if pledge.kind == Kind.PERSON:
        return str(gettext("Certificate of a public pledge"))
    return str(gettext("Certificate of an official pledge"))


def _represented(pledge: Pledge) -> str | None:
    if pledge.kind == Kind.PERSON:
        return None
    speaker = {"name": i18n.isolated(pledge.name), "office": i18n.isolated(pledge.office or "")}
    return str(gettext("Represented by %(name)s, %(office)s", **speaker))


def _commitments(pledge: Pledge) -> list[str]:
    text = current_text(pledge.campaign.slug, i18n.current()) or pledge.text
    return [commitment(code, text, pledge.kind, pledge.text) for code in pledge.commitments]


@blueprint.get("/verify/")
@anyone
def ask_for_number() -> Page:
    """Where one types the number who has the certificate on paper."""
    if number := request.args.get("number", "").strip():
        return redirect(url_for("certificates.check_certificate", number=number[:60]))
    return render_template("verify.html", number="", asked=True)


@blueprint.get("/verify/<number>/")
@anyone
@rate_limited(FORM_LIMIT)
def check_certificate(number: str) -> Page:
    """Whether a certificate is valid. Tells a name only of people who are listed by name."""
    pledge = certificates.find(current_policy().signer, number)
    if pledge is None or pledge.status not in {Status.CONFIRMED, Status.WITHDRAWN}:
        return render_template("verify.html", number=number[:60], asked=False), 404
    if pledge.status == Status.WITHDRAWN:
        return render_template("verify_withdrawn.html"), 410
    return render_template(
        "verify_valid.html",
        pledge=pledge,
        text=current_text(pledge.campaign.slug, i18n.current()) or pledge.text,
        number=certificates.number_of(current_policy().signer, pledge.id),
    )
