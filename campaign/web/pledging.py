"""Making a pledge: the form, the code or link from the e-mail, the thanks."""

from functools import partial
from uuid import UUID

from flask import abort, redirect, render_template, request, url_for

from campaign import jobs
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import takes_pledges
from campaign.clock import now
from campaign.http.access import anyone, link_holder
from campaign.http.form_counts import count_opened
from campaign.http.forms import Form, new_token, posted_values
from campaign.http.locales import localized
from campaign.http.lookup import text_or_404
from campaign.http.pledge_flow import (
    CodeRefused,
    FormHost,
    confirm_by_code,
    form_choices,
    handle_submission,
    pledge_from_thanks_token,
    submission_from_token,
    thank_you_context,
    thanks_token,
    while_unconfirmed,
)
from campaign.http.rate_limits import FORM_LIMIT, rate_limited
from campaign.http.rendering import Page
from campaign.http.sources import source_of
from campaign.institutions import queries as institution_queries
from campaign.pledges import operations
from campaign.pledges import queries as pledge_queries
from campaign.pledges.emails import CONFIRM
from campaign.pledges.models import Kind, NotAwaiting, Pledge, Status
from campaign.pledges.policy import current_policy

blueprint = localized("pledging", __name__)

TEMPLATES = {Kind.PERSON: "pledge/form.html", Kind.INSTITUTION: "pledge/institution_form.html"}


@blueprint.get("/campaigns/<slug>/pledge/")
@anyone
def form(slug: str) -> Page:
    return _open_form(slug, Kind.PERSON)


@blueprint.post("/campaigns/<slug>/pledge/")
@anyone
@rate_limited(FORM_LIMIT)
def submit(slug: str) -> Page:
    return handle_submission(slug, Kind.PERSON, _own_page(Kind.PERSON))


@blueprint.get("/campaigns/<slug>/pledge/institution/")
@anyone
def institution_form(slug: str) -> Page:
    return _open_form(slug, Kind.INSTITUTION)


@blueprint.post("/campaigns/<slug>/pledge/institution/")
@anyone
@rate_limited(FORM_LIMIT)
def submit_institution(slug: str) -> Page:
    return handle_submission(slug, Kind.INSTITUTION, _own_page(Kind.INSTITUTION))


def _open_form(slug: str, kind: Kind) -> Page:
    """An empty form; ``?institution=<ror id>`` fills in the reader's institution and its country."""
    text, values = text_or_404(slug), {}
    if institution := institution_queries.resolve(request.args.get("institution", "")):
        values = {
            "affiliation": ["institution"],
            "institution": [institution.id],
            "country": [institution.country],
        }
    count_opened(text.campaign_id, kind)
    return _form_page(kind, text, Form(values, token=new_token(text.id)))


def _own_page(kind: Kind) -> FormHost:
    """The form on a page of its own, as opposed to the one in a frame (``embed.frames``)."""
    return FormHost(
        show=partial(_form_page, kind),
        sent_url=lambda token: url_for("pledging.sent", token=token),
        source=source_of(request.args),
    )


def _form_page(kind: Kind, text: CampaignText, form: Form) -> str:
    if not takes_pledges(text.campaign_id):
        return render_template("pledge/closed.html", text=text)
    return render_template(
        TEMPLATES[kind], text=text, campaign=text.campaign, form=form, **form_choices(form)
    )


@blueprint.get("/pledges/sent/<token>/")
@link_holder
def sent(token: str) -> Page:
    submission_from_token(token)
    return render_template("pledge/sent.html", form=Form(), token=token)


@blueprint.post("/pledges/sent/<token>/")
@link_holder
@rate_limited(FORM_LIMIT)
def enter_code(token: str) -> Page:
    try:
        pledge_id = confirm_by_code(token)
    except CodeRefused as refused:
        form = Form(posted_values(), {"code": refused.problem})
        return render_template("pledge/sent.html", form=form, token=token), 422
    return redirect(_thanks_url(pledge_id), 303)


@blueprint.get("/pledges/confirm/<token>/")
@link_holder
def confirm(token: str) -> Page:
    """Show what is about to be confirmed. Only the button confirms, since mail scanners follow links."""
    pledge = _pledge_to_confirm(token)
    if pledge.status in {Status.CONFIRMED, Status.HELD}:
        return redirect(_thanks_url(pledge.id))
    return _confirm_page(pledge, token)


@blueprint.post("/pledges/confirm/<token>/")
@link_holder
def confirm_by_button(token: str) -> Page:
    pledge_id, submission = _read_confirm(token), _uuid(request.form.get("submission", ""))
    try:
        operations.confirm(current_policy(), pledge_id, submission, now())
    except operations.SupersededSubmission:
        return _confirm_page(_pledge_to_confirm(token), token, superseded=True), 409
    except NotAwaiting:
        abort(410)
    jobs.commit()
    return redirect(_thanks_url(pledge_id), 303)


def _confirm_page(pledge: Pledge, token: str, superseded: bool = False) -> str:
    return render_template(
        "pledge/confirm.html", pledge=pledge, text=pledge.text, token=token, superseded=superseded
    )


def _pledge_to_confirm(token: str) -> Pledge:
    """The pledge that a link confirms, locked. Raises InvalidToken; answers 410 where it was removed or refused."""
    pledge = pledge_queries.get_locked(_read_confirm(token))
    if pledge is None or pledge.status in {Status.REFUSED, Status.WITHDRAWN}:
        abort(410)
    return pledge


def _read_confirm(token: str) -> UUID:
    """Id of the pledge that a link confirms, as long as one is kept unconfirmed. Raises InvalidToken."""
    return UUID(current_policy().signer.read(CONFIRM, token, while_unconfirmed()))


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        abort(400)


@blueprint.get("/pledges/not-me/<token>/")
@link_holder
def not_me(token: str) -> Page:
    pledge = pledge_queries.get(_read_confirm(token))
    return render_template("pledge/not_me.html", token=token, pledge=pledge)


@blueprint.post("/pledges/not-me/<token>/")
@link_holder
def disown(token: str) -> Page:
    pledge = pledge_queries.get_locked(_read_confirm(token))
    if pledge is not None and pledge.status == Status.UNCONFIRMED:
        operations.disown(pledge)
        jobs.commit()
        pledge = None
    return render_template("pledge/not_me.html", token=token, pledge=pledge)


def _thanks_url(pledge_id: UUID) -> str:
    return url_for("pledging.thanks", token=thanks_token(pledge_id))


@blueprint.get("/pledges/thanks/<token>/")
@link_holder
def thanks(token: str) -> Page:
    pledge = pledge_from_thanks_token(token)
    return render_template("pledge/thanks.html", **thank_you_context(pledge))
