"""A person's own page, behind a signed link from an e-mail: see, correct, unlist, withdraw, export, erase."""

from dataclasses import dataclass
from uuid import UUID

from flask import abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from campaign import i18n, jobs
from campaign.clock import now
from campaign.db import db
from campaign.http.access import anyone, link_holder
from campaign.http.forms import Form, posted_values
from campaign.http.locales import localized
from campaign.http.lookup import text_of
from campaign.http.pledge_flow import form_choices, network_hash, values_of
from campaign.http.rate_limits import FORM_LIMIT, rate_limited
from campaign.http.rendering import Page
from campaign.institutions.queries import affiliation
from campaign.people import operations as people_operations
from campaign.people import queries as people_queries
from campaign.people.models import Person
from campaign.pledges import certificates, finding, operations, submitting
from campaign.pledges import queries as pledge_queries
from campaign.pledges.emails import MINE, MINE_LIFETIME
from campaign.pledges.models import Kind, Pledge, PledgeEvent, Status
from campaign.pledges.policy import current_policy
from campaign.pledges.rules import InvalidPledge, check, check_address
from campaign.records.listing import receipt
from campaign.staff.scopes import EVERYTHING

blueprint = localized("my_pledges", __name__, "/my")


@dataclass(frozen=True)
class MyPledge:
    """A pledge on its person's page.

    ``events`` is its history, ``receipt`` what finds it in the published list, ``certificate`` the token of the
    link to its certificate; the last two are None unless it counts.
    """

    pledge: Pledge
    title: str
    events: list[PledgeEvent]
    can_change: bool
    receipt: str | None
    certificate: str | None


@blueprint.get("/")
@anyone
def ask() -> Page:
    return render_template("my_pledges/ask.html", form=Form(), sent=False)


@blueprint.post("/")
@anyone
@rate_limited(FORM_LIMIT)
def send_link() -> Page:
    """Answers the same whether or not the address is known."""
    try:
        address = check_address(posted_values())
    except InvalidPledge as invalid:
        return render_template(
            "my_pledges/ask.html", form=Form(posted_values(), invalid.problems), sent=False
        ), 422
    submitting.ask_for_my_link(current_policy(), address, i18n.current(), network_hash())
    jobs.commit()
    return render_template("my_pledges/ask.html", form=Form(posted_values()), sent=True)


@blueprint.get("/<token>/")
@link_holder
def page(token: str) -> Page:
    person = _person(token)
    return render_template(
        "my_pledges/page.html",
        person=person,
        token=token,
        pledges=[_my_pledge(pledge) for pledge in pledge_queries.of_person(person.id)],
        newsletter=people_queries.has_consented(person.id, "newsletter"),
        saved="saved" in request.args,
    )


def _my_pledge(pledge: Pledge) -> MyPledge:
    signer = current_policy().signer
    return MyPledge(
        pledge,
        title=text_of(pledge).title,
        events=list(pledge_queries.trail(pledge.id)),
        can_change=pledge.status in {Status.CONFIRMED, Status.HELD},
        receipt=receipt(signer, pledge.id) if pledge.status == Status.CONFIRMED else None,
        certificate=certificates.token_of(signer, pledge),
    )


@blueprint.get("/<token>/pledges/<uuid:pledge_id>/")
@link_holder
def edit(token: str, pledge_id: UUID) -> Page:
    pledge = _pledge(token, pledge_id)
    return _edit_page(token, pledge, Form(values_of(pledge)))


@blueprint.post("/<token>/pledges/<uuid:pledge_id>/")
@link_holder
def correct(token: str, pledge_id: UUID) -> Page:
    pledge = _pledge(token, pledge_id)
    if request.form.get("action") == "find":
        return _edit_page(token, pledge, Form(posted_values()))
    try:
        draft = check(Kind(pledge.kind), posted_values(), pledge.text, affiliation)
    except InvalidPledge as invalid:
        return _edit_page(token, pledge, Form(posted_values(), invalid.problems)), 422
    operations.correct(current_policy(), pledge, draft, i18n.current(), now())
    return _saved(token)


def _edit_page(token: str, pledge: Pledge, form: Form) -> str:
    return render_template(
        "my_pledges/edit.html",
        pledge=pledge,
        text=pledge.text,
        campaign=pledge.campaign,
        token=token,
        form=form,
        **form_choices(form),
    )


@blueprint.post("/<token>/pledges/<uuid:pledge_id>/listing")
@link_holder
def listing(token: str, pledge_id: UUID) -> Page:
    pledge, listed = _pledge(token, pledge_id), request.form.get("listed") == "yes"
    if pledge.kind == Kind.INSTITUTION:
        abort(404)  # it is public as a whole, or withdrawn
    operations.set_listed(pledge, listed, i18n.current(), now())
    return _saved(token)


@blueprint.get("/<token>/pledges/<uuid:pledge_id>/withdraw")
@link_holder
def ask_to_withdraw(token: str, pledge_id: UUID) -> Page:
    pledge = _pledge(token, pledge_id)
    return render_template("my_pledges/withdraw.html", pledge=pledge, text=pledge.text, token=token)


@blueprint.post("/<token>/pledges/<uuid:pledge_id>/withdraw")
@link_holder
def withdraw(token: str, pledge_id: UUID) -> Page:
    operations.withdraw(current_policy(), _pledge(token, pledge_id), now())
    return _saved(token)


@blueprint.post("/<token>/newsletter")
@link_holder
def newsletter(token: str) -> Page:
    granted = request.form.get("newsletter") == "yes"
    people_operations.record_consent(
        _person(token).id, "newsletter", granted, i18n.current(), now()
    )
    return _saved(token)


@blueprint.get("/<token>/export")
@link_holder
def export(token: str) -> Response:
    """Everything that is kept about the person, as JSON (GDPR, articles 15 and 20)."""
    person = _person(token)
    response = jsonify(finding.everything_about(EVERYTHING, person))
    response.headers["Content-Disposition"] = 'attachment; filename="my-pledges.json"'
    return response


@blueprint.get("/<token>/erase")
@link_holder
def ask_to_erase(token: str) -> Page:
    _person(token)
    return render_template("my_pledges/erase.html", token=token)


@blueprint.post("/<token>/erase")
@link_holder
def erase(token: str) -> Page:
    operations.erase_person(_person(token))
    jobs.commit()
    return render_template("my_pledges/erased.html")


def _person(token: str) -> Person:
    """The person that a link belongs to. Raises InvalidToken; answers 410 where they were erased meanwhile."""
    person_id = UUID(current_policy().signer.read(MINE, token, MINE_LIFETIME))
    return db.session.get(Person, person_id) or abort(410)


def _pledge(token: str, pledge_id: UUID) -> Pledge:
    """A pledge that the holder of the link may change, its row locked. Answers 404 for every other pledge."""
    person = _person(token)
    pledge = pledge_queries.get_locked(pledge_id)
    if (
        pledge is None
        or pledge.person_id != person.id
        or pledge.status not in {Status.CONFIRMED, Status.HELD}
    ):
        abort(404)
    return pledge


def _saved(token: str) -> Response:
    jobs.commit()
    return redirect(url_for("my_pledges.page", token=token, saved=1), 303)
