"""Coming in by a link from a letter: to accept an invitation, or after losing a password or a device."""

from contextlib import suppress

from flask import Blueprint, redirect, render_template, request, url_for

from campaign import i18n, jobs
from campaign.clock import now
from campaign.desk import signing_in
from campaign.desk.forms import Form
from campaign.http.access import anyone
from campaign.http.rate_limits import rate_limited
from campaign.http.rendering import Page
from campaign.pledges.queries import has_demo
from campaign.staff import attempts, operations, passwords, tickets
from campaign.staff.attempts import TooManyAttempts
from campaign.staff.models import Account
from campaign.staff.passwords import WrongCode
from campaign.staff.policy import current_policy
from campaign.staff.tickets import InvalidTicket, Purpose

blueprint = Blueprint("joining", __name__)


@blueprint.get("/join/<secret>/")
@anyone
def invitation(secret: str) -> Page:
    """Show who is invited to what. A program that looks at links in mail uses nothing up."""
    account = _invited(secret)
    if account is None:
        return _over()
    with i18n.in_language(account.locale):
        return render_template("desk/signing_in/invitation.html", invited=account, secret=secret)


@blueprint.post("/join/<secret>/")
@anyone
@rate_limited(signing_in.SIGN_IN_LIMIT)
def accept(secret: str) -> Page:
    """Let the invited set up how they sign in. The link works until that is done."""
    account = _invited(secret)
    if account is None:
        return _over()
    if account.joined_at:  # that of a demonstration
        return signing_in.enter(account, "invitation", then=url_for("today.today"), sealed="")
    operations.accept(account, now())
    return signing_in.enter(account, "invitation", then=url_for("me.set_up"), sealed="")


def _invited(secret: str) -> Account | None:
    """Return whose link it is. That of a demonstration opens nothing where the pledges are real."""
    with suppress(InvalidTicket):
        return tickets.look(Purpose.INVITATION, secret, now()).account
    with suppress(InvalidTicket):
        found = tickets.look(Purpose.DEMONSTRATION, secret, now()).account
        return found if has_demo() else None
    return None


@blueprint.get("/reset/")
@anyone
def ask_for_reset() -> Page:
    return render_template("desk/signing_in/ask_for_reset.html", form=Form(), sent=False)


@blueprint.post("/reset/")
@anyone
@rate_limited("10 per minute")
def send_reset() -> Page:
    """Answer the same, after the same work, whether or not the address has an account."""
    address = request.form.get("address", "")[:300]
    operations.request_reset(current_policy(), address, now())
    jobs.commit()
    return render_template("desk/signing_in/ask_for_reset.html", form=Form.posted(), sent=True)


@blueprint.get("/reset/<secret>/")
@anyone
def reset(secret: str) -> Page:
    try:
        tickets.look(Purpose.RESET, secret, now())
    except InvalidTicket:
        return _over()
    return render_template("desk/signing_in/reset.html", secret=secret, problem="")


@blueprint.post("/reset/<secret>/")
@anyone
@rate_limited(signing_in.SIGN_IN_LIMIT)
def use_reset(secret: str) -> Page:
    """Sign in someone who reads the mailbox and has a code: of two factors, a lost one is replaced by the link."""
    try:
        account = tickets.look(Purpose.RESET, secret, now()).account
    except InvalidTicket:
        return _over()
    assert account is not None, "a reset is somebody's"
    source = signing_in.source_of(account.address)
    try:
        attempts.check(source, account, now())
        passwords.use_code(current_policy(), account, request.form.get("code", ""), now())
        tickets.redeem(Purpose.RESET, secret, now())
    except TooManyAttempts:
        return _reset_page(secret, signing_in.too_many()), 429
    except WrongCode as wrong:
        attempts.note_failure(source, now())
        jobs.commit()
        return _reset_page(secret, signing_in.code_problem(wrong)), 422
    except InvalidTicket:
        return _over()
    operations.use_reset(current_policy(), account, now())
    return signing_in.enter(account, "reset", then=url_for("me.page"), sealed="")


def _reset_page(secret: str, problem: str) -> str:
    return render_template("desk/signing_in/reset.html", secret=secret, problem=problem)


def _over() -> Page:
    """Return the page for a link that was used or is too old."""
    return redirect(url_for("signing_in.ask", over="1"))
