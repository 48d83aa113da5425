"""People: found by whole address or by name; all that is held about one, and what may be done about it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for

from campaign import geography, i18n, jobs
from campaign.clock import now
from campaign.desk.access import freshly, may
from campaign.desk.forms import Form
from campaign.desk.signed_in import account, actor, scope
from campaign.http.messages import message
from campaign.http.pledge_flow import select_options, values_of
from campaign.http.rendering import Page
from campaign.i18n import gettext
from campaign.institutions.queries import affiliation
from campaign.people import operations as people_operations
from campaign.people.models import Person
from campaign.people.rules import InvalidAddress, parse_address
from campaign.pledges import finding, operations, queries
from campaign.pledges.models import Kind, NotAwaiting, Pledge, Status
from campaign.pledges.policy import current_policy
from campaign.pledges.rules import InvalidPledge, check
from campaign.staff.rules import Permission
from campaign.staff.scopes import OutOfScope
from campaign.text import InvalidText, clean_line

blueprint = Blueprint("people", __name__, url_prefix="/people")
finders = may(Permission.FIND_PEOPLE)
erasers = may(Permission.ERASE_PEOPLE)

SOURCE_LENGTH = 200


@blueprint.get("/")
@finders
def find() -> Page:
    name = request.args.get("name", "").strip()
    found = finding.by_name(scope(), name) if name else []
    return _find_page(Form({"who": name}), found, searched=bool(name))


@blueprint.post("/")
@finders
def look_up() -> Page:
    """Lead to the person of an address, or to those of a name. Addresses stand in no address of ours."""
    typed = request.form.get("who", "").strip()
    if "@" not in typed:
        return redirect(url_for("people.find", name=typed or None), 303)
    try:
        people = finding.by_address(current_policy().signer, scope(), parse_address(typed))
    except InvalidAddress:
        return _find_page(Form.posted({"who": gettext("This is not a whole address.")})), 422
    if len(people) == 1:
        return redirect(url_for("people.person", person_id=people[0].id), 303)
    return _find_page(Form.posted(), people=people, searched=True), 200 if people else 422


def _find_page(
    form: Form,
    found: Sequence[finding.Found] = (),
    people: Sequence[Person] = (),
    *,
    searched: bool = False,
) -> str:
    return render_template(
        "desk/people/find.html",
        form=form,
        found=found,
        people=people,
        searched=searched,
        is_cut=len(found) == finding.MOST_FOUND,
        may_import=account().may(Permission.IMPORT_PEOPLE),
    )


@blueprint.get("/<uuid:person_id>/")
@finders
def person(person_id: UUID) -> Page:
    return _person_page(person_id)


def _person_page(person_id: UUID, form: Form | None = None) -> str:
    held = finding.held(scope(), person_id)
    return render_template(
        "desk/people/person.html",
        held=held,
        trails={pledge.id: queries.trail(pledge.id) for pledge in held.pledges},
        form=form or Form(),
        may_erase=account().may(Permission.ERASE_PEOPLE) and scope().is_everything,
    )


@blueprint.post("/<uuid:person_id>/export/")
@finders
@freshly
def export(person_id: UUID) -> Response:
    """Hand out all that is held, for someone who asks for it by another way than their own page."""
    content = finding.everything_about(scope(), finding.person_within(scope(), person_id))
    finding.note_export(person_id, actor())
    jobs.commit()
    response = jsonify(content)
    response.headers["Content-Disposition"] = 'attachment; filename="person.json"'
    return response


@blueprint.post("/<uuid:person_id>/no/")
@finders
def note_no(person_id: UUID) -> Page:
    source = _line("source")
    if not source:
        return _person_page(person_id, Form.posted({"source": _say_how()})), 422
    finding.note_no(scope(), person_id, source, account().locale, now(), actor())
    return _saved(person_id)


@blueprint.post("/<uuid:person_id>/suppress/")
@finders
def suppress(person_id: UUID) -> Page:
    reason = _line("reason")
    if not reason:
        return _person_page(person_id, Form.posted({"reason": _say_how()})), 422
    finding.suppress(scope(), person_id, reason, actor())
    return _saved(person_id)


@blueprint.post("/<uuid:person_id>/release/")
@finders
@freshly
def release(person_id: UUID) -> Page:
    found = finding.person_within(scope(), person_id)
    people_operations.release(found.fingerprint, actor())
    return _saved(person_id)


def _line(name: str) -> str:
    """Return what stands in a field, in one line; nothing where it cannot be accepted."""
    try:
        return clean_line(request.form.get(name, ""), SOURCE_LENGTH)
    except InvalidText:
        return ""


def _say_how() -> str:
    return gettext("Say how and when they told you, in one line.")


def _saved(person_id: UUID) -> Page:
    jobs.commit()
    return redirect(url_for("people.person", person_id=person_id), 303)


@blueprint.get("/<uuid:person_id>/erase/")
@erasers
@freshly
def plan_erasure(person_id: UUID) -> Page:
    _check_sees_all()
    return render_template("desk/people/erase.html", held=finding.held(scope(), person_id))


@blueprint.post("/<uuid:person_id>/erase/")
@erasers
@freshly
def erase(person_id: UUID) -> Page:
    finding.erase(scope(), person_id, actor())
    jobs.commit()
    return redirect(url_for("people.find"), 303)


def _check_sees_all() -> None:
    """Raises OutOfScope where a person may have more than is shown."""
    if not scope().is_everything:
        raise OutOfScope


@blueprint.get("/<uuid:person_id>/supporter/")
@finders
def edit_supporter(person_id: UUID) -> Page:
    supporter = finding.held(scope(), person_id).supporter or abort(404)
    values = {
        "name": supporter.name or "",
        "country": supporter.country or "",
        "institution": supporter.institution_text or "",
    }
    return _supporter_page(person_id, Form(values))


@blueprint.post("/<uuid:person_id>/supporter/")
@finders
def correct_supporter(person_id: UUID) -> Page:
    country = request.form.get("country", "")
    if country and (not geography.is_country(country) or not scope().covers(country)):
        problem = {"country": gettext("Choose a country that you look after.")}
        return _supporter_page(person_id, Form.posted(problem)), 422
    name, institution = _line("name") or None, _line("institution") or None
    finding.correct_supporter(scope(), person_id, name, country or None, institution, actor())
    return _saved(person_id)


def _supporter_page(person_id: UUID, form: Form) -> str:
    finding.person_within(scope(), person_id)
    return render_template(
        "desk/people/supporter.html", form=form, person_id=person_id, countries=_countries()
    )


def _countries() -> list[tuple[str, str]]:
    """Return the countries that the account looks after, by code."""
    named = geography.sorted_countries(i18n.current())
    return [(code, name) for code, name in named if scope().covers(code, scope().institution_id)]


@blueprint.get("/pledges/<uuid:pledge_id>/correct/")
@finders
def edit_pledge(pledge_id: UUID) -> Page:
    pledge = finding.pledge_within(scope(), pledge_id)
    return _pledge_page(pledge, Form(values_of(pledge)))


@blueprint.post("/pledges/<uuid:pledge_id>/correct/")
@finders
def correct_pledge(pledge_id: UUID) -> Page:
    """Correct what the form shows; the rest of the pledge stays as its person said it."""
    pledge = finding.locked_within(scope(), pledge_id)
    values = {**values_of(pledge), **request.form.to_dict(flat=False)}
    if not pledge.listed:
        values["listed"] = ["anonymous"]  # nobody is shown by name but by their own wish
    try:
        draft = check(Kind(pledge.kind), values, pledge.text, affiliation)
    except InvalidPledge as invalid:
        problems = {name: message(name, problem) for name, problem in invalid.problems.items()}
        return _pledge_page(pledge, Form(values, problems)), 422
    scope().check(draft.country, draft.institution.id if draft.institution else None)
    try:
        operations.correct(current_policy(), pledge, draft, account().locale, now(), actor())
    except NotAwaiting:
        return redirect(url_for("people.person", person_id=pledge.person_id), 303)
    return _saved(pledge.person_id)


def _pledge_page(pledge: Pledge, form: Form) -> str:
    options: Mapping[str, object] = {**select_options(), "countries": _countries()}
    return render_template("desk/people/pledge.html", pledge=pledge, form=form, **options)


@blueprint.get("/pledges/<uuid:pledge_id>/withdraw/")
@finders
@freshly
def plan_withdrawal(pledge_id: UUID) -> Page:
    pledge = finding.pledge_within(scope(), pledge_id)
    if pledge.status not in {Status.CONFIRMED, Status.HELD}:
        return redirect(url_for("people.person", person_id=pledge.person_id), 303)
    return render_template("desk/people/withdraw.html", pledge=pledge)


@blueprint.post("/pledges/<uuid:pledge_id>/withdraw/")
@finders
@freshly
def withdraw(pledge_id: UUID) -> Page:
    """Withdraw it for its person; one that was withdrawn meanwhile stays as it is."""
    pledge = finding.locked_within(scope(), pledge_id)
    person_id = pledge.person_id
    try:
        operations.withdraw(current_policy(), pledge, now(), actor())
    except NotAwaiting:
        jobs.rollback()
    return _saved(person_id)
