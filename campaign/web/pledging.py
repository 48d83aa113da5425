"""Making a pledge: the form, the code or link from the mail, the thanks."""

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from campaign import i18n, jobs
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text, list_all, text_by_id
from campaign.clock import now
from campaign.geography import sorted_countries
from campaign.institutions import queries as institutions
from campaign.pledges import intake, operations, queries
from campaign.pledges.disciplines import BROAD_FIELDS
from campaign.pledges.holding import Circumstances
from campaign.pledges.letters import CONFIRM, SENT
from campaign.pledges.models import Kind, Pledge, Status
from campaign.pledges.rules import ROLES, InvalidPledge, Problem, check_with_address
from campaign.tallies.queries import counts_of
from campaign.tokens import InvalidToken
from campaign.web.access import anyone, link_holder
from campaign.web.forms import Form, FormToken, new_token, office, posted_values, read_token
from campaign.web.locales import localized
from campaign.web.security import FORM_LIMIT, limited

blueprint = localized("pledging", __name__)
Page = str | Response | tuple[str, int]

THANKS, THANKS_LIFETIME = "thanks-page", timedelta(days=1)
TEMPLATES = {Kind.PERSON: "pledge/form.html", Kind.INSTITUTION: "pledge/institution_form.html"}


@blueprint.get("/campaigns/<slug>/pledge/")
@anyone
def form(slug: str) -> Page:
    return _open_form(slug, Kind.PERSON)


@blueprint.post("/campaigns/<slug>/pledge/")
@anyone
@limited(FORM_LIMIT)
def submit(slug: str) -> Page:
    return _submit(slug, Kind.PERSON)


@blueprint.get("/campaigns/<slug>/pledge/institution/")
@anyone
def institution_form(slug: str) -> Page:
    return _open_form(slug, Kind.INSTITUTION)


@blueprint.post("/campaigns/<slug>/pledge/institution/")
@anyone
@limited(FORM_LIMIT)
def submit_institution(slug: str) -> Page:
    return _submit(slug, Kind.INSTITUTION)


def _open_form(slug: str, kind: Kind) -> Page:
    """An empty form; ``?institution=<ror id>`` fills in where the reader comes from."""
    text = current_text(slug, i18n.current()) or abort(404)
    given = institutions.resolve(request.args.get("institution", ""))
    values = (
        {"affiliation": ["institution"], "institution": [given.id], "country": [given.country]}
        if given
        else {}
    )
    return _form_page(kind, text, Form(values, token=new_token(text.id)))


def _submit(slug: str, kind: Kind) -> Page:
    values = posted_values()
    try:
        token, text = _shown(slug)
    except InvalidToken:
        text = current_text(slug, i18n.current()) or abort(404)
        problems = {"form_token": Problem("form-expired")}
        return _form_page(kind, text, Form(values, problems, new_token(text.id))), 400
    if request.form.get("action") == "find":
        return _form_page(kind, text, Form(values, token=request.form["form_token"]))
    try:
        draft, address = check_with_address(kind, values, text, institutions.affiliation)
    except InvalidPledge as invalid:
        return _form_page(
            kind, text, Form(values, invalid.problems, request.form["form_token"])
        ), 422
    # The same form sent again with other words is another one: whoever saw the first cannot confirm the second.
    submission = uuid5(token.submission, repr(sorted(values.items())))
    operations.submit(
        office(),
        draft,
        address,
        text,
        submission,
        _circumstances(token),
        locale=i18n.current(),
        newsletter="newsletter" in values,
        now=now(),
    )
    jobs.commit()
    return redirect(
        url_for("pledging.sent", token=office().signer.sign(SENT, str(submission))), 303
    )


def _shown(slug: str) -> tuple[FormToken, CampaignText]:
    """What the signed token says was on the screen. Raises InvalidToken, also for another campaign's token."""
    token = read_token(request.form.get("form_token", ""))
    text = text_by_id(token.text_id)
    if text is None or text.campaign.slug != slug:
        raise InvalidToken
    return token, text


def _circumstances(token: FormToken) -> Circumstances:
    return Circumstances(
        network_hash=office().signer.fingerprint("network", network_of(request.remote_addr or "")),
        form_opened_at=token.opened_at,
        honeypot_filled=bool(request.form.get("website")),
    )


