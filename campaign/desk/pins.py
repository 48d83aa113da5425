"""Pinned people: who stands first in the public lists of a campaign, in which order."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for

from campaign import jobs
from campaign.audit import Actor
from campaign.campaigns.models import CampaignText
from campaign.desk.access import may
from campaign.desk.signed_in import actor, scope
from campaign.http.lookup import current_texts
from campaign.http.rendering import Page
from campaign.i18n import gettext
from campaign.pledges import publicity, queries, queue
from campaign.pledges.models import NotAwaiting, Pledge
from campaign.pledges.publicity import TooManyPins
from campaign.staff.rules import Permission
from campaign.staff.scopes import Scope

blueprint = Blueprint("pins", __name__, url_prefix="/review/pinned")
reviewers = may(Permission.REVIEW)

_FOUND = 20

Act = Callable[[Pledge, Actor, Scope], None]


@blueprint.get("/")
@reviewers
def pinned() -> Page:
    return _page(_text())


def _page(text: CampaignText, problem: str = "") -> str:
    query = request.args.get("q", "").strip()[:100]
    found = queries.signatories(text.campaign_id, name=query, limit=_FOUND) if query else []
    pins = [pledge for pledge in publicity.pins(text.campaign_id) if pledge.is_within(scope())]
    ids = {pledge.id for pledge in pins}
    return render_template(
        "desk/review/pins.html",
        text=text,
        texts=current_texts(),
        pins=pins,
        found=[person for person in found if person.id not in ids],
        query=query,
        most=queries.MAX_PINS,
        may_change=scope().is_everything,
        problem=problem,
        counts=queue.counts(scope()),
        words=publicity.counts(scope()),
    )


def _text() -> CampaignText:
    texts, slug = current_texts(), request.args.get("campaign")
    return next((one for one in texts if slug in {None, one.campaign.slug}), None) or abort(404)


@blueprint.post("/<uuid:pledge_id>/pin/")
@reviewers
def pin(pledge_id: UUID) -> Page:
    return _act(pledge_id, publicity.pin)


@blueprint.post("/<uuid:pledge_id>/unpin/")
@reviewers
def unpin(pledge_id: UUID) -> Page:
    return _act(pledge_id, publicity.unpin)


@blueprint.post("/<uuid:pledge_id>/up/")
@reviewers
def move_up(pledge_id: UUID) -> Page:
    return _act(pledge_id, publicity.move_up)


def _act(pledge_id: UUID, act: Act) -> Page:
    pledge = queries.get_locked(pledge_id)
    if pledge is None or not pledge.is_within(scope()):
        abort(404)
    text = next(one for one in current_texts() if one.campaign_id == pledge.campaign_id)
    try:
        act(pledge, actor(), scope())
    except TooManyPins:
        jobs.rollback()
        problem = gettext("As many are pinned as stand first. Take one down before.")
        return _page(text, problem), 409
    except NotAwaiting:
        jobs.rollback()
        return _page(text, gettext("This person is not in the public list any more.")), 409
    jobs.commit()
    return redirect(url_for("pins.pinned", campaign=text.campaign.slug), 303)
