"""Before each request: whose session it is, where it was sent from, whether its account may.

Nothing is open by default. Every refusal happens here, before a view runs.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Flask,
    Request,
    Response,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from campaign import i18n, jobs
from campaign.clock import now
from campaign.desk.access import SETTING_UP, SIGNED_IN
from campaign.desk.signed_in import account, form_token, is_form_token, is_signed_in
from campaign.http.access import ANYONE
from campaign.http.headers import PRIVATE
from campaign.http.origin import SAFE_METHODS
from campaign.http.rate_limits import network_of
from campaign.staff import sessions, tickets
from campaign.staff.models import StaffSession
from campaign.staff.policy import LONGEST_SESSION, StaffPolicy, current_policy
from campaign.staff.scopes import EVERYTHING, enclose
from campaign.staff.tickets import Purpose

# Larger than any form of the desk; what is uploaded is not sealed.
_MOST_SEALED = 200_000
# So many forms are kept for one account, so that an old cookie cannot fill the database.
_MOST_FORMS = 20
# Nothing of a form with one of these is kept.
_SECRET_FIELDS = frozenset({"password", "code", "ticket"})


class _Parameters(ImmutableMultiDict[str, Any]):
    """Fields of a form or an address without NUL, which PostgreSQL's text cannot contain."""

    def __init__(self, mapping: Any = None) -> None:  # noqa: ANN401 (Werkzeug's)
        pairs = MultiDict(mapping or ()).items(multi=True)
        super().__init__([(name, _without_nul(value)) for name, value in pairs])


