"""Accounts: who works here, what each may do and where; invited, changed, ended."""

from collections.abc import Container, Mapping
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for

from campaign import geography, i18n, jobs
from campaign.clock import now
from campaign.desk.access import freshly, may
from campaign.desk.forms import Form
from campaign.desk.signed_in import account as own_account
from campaign.desk.signed_in import actor
from campaign.http.rendering import Page
from campaign.i18n import gettext, lazy_gettext
from campaign.institutions.queries import resolve
from campaign.staff import operations, queries, sessions
from campaign.staff.models import Account
from campaign.staff.operations import AddressTaken, LastAdministrator, Rights
from campaign.staff.policy import current_policy
from campaign.staff.rules import (
    InvalidAddress,
    InvalidName,
    InvalidRights,
    Permission,
    RightsProblem,
    Role,
)
from campaign.staff.scopes import Scope

blueprint = Blueprint("staff", __name__, url_prefix="/staff")
managers = may(Permission.MANAGE_STAFF)

# Named by the work: nobody's gender is guessed.
ROLES: Mapping[Role, tuple[str, str]] = {
    Role.ADMINISTRATOR: (
        lazy_gettext("Administration"),
        lazy_gettext("everything, and the accounts of others"),
    ),
    Role.EDITOR: (lazy_gettext("Editing"), lazy_gettext("writes and publishes texts")),
    Role.TRANSLATOR: (lazy_gettext("Translation"), lazy_gettext("translates texts")),
    Role.MODERATOR: (
        lazy_gettext("Review"),
        lazy_gettext("decides on held pledges, public words and names of institutions"),
    ),
    Role.SENDER: (lazy_gettext("Sending"), lazy_gettext("sends newsletters")),
    Role.ANALYST: (lazy_gettext("Analysis"), lazy_gettext("reads and exports numbers")),
    Role.COORDINATOR: (
        lazy_gettext("Coordination"),
        lazy_gettext("reviews, settles and exports for some countries"),
    ),
    Role.STEWARD: (
        lazy_gettext("Care of an institution"),
        lazy_gettext("looks after the page of one institution and sees its numbers"),
    ),
}


@blueprint.get("/")
@managers
def accounts() -> Page:
    found = queries.accounts()
    is_alone = sum(1 for one in found if not one.ended_at) == 1
    return render_template("desk/staff/list.html", accounts=found, roles=ROLES, is_alone=is_alone)


@blueprint.get("/invite/")
@managers
def new() -> Page:
    return _invitation_page(Form({"locale": own_account().locale}))


@blueprint.post("/invite/")
@managers
@freshly
def invite() -> Page:
    try:
        added = operations.add(
            actor(),
            request.form.get("address", ""),
            request.form.get("name", ""),
            _language(),
            _rights(),
        )
    except (InvalidAddress, InvalidName, InvalidRights, AddressTaken) as error:
        return _invitation_page(Form.posted(_problem(error))), 422
    _send_invitation(added)
    jobs.commit()
    return redirect(url_for("staff.show", account_id=added.id), 303)


def _send_invitation(invited: Account) -> None:
    secret = operations.invite(actor(), invited, now())
    operations.queue_invitation(current_policy(), invited, secret, own_account().name)


def _language() -> str:
    locale = request.form.get("locale", "")
    return locale if i18n.is_offered(locale) else own_account().locale


def _rights() -> Rights:
    """Return the rights that were chosen.

    Raises InvalidRights for what there is not: a limit that is left out would be none.
    """
    roles = _chosen("roles", set(Role), RightsProblem.NO_ROLE)
    countries = _chosen("countries", geography.COUNTRIES, RightsProblem.NO_COUNTRY)
    languages = _chosen("languages", i18n.offered(), RightsProblem.NO_LANGUAGE)
    scope = Scope(frozenset(countries) or None, _institution_id())
    return Rights([Role(role) for role in roles], scope, languages or None)


def _chosen(field: str, known: Container[str], problem: RightsProblem) -> list[str]:
    chosen = request.form.getlist(field)
    if not all(value in known for value in chosen):
        raise InvalidRights(problem)
    return chosen


def _institution_id() -> str | None:
    typed = request.form.get("institution", "").strip().removeprefix("https://ror.org/")
    if typed and not (found := resolve(typed)):
        raise InvalidRights(RightsProblem.NO_INSTITUTION)
    return found.id if typed and found else None