def network_of(address: str) -> str:
    """What counts as one network: an IPv4 address, or the /64 that one IPv6 site has (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:  # how a server that listens on both sees IPv4 (RFC 4291, 2.5.5.2)
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _form_page(kind: Kind, text: CampaignText, form: Form) -> str:
    return render_template(
        TEMPLATES[kind], text=text, campaign=text.campaign, form=form, **choices(form)
    )


def choices(form: Form) -> dict[str, Any]:
    """What the selects and radio buttons of a pledge form offer."""
    chosen = institutions.resolve(form.value("institution"))
    query = form.value("institution_query")
    searches = query and (not chosen or form.value("action") == "find")
    matches = _matches(query, form.value("country")) if searches else []
    return {
        "countries": sorted_countries(i18n.current()),
        "fields": [
            (area.name, [(field.code, field.name) for field in area.fields])
            for area in BROAD_FIELDS
        ],
        "roles": list(ROLES.items()),
        "chosen_institution": None if matches else chosen,
        "matches": matches,
        "proposals": [] if chosen or query else _proposals(form.value("email")),
    }


def _matches(query: str, country: str) -> list[Any]:
    return list(institutions.search(query[:200], locale=i18n.current(), country=country or None))


def _proposals(address: str) -> list[Any]:
    domain = address.rpartition("@")[2].strip().lower()
    return institutions.propose_by_domain(domain, locale=i18n.current()) if domain else []


@blueprint.get("/pledges/sent/<token>/")
@link_holder
def sent(token: str) -> Page:
    office().signer.read(SENT, token, _while_unconfirmed())
    return render_template("pledge/sent.html", form=Form(), token=token)


@blueprint.post("/pledges/sent/<token>/")
@link_holder
@limited(FORM_LIMIT)
def enter_code(token: str) -> Page:
    submission = UUID(office().signer.read(SENT, token, _while_unconfirmed()))
    code = "".join(str(int(c)) for c in request.form.get("code", "")[:40] if c.isdecimal())
    if not code:
        return _ask_again(token, Problem("required"))
    try:
        pledge = operations.confirm_by_code(office(), submission, code, now())
    except (operations.WrongCode, operations.NotAwaiting):
        jobs.commit()  # the attempt counts
        return _ask_again(token, Problem("wrong-code"))
    return _thank(pledge.id)


def _ask_again(token: str, problem: Problem) -> Page:
    form = Form(posted_values(), {"code": problem})
    return render_template("pledge/sent.html", form=form, token=token), 422


@blueprint.get("/pledges/confirm/<token>/")
@link_holder
def confirm(token: str) -> Page:
    """Shows what is about to be confirmed. Mail scanners follow links, hence only the button confirms."""
    pledge = _pledge_to_confirm(token)
    if pledge.status in {Status.CONFIRMED, Status.HELD}:
        return redirect(_thanks_url(pledge.id))
    return _confirm_page(pledge, token)


@blueprint.post("/pledges/confirm/<token>/")
@link_holder
def confirm_by_button(token: str) -> Page:
    pledge_id, submission = _read_confirm(token), _uuid(request.form.get("submission", ""))
    if intake.confirm(pledge_id, submission, now()):
        return _thank(pledge_id)
    pledge = _pledge_to_confirm(token)
    try:
        operations.confirm(office(), pledge, submission, now())
    except operations.SupersededSubmission:
        return _confirm_page(pledge, token, superseded=True), 409
    return _thank(pledge_id)


def _confirm_page(pledge: Pledge, token: str, superseded: bool = False) -> str:
    return render_template(
        "pledge/confirm.html", pledge=pledge, text=pledge.text, token=token, superseded=superseded
    )


def _pledge_to_confirm(token: str) -> Pledge:
    """Raises InvalidToken; answers 410 where the pledge was removed or refused meanwhile."""
    pledge = queries.get_locked(_read_confirm(token))
    if pledge is None or pledge.status in {Status.REFUSED, Status.WITHDRAWN}:
        abort(410)
    return pledge


def _read_confirm(token: str) -> UUID:
    """The pledge that a link confirms, for as long as it is kept unconfirmed. Raises InvalidToken."""
    return UUID(office().signer.read(CONFIRM, token, _while_unconfirmed()))


def _while_unconfirmed() -> timedelta:
    """How long link and code are valid, as the letter with both says, and hence the page for the code."""
    return timedelta(days=office().unconfirmed_days)


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        abort(400)


@blueprint.get("/pledges/not-me/<token>/")
@link_holder
def not_me(token: str) -> Page:
    pledge = queries.get(_read_confirm(token))
    return render_template("pledge/not_me.html", token=token, pledge=pledge)


@blueprint.post("/pledges/not-me/<token>/")
@link_holder
def disown(token: str) -> Page:
    pledge = queries.get_locked(_read_confirm(token))
    if pledge is not None and pledge.status == Status.UNCONFIRMED:
        operations.disown(pledge)
        jobs.commit()
        pledge = None
    return render_template("pledge/not_me.html", token=token, pledge=pledge)


def _thank(pledge_id: UUID) -> Response:
    jobs.commit()
    return redirect(_thanks_url(pledge_id), 303)


def _thanks_url(pledge_id: UUID) -> str:
    return url_for("pledging.thanks", token=office().signer.sign(THANKS, str(pledge_id)))


@blueprint.get("/pledges/thanks/<token>/")
@link_holder
def thanks(token: str) -> Page:
    pledge = queries.get(UUID(office().signer.read(THANKS, token, THANKS_LIFETIME)))
    if pledge is None or pledge.status not in {Status.CONFIRMED, Status.HELD}:
        abort(410)
    return render_template("pledge/thanks.html", **_gratitude(pledge))


def _gratitude(pledge: Pledge) -> Mapping[str, Any]:
    country = counts_of(pledge.campaign_id, "country", pledge.country)
    colleagues = pledge.institution_id and counts_of(
        pledge.campaign_id, "institution", pledge.institution_id
    )
    others = [
        current_text(campaign.slug, i18n.current())
        for campaign in list_all()
        if campaign.id != pledge.campaign_id
    ]
    return {
        "pledge": pledge,
        "campaign": pledge.campaign,
        "text": current_text(pledge.campaign.slug, i18n.current()),
        "held": pledge.status == Status.HELD,
        "country_count": country.persons,
        "institution": pledge.institution,
        "institution_count": colleagues.persons if colleagues else 0,
        "other_campaigns": [text for text in others if text],
    }
