"""Making a pledge: the form, the code or link from the mail, the thanks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
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
from campaign.records.listing import receipt
from campaign.tallies.queries import counts_of
from campaign.tokens import InvalidToken
from campaign.web.access import anyone, link_holder
from campaign.web.certificates import certificate_token
from campaign.web.forms import Form, FormToken, new_token, office, posted_values, read_token
from campaign.web.locales import localized
from campaign.web.security import FORM_LIMIT, limited, network_of
from campaign.web.sources import source_of

blueprint = localized("pledging", __name__)
Page = str | Response | tuple[str, int]

THANKS, THANKS_LIFETIME = "thanks-page", timedelta(days=1)
TEMPLATES = {Kind.PERSON: "pledge/form.html", Kind.INSTITUTION: "pledge/institution_form.html"}


@dataclass(frozen=True)
class Place:
    """Where a form stands: on a page of its own, or in a frame on the page of an institution."""

    show: Callable[[CampaignText, Form], str]
    # The address where the code can be typed, given the token that allows it.
    sent_url: Callable[[str], str]
    # Values of ``Pledge.source`` and ``Pledge.source_page``.
    source: tuple[str, str | None]


class CodeRefused(Exception):
    """The typed code confirms nothing; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


@blueprint.get("/campaigns/<slug>/pledge/")
@anyone
def form(slug: str) -> Page:
    return _open_form(slug, Kind.PERSON)


@blueprint.post("/campaigns/<slug>/pledge/")
@anyone
@limited(FORM_LIMIT)
def submit(slug: str) -> Page:
    return take(slug, Kind.PERSON, _own_page(Kind.PERSON))


@blueprint.get("/campaigns/<slug>/pledge/institution/")
@anyone
def institution_form(slug: str) -> Page:
    return _open_form(slug, Kind.INSTITUTION)


@blueprint.post("/campaigns/<slug>/pledge/institution/")
@anyone
@limited(FORM_LIMIT)
def submit_institution(slug: str) -> Page:
    return take(slug, Kind.INSTITUTION, _own_page(Kind.INSTITUTION))


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


def _own_page(kind: Kind) -> Place:
    return Place(
        show=partial(_form_page, kind),
        sent_url=lambda token: url_for("pledging.sent", token=token),
        source=source_of(request.args),
    )


def take(slug: str, kind: Kind, place: Place) -> Page:
    """Take what was posted, and lead to the page for the code; or show the form again with what is wrong."""
    values = posted_values()
    try:
        token, text = _shown(slug)
    except InvalidToken:
        text = current_text(slug, i18n.current()) or abort(404)
        problems = {"form_token": Problem("form-expired")}
        return place.show(text, Form(values, problems, new_token(text.id))), 400
    if request.form.get("action") == "find":
        return place.show(text, Form(values, token=request.form["form_token"]))
    try:
        draft, address = check_with_address(kind, values, text, institutions.affiliation)
    except InvalidPledge as invalid:
        return place.show(text, Form(values, invalid.problems, request.form["form_token"])), 422
    # The same form sent again with other words is another one: whoever saw the first cannot confirm the second.
    submission = uuid5(token.submission, repr(sorted(values.items())))
    operations.submit(
        office(),
        draft,
        address,
        text,
        submission,
        _circumstances(token, place.source),
        locale=i18n.current(),
        newsletter="newsletter" in values,
        now=now(),
    )
    jobs.commit()
    return redirect(place.sent_url(office().signer.sign(SENT, str(submission))), 303)


def _shown(slug: str) -> tuple[FormToken, CampaignText]:
    """What the signed token says was on the screen. Raises InvalidToken, also for another campaign's token."""
    token = read_token(request.form.get("form_token", ""))
    text = text_by_id(token.text_id)
    if text is None or text.campaign.slug != slug:
        raise InvalidToken
    return token, text


def _circumstances(token: FormToken, source: tuple[str, str | None]) -> Circumstances:
    return Circumstances(
        network_hash=office().signer.fingerprint("network", network_of(request.remote_addr or "")),
        form_opened_at=token.opened_at,
        honeypot_filled=bool(request.form.get("website")),
        source=source[0],
        source_page=source[1],
    )


