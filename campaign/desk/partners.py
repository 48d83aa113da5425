"""Partners: sites that may show a form, keys of the write API, webhooks, and stopping the write API.

Secrets are shown once, in the answer to the form that made them. Who looks after one institution sees and changes
its sites, and nothing else.
"""

from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for

from campaign import jobs
from campaign.campaigns.queries import list_all
from campaign.clock import now
from campaign.config import current_settings
from campaign.desk.access import freshly, may
from campaign.desk.forms import Form
from campaign.desk.signed_in import account, actor, scope
from campaign.http.rendering import Page
from campaign.i18n import gettext, lazy_gettext
from campaign.institutions.models import Institution
from campaign.institutions.queries import resolve
from campaign.partners import operations, queries, rules, webhooks
from campaign.partners.models import ApiKey, Webhook
from campaign.pledges.policy import current_policy
from campaign.safe_http import InvalidUrl, Outbound, parse_url
from campaign.staff.rules import Permission
from campaign.tallies.queries import counts_of

blueprint = Blueprint("partners", __name__, url_prefix="/partners")
managers = may(Permission.MANAGE_PARTNERS)
keepers = may(Permission.MANAGE_PARTNERS, Permission.EDIT_INSTITUTION)

PAGE_SIZE = 50
DEFAULT_QUOTA, LARGEST_QUOTA = 1_000, 1_000_000
LONGEST_REASON = 300
EVENTS = {
    rules.MILESTONE: lazy_gettext("each round number that is passed"),
    rules.DAILY: lazy_gettext("the counts of each day"),
}


class InvalidField(Exception):
    """A field of a form is wrong; ``problems`` has the sentence for it."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(field)
        self.problems = {field: sentence}


# Sites


@blueprint.get("/")
@keepers
def sites() -> Page:
    return _sites_page(Form({"institution": scope().institution_id or ""}))


def _sites_page(form: Form) -> str:
    after = (request.args.get("after", ""), request.args.get("origin", ""))
    found = queries.embed_origins(
        scope=scope(), after=after if all(after) else None, limit=PAGE_SIZE + 1
    )
    shown = found[:PAGE_SIZE]
    older = ""
    if len(found) > len(shown):
        last, institution = shown[-1]
        older = url_for("partners.sites", after=institution.id, origin=last.origin)
    return render_template(
        "desk/partners/sites.html", form=form, sites=shown, older=older, **_tabs()
    )


def _tabs() -> dict[str, object]:
    """Template values: whether the other lists are there, and whether only one institution's sites are."""
    manages = account().may(Permission.MANAGE_PARTNERS) and scope().is_everything
    return {"manages": manages, "own": resolve(scope().institution_id or "")}


@blueprint.post("/sites/")
@keepers
@freshly
def add_site() -> Page:
    try:
        institution, origin = _institution_asked_for(), _origin()
        operations.add_embed_origin(institution.id, origin, actor(), scope())
    except InvalidField as invalid:
        return _sites_page(Form.posted(invalid.problems)), 422
    except operations.NotTheirOrigin:
        sentence = gettext(
            "This site is at none of the institution’s domains. Ask the campaign to add it: %(address)s.",
            address=current_settings().contact_address,
        )
        return _sites_page(Form.posted({"origin": sentence})), 422
    jobs.commit()
    return redirect(url_for("partners.sites"), 303)


@blueprint.post("/sites/remove/")
@keepers
def remove_site() -> Page:
    institution_id, origin = request.form.get("institution", ""), request.form.get("origin", "")
    if not operations.remove_embed_origin(institution_id, origin, actor(), scope()):
        abort(404)
    jobs.commit()
    return redirect(url_for("partners.sites"), 303)


def _institution_asked_for() -> Institution:
    """Return the institution of the form, or the one that the account looks after. Raises InvalidField."""
    ror_id = scope().institution_id or request.form.get("institution", "")
    institution = resolve(ror_id.strip().removeprefix("https://ror.org/"))
    if institution is None:
        raise InvalidField("institution", _unknown_institution())
    return institution