def _without_nul(value: object) -> object:
    """Return a text with the sign for what cannot be shown in place of NUL; files as they are."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


class DeskRequest(Request):
    """A request whose fields the database can hold."""

    parameter_storage_class = _Parameters


def init_app(app: Flask) -> None:
    """Guard every view of the application."""
    app.request_class = DeskRequest
    for check in (open_session, refuse_foreign_posts, check_access):
        app.before_request(check)
    app.after_request(keep_nowhere)
    app.teardown_request(lambda _error: enclose(EVERYTHING))
    app.jinja_env.globals["form_token"] = form_token


def cookie_name() -> str:
    """Return the name of the cookie: the prefix binds it to this host, by https only (RFC 6265bis, 4.1.3)."""
    return "__Host-desk" if _is_https() else "desk"


def set_cookie(response: Response, secret: str) -> None:
    """Give the browser its session."""
    response.set_cookie(
        cookie_name(),
        secret,
        max_age=LONGEST_SESSION,
        secure=_is_https(),
        httponly=True,
        samesite="Strict",
    )


def drop_cookie(response: Response) -> None:
    """Have the browser forget its session."""
    response.delete_cookie(cookie_name(), secure=_is_https(), httponly=True, samesite="Strict")


def keep_nowhere(response: Response) -> Response:
    """Have browsers and proxies store nothing of the desk but its static files."""
    if request.endpoint != "static":
        response.headers.update(PRIVATE)
    return response


def _is_https() -> bool:
    base_url: str = current_app.config["BASE_URL"]
    return base_url.startswith("https:")


def open_session() -> None:
    """Note the session of the cookie, its language and its scope; nothing of it where it is over."""
    g.staff_session = g.ended_session = None
    g.locale = i18n.negotiate(tag for tag, quality in request.accept_languages if quality > 0)
    if request.endpoint == "static" or not (secret := request.cookies.get(cookie_name())):
        return
    session = sessions.find(secret)
    if session is None or not sessions.is_open(session, now()):
        g.ended_session = session
        return
    g.staff_session, g.locale = session, session.account.locale
    if sessions.see(session, now()):
        jobs.commit()
    enclose(session.account.scope)


def refuse_foreign_posts() -> None:
    """Answer 403 to a change that another site, or no browser at all, has sent; and to one without our token."""
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is None and origin is None:
        abort(403)
    if site not in {None, "same-origin"} or origin not in {None, current_app.config["BASE_URL"]}:
        abort(403)
    if is_signed_in():
        _check_form_token()


def _check_form_token() -> None:
    """Answer 403 to a form that is not ours; a view that takes a file is let to read so much of it."""
    view = current_app.view_functions.get(request.endpoint or "")
    if most_bytes := getattr(view, "most_bytes", None):
        request.max_content_length = most_bytes
    if not is_form_token(request.headers.get("X-Form-Token") or request.form.get("form_token", "")):
        abort(403)


def check_access() -> ResponseReturnValue | None:
    """Let the view answer, or ask for a sign-in, or answer 403 or 404."""
    view = current_app.view_functions.get(request.endpoint or "")
    access = getattr(view, "access", None)
    if request.endpoint == "static" or access == ANYONE:
        return None
    if not is_signed_in():
        return _came_from_elsewhere() or ask_to_sign_in()
    if not account().joined_at and access != SETTING_UP:
        return redirect(url_for("me.set_up"))
    if view is None:
        abort(404)
    if not _is_allowed(access):
        abort(403)
    if getattr(view, "wants_fresh", False) and not sessions.is_fresh(g.staff_session, now()):
        return ask_to_sign_in()
    return None


def _is_allowed(access: object) -> bool:
    """Whether the label lets the account in; nothing does where there is none."""
    if isinstance(access, frozenset):
        return bool(access & account().permissions)
    return access in {SIGNED_IN, SETTING_UP}


def _came_from_elsewhere() -> str | None:
    """Return a page that loads the address again, for someone who follows a link in a letter.

    The browser keeps a Strict cookie back when another site leads here, and sends it with the second request.
    """
    is_link = request.method == "GET" and request.headers.get("Sec-Fetch-Site") == "cross-site"
    return render_template("desk/again.html") if is_link else None


def ask_to_sign_in() -> tuple[str, int]:
    """Return the page that signs in and comes back here; what was sent in a form is kept meanwhile."""
    is_form = request.method not in SAFE_METHODS
    sealed = seal() if is_form else ""
    page = render_template(
        "desk/signing_in/sign_in.html",
        then=_path_of_form() if is_form else request.full_path.rstrip("?"),
        sealed=sealed,
        problem="",
        again=account() if is_signed_in() else None,
        address="",
    )
    return page, 401


def _path_of_form() -> str:
    """Return the address of the page that the form of this request stood on; a browser says it to its own site."""
    page = urlsplit(request.referrer or "")
    is_ours = f"{page.scheme}://{page.netloc}" == current_app.config["BASE_URL"]
    return page._replace(scheme="", netloc="", fragment="").geturl() if is_ours else "/"


def seal() -> str:
    """Keep the form of this request for its sender, and return the secret that opens it; "" if it is not kept."""
    session: StaffSession | None = g.staff_session or g.ended_session
    fields = request.form.to_dict(flat=False)
    fields.pop("form_token", None)
    if session is None or not fields or not _may_keep_form(session):
        return ""
    payload = {"path": request.full_path.rstrip("?"), "fields": fields}
    secret = tickets.issue(Purpose.SEALED, session.account, now() + LONGEST_SESSION, payload)
    jobs.commit()
    return secret


def _may_keep_form(session: StaffSession) -> bool:
    """Whether the form belongs to a page of ours, is neither secret nor large, and its sender was here today."""
    return (
        request.endpoint is not None
        and _SECRET_FIELDS.isdisjoint(request.form)
        and (request.content_length or 0) <= _MOST_SEALED
        and session.account.ended_at is None
        and now() < session.began_at + 2 * LONGEST_SESSION
        and tickets.number_of(session.account, Purpose.SEALED) < _MOST_FORMS
    )


def network_hash(policy: StaffPolicy | None = None) -> bytes:
    """Return the keyed hash of the network that this request comes from."""
    network = network_of(request.remote_addr or "")
    return (policy or current_policy()).signer.fingerprint("staff network", network)


def fields_of(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the names and values of a sealed form."""
    return list(MultiDict(payload["fields"]).items(multi=True))
