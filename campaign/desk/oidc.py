"""Signing in by way of another service (OpenID Connect): code, PKCE, state and nonce, with Authlib's client.

What has to be remembered meanwhile is in a cookie of its own, signed, for these addresses only. The cookie of the
session is Strict, so it is not sent when the service leads back here: ``callback`` has the browser ask once more.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

from campaign.clock import now
from campaign.config import current_settings
from campaign.desk import me, signing_in
from campaign.desk.access import freshly, setting_up, signed_in
from campaign.desk.signed_in import account, actor, is_signed_in
from campaign.http.access import anyone
from campaign.http.rate_limits import rate_limited
from campaign.http.rendering import Page
from campaign.i18n import gettext
from campaign.staff import identities
from campaign.staff.identities import IdentityTaken
from campaign.staff.passkeys import LastWayIn
from campaign.staff.policy import FRESH

if TYPE_CHECKING:
    from authlib.integrations.flask_client.apps import FlaskOAuth2App

PATH = "/sign-in/oidc"
blueprint = Blueprint("oidc", __name__, url_prefix=PATH)
_SECONDS = 10
# How far the service's clock may be off.
_LEEWAY = timedelta(minutes=2)

log = logging.getLogger(__name__)


class Refused(Exception):
    """What came back proves nothing; the message, for the log, says why."""


def init_app(app: Flask) -> None:
    """Limit Flask's own cookie, which nothing else uses, to these addresses; name the service in templates."""
    is_https = app.config["BASE_URL"].startswith("https:")
    app.config.update(
        SESSION_COOKIE_NAME="__Secure-desk-oidc" if is_https else "desk-oidc",
        SESSION_COOKIE_PATH=PATH,
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        # The service leads back here from another site, with GET.
        SESSION_COOKIE_SAMESITE="Lax",
    )
    settings = app.config["SETTINGS"]
    app.jinja_env.globals["sign_in_service"] = settings.oidc_name if settings.has_oidc else ""


@blueprint.get("/")
@anyone
@rate_limited(signing_in.SIGN_IN_LIMIT)
def start() -> Page:
    """Lead to the service. Nothing changes here but the cookie."""
    then, sealed = request.args.get("then", ""), request.args.get("sealed", "")
    try:
        return redirect(_address_at_service(then=then, sealed=sealed))
    except Refused as refused:
        return _out_of_reach(refused)


@blueprint.post("/connect/")
@setting_up
@freshly
def connect() -> Page:
    """Have the owner of this session show who they are at the service.

    By POST, since a page elsewhere must not connect someone else's identity with this account. The policy lets no
    form lead to other sites, so a page of ours does.
    """
    try:
        address = _address_at_service(connects=str(account().id))
    except Refused as refused:
        return _out_of_reach(refused)
    return render_template("desk/signing_in/leave.html", address=address)


def _out_of_reach(refused: Refused) -> Page:
    log.warning("sign-in service: %s", refused)
    return _page(gettext("The sign-in service is not responding. Sign in another way."))


def _address_at_service(**flow: str) -> str:
    """Return the address that asks for a sign-in of the last minutes, and remember what it is for.

    Raises Refused.
    """
    client = _client()
    there = url_for("oidc.callback", _external=True)
    try:
        asked: dict[str, Any] = client.create_authorization_url(
            there, max_age=int(FRESH.total_seconds())
        )
    except (
        Exception
    ) as error:  # the service is away, or describes itself in no way that Authlib understands
        raise Refused(f"{type(error).__name__}: {error}") from error
    session.clear()  # of an earlier attempt
    client.save_authorize_data(redirect_uri=there, **asked)
    session["flow"] = flow
    address: str = asked["url"]
    return address


@blueprint.get("/back/")
@anyone
@rate_limited(signing_in.SIGN_IN_LIMIT)
def callback() -> Page:
    """Take what the service says: connect an identity with the session's account, or sign in."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return render_template("desk/again.html")
    flow: Mapping[str, str] = session.get("flow") or {}
    try:
        issuer, subject = _identity()
    except Refused as refused:
        log.warning("sign-in service: %s", refused)
        return _page(gettext("This sign-in was not completed. Try again, or sign in another way."))
    finally:
        session.clear()
    if "connects" in flow:
        return _connect(flow["connects"], issuer, subject)
    found = identities.find(issuer, subject)
    if found is None:
        return _page(
            gettext(
                "No account is connected with this sign-in. Sign in another way, and connect it under “My account”."
            )
        )
    return signing_in.enter(found, "sign-in service", flow.get("then", ""), flow.get("sealed", ""))


def _page(problem: str) -> Page:
    page = render_template(
        "desk/signing_in/sign_in.html",
        problem=problem,
        then="",
        sealed="",
        address="",
        again=account() if is_signed_in() else None,
    )
    return page, 403


def _connect(account_id: str, issuer: str, subject: str) -> Page:
    if not is_signed_in() or str(account().id) != account_id:
        return _page(gettext("You were signed out meanwhile. Sign in and try again."))
    try:
        identities.connect(actor(), account(), issuer, subject)
    except IdentityTaken:
        return _page(gettext("Another account is connected with this sign-in."))
    me.changed("sign-in service connected")
    return redirect(me.next_address(), 303)


@blueprint.post("/disconnect/")
@signed_in
@freshly
def disconnect() -> Page:
    try:
        identities.disconnect(actor(), account(), request.form.get("issuer", ""))
    except LastWayIn:
        return me.last_way_in()
    me.changed("sign-in service disconnected")
    return redirect(url_for("me.page"), 303)


def _identity() -> tuple[str, str]:
    """Return issuer and subject of whom the service has signed in just now. Raises Refused.

    Authlib verifies state, PKCE, signature, nonce and times; whose service and whose token it is, is checked here,
    too, since the service's own description of itself would decide otherwise.
    """
    client, settings = _client(), current_settings()
    try:
        token = client.authorize_access_token(
            claims_options={
                "iss": {"essential": True, "value": settings.oidc_issuer},
                "aud": {"essential": True, "value": settings.oidc_client_id},
                "exp": {"essential": True},
            },
            leeway=int(_LEEWAY.total_seconds()),
        )
    except (
        Exception
    ) as error:  # of four libraries; whatever is odd about an answer from elsewhere is no sign-in
        raise Refused(f"{type(error).__name__}: {error}") from error
    claims: Mapping[str, Any] = token.get("userinfo") or {}
    if not claims.get("sub"):
        raise Refused("no token of identity")
    signed_in_at = claims.get("auth_time")
    if not signed_in_at or signed_in_at < (now() - FRESH - _LEEWAY).timestamp():
        raise Refused("a sign-in of long ago")
    return settings.oidc_issuer, str(claims["sub"])


def _client() -> "FlaskOAuth2App":
    """Return the client of the service, made when it is first needed. Answers 404 where none is set."""
    settings = current_settings()
    if not settings.has_oidc:
        abort(404)
    if "oidc" not in current_app.extensions:
        from authlib.integrations.flask_client import OAuth

        current_app.extensions["oidc"] = OAuth(current_app._get_current_object()).register(  # type: ignore[attr-defined]
            "oidc",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid",
                "code_challenge_method": "S256",
                "default_timeout": _SECONDS,
            },
        )
    client: FlaskOAuth2App = current_app.extensions["oidc"]
    return client