def _unknown_institution() -> str:
    return gettext("There is no institution with this ROR id.")


def _origin() -> str:
    try:
        return rules.parse_origin(request.form.get("origin", ""))
    except rules.InvalidOrigin:
        raise InvalidField(
            "origin",
            gettext("Enter the scheme and the host of a site, such as https://www.example.edu."),
        ) from None


# Keys


@blueprint.get("/keys/")
@managers
def keys() -> Page:
    return _keys_page(Form({"quota": str(DEFAULT_QUOTA)}))


def _keys_page(form: Form) -> str:
    return render_template("desk/partners/keys.html", form=form, keys=queries.api_keys(), **_tabs())


@blueprint.post("/keys/")
@managers
@freshly
def create_key() -> Page:
    """Make a key and show it, once."""
    try:
        name, institution_id, quota = _key_name(), _institution_id_if_any(), _quota()
        _, secret = operations.create_key(
            current_policy().signer, name, institution_id, quota, actor()
        )
    except InvalidField as invalid:
        return _keys_page(Form.posted(invalid.problems)), 422
    except operations.NameTaken:
        taken = gettext("There is a key with this name. Revoke it first, or choose another name.")
        return _keys_page(Form.posted({"name": taken})), 422
    jobs.commit()
    return _secret_page(gettext("The key %(name)s", name=name), secret, url_for("partners.keys"))


def _secret_page(title: str, secret: str, back: str) -> str:
    return render_template("desk/partners/secret.html", title=title, secret=secret, back=back)


def _key_name() -> str:
    try:
        return rules.check_key_name(request.form.get("name", "").strip())
    except rules.InvalidKeyName:
        sentence = gettext(
            "Use up to 40 lowercase letters, digits, hyphens and dots, such as uni-nairobi."
        )
        raise InvalidField("name", sentence) from None


def _institution_id_if_any() -> str | None:
    """Return the id of the form's institution, if one was entered. Raises InvalidField."""
    return _institution_asked_for().id if request.form.get("institution", "").strip() else None


def _quota() -> int:
    text = request.form.get("quota", "")
    if text.isdecimal() and len(text) < 9 and 1 <= int(text) <= LARGEST_QUOTA:
        return int(text)
    raise InvalidField("quota", gettext("Enter a number between 1 and 1,000,000."))


@blueprint.get("/keys/<int:key_id>/revoke/")
@managers
def revocation(key_id: int) -> Page:
    """Show what will happen: how many pledges came with the key, and stay."""
    key = _active_key(key_id)
    pledges = sum(
        counts.people + counts.official_pledges
        for counts in (
            counts_of(campaign.id, "source", f"api@{key.name}") for campaign in list_all()
        )
    )
    return render_template("desk/partners/revoke.html", key=key, pledges=pledges)


@blueprint.post("/keys/<int:key_id>/revoke/")
@managers
def revoke_key(key_id: int) -> Page:
    operations.revoke_key(_active_key(key_id), actor(), now())
    jobs.commit()
    return redirect(url_for("partners.keys"), 303)


def _active_key(key_id: int) -> ApiKey:
    key = queries.key(key_id) if key_id < 2**31 else None
    return key if key and not key.revoked_at else abort(404)


# Webhooks


@blueprint.get("/webhooks/")
@managers
def listed_webhooks() -> Page:
    return _webhooks_page(Form({"events": [*EVENTS]}))


def _webhooks_page(form: Form, notice: str = "", is_good: bool = False) -> str:
    return render_template(
        "desk/partners/webhooks.html",
        form=form,
        webhooks=queries.webhooks(),
        events=EVENTS,
        notice=notice,
        is_good=is_good,
        **_tabs(),
    )


