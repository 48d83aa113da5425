"""Certificates of pledges: the document and the picture for the person, and the page where anyone checks one."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, abort, redirect, render_template, request, url_for

from campaign import geography, i18n, typesetting
from campaign.http.access import anyone, link_holder
from campaign.http.headers import keep_private
from campaign.http.locales import localized
from campaign.http.lookup import text_of
from campaign.http.rate_limits import FORM_LIMIT, rate_limited
from campaign.http.rendering import Page, commitment
from campaign.i18n import gettext
from campaign.institutions.queries import name_in
from campaign.links import absolute_url, without_scheme
from campaign.pledges import certificates
from campaign.pledges import queries as pledge_queries
from campaign.pledges.models import Kind, Pledge, Status
from campaign.pledges.policy import current_policy
from campaign.qr import qr_svg

blueprint = localized("certificates", __name__)


@blueprint.get("/pledges/certificate/<token>/certificate.pdf")
@link_holder
@rate_limited(FORM_LIMIT)
def certificate(token: str) -> Response:
    pledge = _pledge(token)
    pdf = typesetting.pdf("certificate.typ", certificate_data(pledge))
    name = f"{pledge.campaign.slug}-certificate-{i18n.current()}.pdf"
    return _download(pdf, "application/pdf", name)


@blueprint.get("/pledges/certificate/<token>/card.png")
@link_holder
@rate_limited(FORM_LIMIT)
def certificate_card(token: str) -> Response:
    pledge = _pledge(token)
    png = typesetting.png("card.typ", card_data(pledge))
    return _download(png, "image/png", f"{pledge.campaign.slug}-{i18n.current()}.png")


def _pledge(token: str) -> Pledge:
    """The pledge that a link's certificate is of. Raises InvalidToken; answers 410 where it no longer counts."""
    signer = current_policy().signer
    pledge_id = UUID(signer.read(certificates.PURPOSE, token, certificates.LIFETIME))
    pledge = pledge_queries.get(pledge_id)
    if pledge is None or pledge.status != Status.CONFIRMED:
        abort(410)
    return pledge


def _download(content: bytes, mimetype: str, name: str) -> Response:
    response = Response(content, mimetype=mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def certificate_data(pledge: Pledge) -> dict[str, Any]:
    """Data of ``certificate.typ`` for a confirmed pledge, in the reader's language."""
    assert pledge.confirmed_at is not None, "only a confirmed pledge has a certificate"
    number = certificates.number_of(current_policy().signer, pledge.id)
    url = absolute_url("certificates.check_certificate", number=number)
    return _common_data(pledge) | {
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
    """Data of ``card.typ``, the picture to share, in the reader's language."""
    is_person = pledge.kind == Kind.PERSON
    return _common_data(pledge) | {
        "title": _title(pledge),
        "headline": gettext("My light is on") if is_person else gettext("Our light is on"),
        "url": absolute_url("web.front"),
        "url_shown": urlsplit(absolute_url("web.front")).netloc,
    }


def _common_data(pledge: Pledge) -> dict[str, Any]:
    """The part that certificate and card share: whose pledge it is, and in which campaign."""
    text = text_of(pledge)
    institution = _institution_name(pledge)
    country = geography.country_name(pledge.country, i18n.current())
    is_person = pledge.kind == Kind.PERSON
    return {
        "lang": i18n.current(),
        "name": pledge.name if is_person else institution,
        "affiliation": [institution, country] if is_person and institution else [country],
        "campaign": {"lang": text.locale, "title": text.title, "theme": text.theme},
    }


def _institution_name(pledge: Pledge) -> str:
    """The name of the institution, else the words that stand for it, or ""."""
    if pledge.institution:
        return name_in(pledge.institution, i18n.current())
    return pledge.institution_text or ""


def _title(pledge: Pledge) -> str:
    if pledge.kind == Kind.PERSON:
        return str(gettext("Certificate of a public pledge"))
    return str(gettext("Certificate of an official pledge"))


def _represented(pledge: Pledge) -> str | None:
    """Who pledged for the institution; None on the certificate of a person."""
    if pledge.kind == Kind.PERSON:
        return None
    speaker = {"name": i18n.isolated(pledge.name), "office": i18n.isolated(pledge.office or "")}
    return str(gettext("Represented by %(name)s, %(office)s", **speaker))


def _commitments(pledge: Pledge) -> list[str]:
    text = text_of(pledge)
    return [commitment(code, text, pledge.kind, pledge.text) for code in pledge.commitments]


@blueprint.get("/verify/")
@anyone
def ask_for_number() -> Page:
    """Form for looking up a certificate by its printed number."""
    if number := request.args.get("number", "").strip():
        return redirect(url_for("certificates.check_certificate", number=number[:60]))
    return render_template("verify.html", number="", asked=True)


@blueprint.get("/verify/<number>/")
@anyone
@rate_limited(FORM_LIMIT)
def check_certificate(number: str) -> Page:
    """Page that says whether a certificate is valid; it names only people who are listed by name."""
    keep_private()
    pledge = certificates.find(current_policy().signer, number)
    if pledge is None or pledge.status not in {Status.CONFIRMED, Status.WITHDRAWN}:
        return render_template("verify.html", number=number[:60], asked=False), 404
    if pledge.status == Status.WITHDRAWN:
        return render_template("verify_withdrawn.html"), 410
    return render_template(
        "verify_valid.html",
        pledge=pledge,
        text=text_of(pledge),
        number=certificates.number_of(current_policy().signer, pledge.id),
    )
