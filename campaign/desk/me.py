"""One's own account: how one signs in, where one is signed in, language and keys."""

from uuid import UUID

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from markupsafe import Markup

from campaign import audit, i18n, jobs
from campaign.clock import now
from campaign.db import db
from campaign.desk import guard, signing_in
from campaign.desk.access import freshly, setting_up, signed_in
from campaign.desk.forms import Form
from campaign.desk.signed_in import account, actor, session
from campaign.http.rendering import Page
from campaign.i18n import gettext
from campaign.qr import qr_svg
from campaign.staff import identities, operations, passkeys, passwords, sessions, tickets
from campaign.staff.models import Passkey, StaffSession
from campaign.staff.passkeys import InvalidPasskey, LastWayIn
from campaign.staff.passwords import WeakPassword, WrongCode
from campaign.staff.policy import CHALLENGE_LIFETIME, current_policy
from campaign.staff.rules import InvalidName, check_name
from campaign.staff.tickets import InvalidTicket, Purpose

blueprint = Blueprint("me", __name__, url_prefix="/me")


@blueprint.get("/")
@signed_in
def page() -> Page:
    return _page(_own_form())


def _own_form() -> Form:
    return Form({"name": account().name, "locale": account().locale, "keys": _keys()})


def _keys() -> list[str]:
    return ["on"] if account().uses_keys else []


def _page(form: Form, problem: str = "") -> str:
    return render_template(
        "desk/me/page.html",
        form=form,
        problem=problem,
        passkeys=passkeys.of_account(account()),
        identities=identities.of_account(account()),
        sessions=sessions.open_sessions(account(), now()),
        this_session=session(),
    )


@blueprint.post("/")
@signed_in
def change() -> Page:
    """Change name, language, and whether single keys act."""
    try:
        name = check_name(request.form.get("name", ""))
    except InvalidName:
        return _page(Form.posted({"name": gettext("Enter your name.")})), 422
    locale = request.form.get("locale", "")
    if not i18n.is_offered(locale):
        return _page(Form.posted({"locale": gettext("Choose one of the languages.")})), 422
    account().name, account().locale = name, locale
    account().uses_keys = "keys" in request.form
    audit.record(actor(), "own account changed", f"account:{account().id}", {})
    jobs.commit()
    return redirect(url_for("me.page"), 303)


@blueprint.get("/set-up/")
@setting_up
def set_up() -> Page:
    """Offer the two ways to sign in, to someone who has accepted an invitation."""
    if account().joined_at:
        return redirect(url_for("me.page"))
    return render_template("desk/me/set_up.html")


@blueprint.post("/passkeys/options")
@setting_up
@freshly
def passkey_options() -> Response:
    options, ticket = passkeys.registration(
        current_policy(), account(), gettext("Light Up the Heart of Science"), now()
    )
    jobs.commit()
    return jsonify(options=options, ticket=ticket)


@blueprint.post("/passkeys")
@setting_up
@freshly
def add_passkey() -> Page:
    sent = signing_in.sent_json()
    try:
        passkeys.add(
            current_policy(),
            account(),
            str(sent.get("ticket", "")),
            sent.get("credential"),
            signing_in.browser_name(),
            now(),
        )
    except InvalidPasskey:
        problem = gettext("The passkey could not be made. Try again.")
        return make_response(jsonify(problem=problem), 422)
    changed("passkey added")
    return jsonify(location=next_address())


@blueprint.post("/passkeys/<uuid:passkey_id>/remove/")
@signed_in
@freshly
def remove_passkey(passkey_id: UUID) -> Page:
    passkey = db.session.get(Passkey, passkey_id)
    if passkey is None or passkey.account_id != account().id:
        abort(404)
    try:
        passkeys.remove(account(), passkey)
    except LastWayIn:
        return last_way_in()
    changed("passkey removed")
    return redirect(url_for("me.page"), 303)


@blueprint.get("/password/")
@setting_up
@freshly
def password() -> Page:
    return _password_page(passwords.new_app_secret(), {})