@blueprint.post("/webhooks/")
@managers
@freshly
def add_webhook() -> Page:
    """Add a webhook and show the secret that signs its messages, once."""
    try:
        url, institution_id = _url(), _institution_id_if_any()
    except InvalidField as invalid:
        return _webhooks_page(Form.posted(invalid.problems)), 422
    events = [event for event in EVENTS if event in request.form.getlist("events")]
    if not events:
        return _webhooks_page(Form.posted({"events": gettext("Choose at least one.")})), 422
    webhook = webhooks.add(url, institution_id, events, actor(), now())
    jobs.commit()
    secret = webhooks.secret_of(current_policy().signer, webhook.id)
    return _secret_page(
        gettext("The secret that signs the messages"), secret, url_for("partners.listed_webhooks")
    )


def _url() -> str:
    may_be_private = current_settings().webhooks_to_private_networks
    try:
        return parse_url(request.form.get("url", ""), may_be_private=may_be_private)
    except InvalidUrl:
        raise InvalidField(
            "url",
            gettext("Enter an address that begins with https:// and has no password in it."),
        ) from None


@blueprint.post("/webhooks/<uuid:webhook_id>/test/")
@managers
def test_webhook(webhook_id: UUID) -> Page:
    """Post a message now, and report the response."""
    try:
        delivery_id = webhooks.queue_test(_webhook(webhook_id), now())
    except webhooks.Disabled:
        notice = gettext("This webhook is disabled; remove it and add it again.")
        return _webhooks_page(Form(), notice), 409
    claimed = webhooks.claim(delivery_id)
    jobs.commit()
    assert claimed is not None, "no worker can see it before the commit"
    with Outbound(may_be_private=current_settings().webhooks_to_private_networks) as outbound:
        error = webhooks.deliver(outbound, current_policy().signer, claimed, now())
    jobs.commit()
    if error:
        notice = gettext("It was not taken: %(error)s. It will be tried again.", error=error)
        return _webhooks_page(Form(), notice)
    return _webhooks_page(Form(), gettext("The message was taken."), is_good=True)


@blueprint.get("/webhooks/<uuid:webhook_id>/remove/")
@managers
def removal(webhook_id: UUID) -> Page:
    webhook = _webhook(webhook_id)
    waiting = queries.waiting_messages(webhook_id)
    return render_template("desk/partners/remove.html", webhook=webhook, waiting=waiting)


@blueprint.post("/webhooks/<uuid:webhook_id>/remove/")
@managers
@freshly
def remove_webhook(webhook_id: UUID) -> Page:
    webhooks.remove(_webhook(webhook_id), actor())
    jobs.commit()
    return redirect(url_for("partners.listed_webhooks"), 303)


def _webhook(webhook_id: UUID) -> Webhook:
    return queries.webhook(webhook_id) or abort(404)


# The write API


@blueprint.get("/api/")
@managers
def write_api() -> Page:
    return _api_page(Form())


def _api_page(form: Form) -> str:
    return render_template(
        "desk/partners/api.html", form=form, pause=queries.current_pause(), **_tabs()
    )


@blueprint.post("/api/pause/")
@managers
@freshly
def pause() -> Page:
    reason = " ".join(request.form.get("reason", "").split())
    if not reason or len(reason) > LONGEST_REASON:
        sentence = gettext("Enter a sentence of at most 300 characters.")
        return _api_page(Form.posted({"reason": sentence})), 422
    try:
        operations.pause_write_api(reason, actor())
    except operations.AlreadyPaused:
        jobs.rollback()
    jobs.commit()
    return redirect(url_for("partners.write_api"), 303)


@blueprint.post("/api/resume/")
@managers
@freshly
def resume() -> Page:
    try:
        operations.resume_write_api(actor(), now())
    except operations.NotPaused:
        jobs.rollback()
    jobs.commit()
    return redirect(url_for("partners.write_api"), 303)
