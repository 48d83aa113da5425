"""Signing in with a passkey, or with a password and a code; signing out; coming back to what one was doing."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from flask import (
    Blueprint,
    Response,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)

from campaign import audit, jobs
from campaign.clock import now
from campaign.desk import guard
from campaign.desk.access import setting_up, signed_in
from campaign.desk.signed_in import account, actor, is_signed_in, session
from campaign.http.access import anyone
from campaign.http.rate_limits import rate_limited
from campaign.http.rendering import Page
from campaign.i18n import gettext
from campaign.staff import (
    attempts,
    operations,
    passkeys,
    passwords,
    queries,
    sessions,
    tickets,
)
from campaign.staff.attempts import Source, TooManyAttempts
from campaign.staff.models import Account
from campaign.staff.passkeys import InvalidPasskey
from campaign.staff.passwords import ClockOff, WrongCode
from campaign.staff.policy import CHALLENGE_LIFETIME, current_policy
from campaign.staff.rules import normalized
from campaign.staff.tickets import InvalidTicket, Purpose

blueprint = Blueprint("signing_in", __name__, url_prefix="/sign-in")
SIGN_IN_LIMIT = "60 per minute"
_SECRET = re.compile(r"[\w-]{43}", re.ASCII)
_LONGEST_PATH = 2_000
# What browsers and systems call themselves in their requests, the special ones before those they imitate.
_BROWSERS = {
    "Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari",
}  # fmt: skip
_SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS",
    "Linux": "Linux",
}  # fmt: skip

log = logging.getLogger(__name__)


@blueprint.get("/")
@anyone
def ask() -> Page:
    if is_signed_in():
        return redirect(url_for("today.today"))
    is_over = "over" in request.args
    return _page(
        gettext("This link was used, or is too old. Ask for a new one.") if is_over else ""
    )


@blueprint.post("/")
@anyone
@rate_limited(SIGN_IN_LIMIT)
def check_password() -> Page:
    """Take as long, and say the same, where there is no such account."""
    address = normalized(request.form.get("address", "")[:300])
    found, source = queries.by_address(address), source_of(address)
    try:
        attempts.check(source, found, now())
    except TooManyAttempts:
        return _page(too_many()), 429
    if not passwords.is_password(found, request.form.get("password", "")) or found is None:
        return _failed(source, gettext("The address and the password do not belong together."))
    secret = tickets.issue(Purpose.SECOND_FACTOR, found, now() + CHALLENGE_LIFETIME)
    jobs.commit()
    return _code_page(secret, "")


@blueprint.post("/code/")
@anyone
@rate_limited(SIGN_IN_LIMIT)
def check_code() -> Page:
    secret = request.form.get("ticket", "")
    try:
        found = tickets.look(Purpose.SECOND_FACTOR, secret, now()).account
    except InvalidTicket:
        return _page(gettext("That took too long. Sign in again.")), 422
    assert found is not None, "a second factor is somebody's"
    source = source_of(found.address)
    try:
        attempts.check(source, found, now())
        passwords.use_code(current_policy(), found, request.form.get("code", ""), now())
        tickets.redeem(Purpose.SECOND_FACTOR, secret, now())
    except TooManyAttempts:
        return _code_page(secret, too_many()), 429
    except WrongCode as wrong:
        attempts.note_failure(source, now())
        if attempts.are_suspicious(source, now()):
            operations.warn_of_wrong_codes(current_policy(), found, now())
        jobs.commit()
        return _code_page(secret, code_problem(wrong)), 422
    except InvalidTicket:
        return _page(gettext("That took too long. Sign in again.")), 422
    return enter(found, "password")


@blueprint.post("/passkey/challenge")
@anyone
@rate_limited(SIGN_IN_LIMIT)
def challenge() -> Response:
    options, ticket = passkeys.challenge(current_policy(), now())
    jobs.commit()
    return jsonify(options=options, ticket=ticket)


@blueprint.post("/passkey")
@anyone
@rate_limited(SIGN_IN_LIMIT)
def check_passkey() -> Page:
    sent = sent_json()
    try:
        found = passkeys.verify(
            current_policy(), str(sent.get("ticket", "")), sent.get("credential"), now()
        )
    except InvalidPasskey:
        attempts.note_failure(source_of(""), now())
        jobs.commit()
        problem = gettext("This passkey was not accepted. Try again, or use your password.")
        return make_response(jsonify(problem=problem), 422)
    return enter(found, "passkey", str(sent.get("then", "")), str(sent.get("sealed", "")))


def sent_json() -> Mapping[str, Any]:
    """Return the object that a script of ours has sent, or an empty one where it is something else."""
    sent: object = request.get_json(silent=True)
    return sent if isinstance(sent, dict) else {}


@blueprint.get("/resume/<secret>/")
@signed_in
def resume(secret: str) -> Page:
    """Show what someone had written when their session ended; it is sent when they say so."""
    try:
        ticket = tickets.look(Purpose.SEALED, secret, now())
    except InvalidTicket:
        return redirect(url_for("today.today"))
    if ticket.account != account():
        return redirect(url_for("today.today"))
    return render_template(
        "desk/signing_in/resume.html",
        path=ticket.payload["path"],
        fields=guard.fields_of(ticket.payload),
    )


@blueprint.post("/out/")
@setting_up
def sign_out() -> Response:
    sessions.end(session(), now())
    audit.record(actor(), "signed out", f"account:{account().id}", {})
    jobs.commit()
    response = make_response(redirect(url_for("signing_in.ask")))
    guard.drop_cookie(response)
    # Nothing of the desk stays in a browser that others use, too.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def enter(
    found: Account, method: str, then: str | None = None, sealed: str | None = None
) -> Response:
    """Begin a new session, or renew the proof in this one, and lead back to what was asked for."""
    secret = _renew(found) or _begin(found, warns=method not in {"invitation", "reset"})
    audit.record(actor(), "signed in", f"account:{found.id}", {"by": method})
    jobs.commit()
    there = _where(
        request.form.get("then", "") if then is None else then,
        request.form.get("sealed", "") if sealed is None else sealed,
    )
    response = jsonify(location=there) if request.is_json else make_response(redirect(there, 303))
    guard.set_cookie(response, secret)
    return response


def _renew(found: Account) -> str:
    """Return the new secret of this session; "" where there is none, or that of someone else, which ends."""
    if not is_signed_in():
        return ""
    if account() is found and session().ended_at is None:
        return sessions.renew(session(), now())
    sessions.end(session(), now())
    return ""


def _begin(found: Account, *, warns: bool) -> str:
    g.staff_session, secret = sessions.begin(found, browser_name(), guard.network_hash(), now())
    if warns:
        operations.warn_of_unfamiliar(current_policy(), session())
    return secret


def _where(then: str, sealed: str) -> str:
    """Return where to go on: to what was written, to the page that was asked for, or to Today."""
    if _SECRET.fullmatch(sealed):
        return url_for("signing_in.resume", secret=sealed)
    # A path of ours: browsers read "//host" and "/\host" as other hosts.
    is_ours = then.startswith("/") and not then.startswith(("//", "/\\", "/sign-in/"))
    is_address = is_ours and then.isprintable() and len(then) <= _LONGEST_PATH
    return then if is_address else url_for("today.today")


def source_of(address: str) -> Source:
    """Return what failures are counted by."""
    policy = current_policy()
    return Source(policy.signer.fingerprint("staff address", address), guard.network_hash(policy))


def _failed(source: Source, problem: str) -> Page:
    attempts.note_failure(source, now())
    jobs.commit()
    return _page(problem), 422


def too_many() -> str:
    """Return what to do after too many failures."""
    return gettext("Too many sign-ins have failed. Wait 15 minutes, or use a passkey.")


def code_problem(wrong: WrongCode) -> str:
    """Return what to do about a code that was not accepted."""
    if isinstance(wrong, ClockOff):
        return gettext(
            "The clock of your phone is off by some minutes. Set it to the network’s time and try again."
        )
    return gettext(
        "This code is not right, or was used before. Wait for the next one. If that is not right either, set the"
        " clock of your phone to the network’s time."
    )


def _page(problem: str) -> str:
    return render_template(
        "desk/signing_in/sign_in.html",
        problem=problem,
        then=request.form.get("then", ""),
        sealed=request.form.get("sealed", ""),
        address=request.form.get("address", ""),
        again=account() if is_signed_in() else None,
    )


def _code_page(secret: str, problem: str) -> str:
    return render_template(
        "desk/signing_in/code.html",
        problem=problem,
        ticket=secret,
        then=request.form.get("then", ""),
        sealed=request.form.get("sealed", ""),
    )


def browser_name() -> str:
    """Return what an owner recognizes a browser by, such as "Firefox, Linux"."""
    agent = request.user_agent.string
    names = (
        next((name for sign, name in known.items() if sign in agent), "")
        for known in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(filter(None, names)) or "?"