def _problem(error: Exception) -> dict[str, str]:
    """Return the sentence for what is wrong, by field."""
    if isinstance(error, AddressTaken):
        return {"address": gettext("There is an account with this address already.")}
    if isinstance(error, InvalidAddress):
        return {
            "address": gettext(
                "Enter an e-mail address in the usual form, for example name@university.edu."
            )
        }
    if isinstance(error, InvalidName):
        return {"name": gettext("Enter the name.")}
    assert isinstance(error, InvalidRights)
    return {
        RightsProblem.NO_ROLE: {"roles": gettext("Choose at least one kind of work.")},
        RightsProblem.NO_COUNTRY: {"countries": gettext("Choose the countries to coordinate.")},
        RightsProblem.NO_INSTITUTION: {
            "institution": gettext("Enter the ROR id of the institution.")
        },
        RightsProblem.NO_LANGUAGE: {
            "languages": gettext("Choose the languages to translate into.")
        },
        RightsProblem.ADMINISTRATOR_LIMITED: {
            "roles": gettext(
                "Administration has no limits: leave out countries and institution, or choose other work."
            )
        },
    }[error.problem]


def _invitation_page(form: Form) -> str:
    return render_template("desk/staff/invite.html", form=form, **_choices())


def _choices() -> Mapping[str, object]:
    return {
        "roles": ROLES,
        "countries": [
            (country.code, country.name) for country in geography.sorted_countries(i18n.current())
        ],
        "tags": [(tag, i18n.autonym(tag)) for tag in i18n.offered()],
    }


@blueprint.get("/<uuid:account_id>/")
@managers
def show(account_id: UUID) -> Page:
    return _account_page(_find(account_id))


def _account_page(found: Account, form: Form | None = None, problem: str = "") -> str:
    form = form or Form(
        {
            "roles": found.roles,
            "countries": found.countries or [],
            "languages": found.languages or [],
            "institution": found.institution_id or "",
        }
    )
    return render_template(
        "desk/staff/account.html",
        found=found,
        form=form,
        problem=problem,
        sessions=sessions.open_sessions(found, now()),
        **_choices(),
    )


@blueprint.post("/<uuid:account_id>/rights/")
@managers
@freshly
def change_rights(account_id: UUID) -> Page:
    found = _find(account_id)
    try:
        operations.change_rights(actor(), found, _rights())
    except InvalidRights as error:
        return _account_page(found, Form.posted(_problem(error))), 422
    except LastAdministrator:
        return _account_page(found, Form.posted({"roles": _last_administrator()})), 422
    jobs.commit()
    return redirect(url_for("staff.show", account_id=account_id), 303)


def _last_administrator() -> str:
    return gettext(
        "Nobody else could manage the desk then. Give these rights to someone else first."
    )


@blueprint.post("/<uuid:account_id>/invite/")
@managers
@freshly
def invite_again(account_id: UUID) -> Page:
    """Send a new invitation: to someone who has not come yet, or who has lost all ways in."""
    found = _find(account_id)
    if found is own_account():
        abort(403)
    _send_invitation(found)
    jobs.commit()
    return redirect(url_for("staff.show", account_id=account_id), 303)


@blueprint.post("/<uuid:account_id>/end/")
@managers
@freshly
def end(account_id: UUID) -> Page:
    found = _find(account_id)
    try:
        operations.end(actor(), found, now())
    except LastAdministrator:
        return _account_page(found, problem=_last_administrator()), 422
    jobs.commit()
    return redirect(url_for("staff.show", account_id=account_id), 303)


@blueprint.post("/<uuid:account_id>/reopen/")
@managers
@freshly
def reopen(account_id: UUID) -> Page:
    found = _find(account_id)
    operations.reopen(actor(), found)
    _send_invitation(found)
    jobs.commit()
    return redirect(url_for("staff.show", account_id=account_id), 303)


@blueprint.post("/<uuid:account_id>/sessions/end/")
@managers
@freshly
def end_sessions(account_id: UUID) -> Page:
    found = _find(account_id)
    operations.end_sessions(actor(), found, now())
    jobs.commit()
    return redirect(url_for("staff.show", account_id=account_id), 303)


def _find(account_id: UUID) -> Account:
    return queries.get(account_id) or abort(404)