def _form_page(kind: Kind, text: CampaignText, form: Form) -> str:
    return render_template(
        TEMPLATES[kind], text=text, campaign=text.campaign, form=form, **choices(form)
    )


def choices(form: Form) -> dict[str, Any]:
    """What a pledge form offers, with the institutions that its words may mean."""
    chosen = institutions.resolve(form.value("institution"))
    query = form.value("institution_query")
    searches = query and (not chosen or form.value("action") == "find")
    matches = _matches(query, form.value("country")) if searches else []
    return {
        **offered(),
        "chosen_institution": None if matches else chosen,
        "matches": matches,
        "proposals": [] if chosen or query else _proposals(form.value("email")),
    }


def offered() -> dict[str, Any]:
    """What the selects of every pledge form offer."""
    return {
        "countries": sorted_countries(i18n.current()),
        "fields": [
            (area.name, [(field.code, field.name) for field in area.fields])
            for area in BROAD_FIELDS
        ],
        "roles": list(ROLES.items()),
    }


def _matches(query: str, country: str) -> list[Any]:
    return list(institutions.search(query[:200], locale=i18n.current(), country=country or None))


def _proposals(address: str) -> list[Any]:
    domain = address.rpartition("@")[2].strip().lower()
    return institutions.propose_by_domain(domain, locale=i18n.current()) if domain else []


@blueprint.get("/pledges/sent/<token>/")
@link_holder
def sent(token: str) -> Page:
    sent_submission(token)
    return render_template("pledge/sent.html", form=Form(), token=token)


@blueprint.post("/pledges/sent/<token>/")
@link_holder
@limited(FORM_LIMIT)
def enter_code(token: str) -> Page:
    try:
        pledge_id = confirm_by_code(token)
    except CodeRefused as refused:
        form = Form(posted_values(), {"code": refused.problem})
        return render_template("pledge/sent.html", form=form, token=token), 422
    return redirect(_thanks_url(pledge_id), 303)


def sent_submission(token: str) -> UUID:
    """What was sent by whoever got this token. Raises InvalidToken."""
    return UUID(office().signer.read(SENT, token, _while_unconfirmed()))


def confirm_by_code(token: str) -> UUID:
    """Confirm the pledge of this token by the posted code; return its id. Raises CodeRefused, InvalidToken."""
    submission = sent_submission(token)
    code = "".join(str(int(c)) for c in request.form.get("code", "")[:40] if c.isdecimal())
    if not code:
        raise CodeRefused(Problem("required"))
    try:
        pledge = operations.confirm_by_code(office(), submission, code, now())
    except (operations.WrongCode, operations.NotAwaiting):
        jobs.commit()  # the attempt counts
        raise CodeRefused(Problem("wrong-code")) from None
    jobs.commit()
    return pledge.id


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
    return url_for("pledging.thanks", token=thanks_token(pledge_id))


def thanks_token(pledge_id: UUID) -> str:
    return office().signer.sign(THANKS, str(pledge_id))


@blueprint.get("/pledges/thanks/<token>/")
@link_holder
def thanks(token: str) -> Page:
    pledge = thanked(token)
    return render_template("pledge/thanks.html", **gratitude(pledge))


def thanked(token: str) -> Pledge:
    """The pledge that its person is thanked for. Raises InvalidToken; answers 410 where it is gone meanwhile."""
    pledge = queries.get(UUID(office().signer.read(THANKS, token, THANKS_LIFETIME)))
    if pledge is None or pledge.status not in {Status.CONFIRMED, Status.HELD}:
        abort(410)
    return pledge


def gratitude(pledge: Pledge) -> Mapping[str, Any]:
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
        "receipt": receipt(office().signer, pledge.id),
        "certificate": certificate_token(pledge),
        "country_count": country.persons,
        "institution": pledge.institution,
        "institution_count": colleagues.persons if colleagues else 0,
        "other_campaigns": [text for text in others if text],
    }