@blueprint.post("/password/")
@setting_up
@freshly
def set_password() -> Page:
    """Set a password together with the app that makes the codes: neither is enough alone."""
    try:
        ticket = tickets.look(Purpose.NEW_APP, request.form.get("ticket", ""), now())
        if ticket.account is not account():
            raise InvalidTicket
    except InvalidTicket:
        return _password_page(
            passwords.new_app_secret(), {"code": gettext("That took too long. Scan the new code.")}
        ), 422
    secret = str(ticket.payload["secret"])
    problems = _set_password(secret)
    if problems:
        jobs.rollback()
        return _password_page(secret, problems), 422
    tickets.redeem(Purpose.NEW_APP, request.form["ticket"], now())
    sessions.end_all(account(), now(), but=session().id)
    changed("password changed")
    return redirect(next_address(), 303)


def _set_password(secret: str) -> dict[str, str]:
    """Store both; return what is wrong, by field."""
    problems: dict[str, str] = {}
    try:
        passwords.set_password(account(), request.form.get("password", ""))
    except WeakPassword:
        problems["password"] = gettext(
            "Use at least 12 characters that others would not guess, such as four unrelated words."
        )
    try:
        passwords.set_app(current_policy(), account(), secret, request.form.get("code", ""), now())
    except WrongCode as wrong:
        problems["code"] = signing_in.code_problem(wrong)
    return problems


def _password_page(secret: str, problems: dict[str, str]) -> str:
    ticket = tickets.issue(
        Purpose.NEW_APP, account(), now() + 2 * CHALLENGE_LIFETIME, {"secret": secret}
    )
    jobs.commit()
    site = gettext("Light Up the Heart of Science")
    picture = qr_svg(passwords.app_address(account(), secret, site))
    return render_template(
        "desk/me/password.html",
        form=Form({}, problems),
        ticket=ticket,
        picture=Markup(picture),  # noqa: S704 (drawn by us)
        secret=secret,
    )


@blueprint.get("/codes/")
@setting_up
@freshly
def codes() -> Page:
    return render_template("desk/me/codes.html", codes=[])


@blueprint.post("/codes/")
@setting_up
@freshly
def new_codes() -> Page:
    """Show new recovery codes, once; those of before are void."""
    made = passwords.new_recovery_codes(current_policy(), account())
    changed("recovery codes made")
    return render_template("desk/me/codes.html", codes=made)


@blueprint.post("/joined/")
@setting_up
def joined() -> Page:
    """End the setting up, once there is a way to sign in and the codes are kept."""
    has_key = passkeys.of_account(account()) or account().password_hash
    if not has_key and not identities.of_account(account()):
        return redirect(url_for("me.set_up"), 303)
    if not account().joined_at:
        operations.join(account(), now(), session().id)
        jobs.commit()
    return redirect(url_for("today.today"), 303)


@blueprint.post("/sessions/<uuid:session_id>/end/")
@signed_in
@freshly
def end_session(session_id: UUID) -> Page:
    other = db.session.get(StaffSession, session_id)
    if other is None or other.account_id != account().id:
        abort(404)
    sessions.end(other, now())
    audit.record(actor(), "session ended", f"account:{account().id}", {"session": str(other.id)})
    jobs.commit()
    response = make_response(redirect(url_for("me.page"), 303))
    if other is session():
        guard.drop_cookie(response)
    return response


@blueprint.post("/sessions/end/")
@signed_in
@freshly
def end_other_sessions() -> Page:
    sessions.end_all(account(), now(), but=session().id)
    audit.record(actor(), "other sessions ended", f"account:{account().id}", {})
    jobs.commit()
    return redirect(url_for("me.page"), 303)


def changed(action: str) -> None:
    """Note a change in how the account signs in, and tell its owner by mail once they have joined."""
    audit.record(actor(), action, f"account:{account().id}", {})
    if account().joined_at:
        operations.warn(current_policy(), account(), action)
    jobs.commit()


def last_way_in() -> Page:
    """Return the page that says why something cannot be removed."""
    return _page(_own_form(), gettext("This is your only way in. Add another one first.")), 422


def next_address() -> str:
    """Return where someone goes on who has changed how they sign in, also on their first day."""
    return url_for("me.page") if account().joined_at else url_for("me.codes")
