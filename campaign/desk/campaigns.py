"""Campaigns: which there are, what each says in which version, and every step of its life."""

from datetime import UTC, datetime

from flask import Blueprint, abort, redirect, render_template, request, url_for

from campaign import i18n, jobs
from campaign.campaigns import drafts, operations, queries, writing
from campaign.campaigns.drafts import Draft, IncompleteDraft, Progress
from campaign.campaigns.models import Campaign, CampaignState
from campaign.campaigns.operations import NothingChanged, PastHour, WrongState
from campaign.campaigns.rules import COMMITMENTS, SOURCE, InvalidName, InvalidPassage
from campaign.campaigns.writing import UnknownCommitment, UnknownPassage
from campaign.clock import now
from campaign.desk import texts, today
from campaign.desk.access import freshly, may
from campaign.desk.forms import Form
from campaign.desk.signed_in import actor
from campaign.desk.today import Waiting
from campaign.http.rendering import Page
from campaign.i18n import gettext, ngettext
from campaign.staff.rules import Permission
from campaign.staff.scopes import Scope
from campaign.tallies import queries as tally_queries
from campaign.wording import changes

blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")
readers = may(Permission.EDIT_TEXTS, Permission.TRANSLATE, Permission.PUBLISH)
editors = may(Permission.EDIT_TEXTS)
publishers = may(Permission.PUBLISH)

_SETTLEMENTS = {"take": writing.take_proposal, "leave": writing.leave_proposal}
_MOVES = {
    "close": operations.close,
    "reopen": operations.reopen,
    "archive": operations.archive,
}


@today.waits_for(Permission.TRANSLATE)
def _translations(_scope: Scope, _now: datetime) -> Waiting | None:
    """What is missing or stale in the languages of the account."""
    languages = texts.own_languages()
    left = sum(
        len(names)
        for campaign in queries.list_all()
        if campaign.managed_by_staff
        for locale, names in drafts.draft_of(campaign).left_to_do().items()
        if languages is None or locale in languages
    )
    if not left:
        return None
    sentence = ngettext(
        "%(count)s passage waits for words.",
        "%(count)s passages wait for words.",
        left,
        count=i18n.format_number(left),
    )
    detail = gettext("They are missing, or the source has changed since.")
    return Waiting(left, sentence, detail, url_for("campaigns.listed"), gettext("Translate"))


@today.waits_for(Permission.EDIT_TEXTS)
def _proposals(_scope: Scope, _now: datetime) -> Waiting | None:
    """What releases of the program have changed in texts that staff manage."""
    campaigns = queries.list_all()
    numbers = {one.slug: drafts.count_proposals(one.slug) for one in campaigns}
    number = sum(numbers.values())
    if not number:
        return None
    sentence = ngettext(
        "A new release changes %(count)s passage.",
        "A new release changes %(count)s passages.",
        number,
        count=i18n.format_number(number),
    )
    slug = next(slug for slug, count in numbers.items() if count)
    address = url_for("campaigns.show", slug=slug, _anchor="proposals")
    detail = gettext("Your texts stay until you take the new ones.")
    return Waiting(number, sentence, detail, address, gettext("Compare"))


@blueprint.get("/")
@readers
def listed() -> Page:
    found = [(one, drafts.draft_of(one)) for one in queries.list_all()]
    return render_template(
        "desk/campaigns/list.html",
        campaigns=[
            {
                "campaign": campaign,
                "title": title_of(draft),
                "version": queries.current_version(campaign.id),
                "lights": lights(draft),
            }
            for campaign, draft in found
        ],
    )


def title_of(draft: Draft) -> str:
    """Return the title of a draft in the language of the page, or in the source, or the slug."""
    for locale in (i18n.current(), SOURCE):
        if title := draft.passage(locale, "title").text:
            return title
    return draft.campaign.slug


def lights(draft: Draft) -> list[Progress]:
    """Return how far the draft is in each language."""
    return [draft.progress(locale) for locale in i18n.offered()]


@blueprint.get("/create/")
@editors
def new() -> Page:
    return render_template("desk/campaigns/create.html", form=Form())


@blueprint.post("/create/")
@editors
def create() -> Page:
    try:
        created = operations.create(actor(), request.form.get("slug", "").strip())
    except InvalidName as error:
        form = Form.posted({"slug": texts.name_problem(error)})
        return render_template("desk/campaigns/create.html", form=form), 422
    jobs.commit()
    return redirect(url_for("translating.page", slug=created.slug, locale=SOURCE), 303)


@blueprint.get("/<slug>/")
@readers
def show(slug: str) -> Page:
    return _page(texts.campaign_or_404(slug), Form())


def _page(campaign: Campaign, form: Form) -> str:
    draft = drafts.draft_of(campaign)
    by_version = tally_queries.by_version(campaign.id)
    languages = texts.own_languages()
    return render_template(
        "desk/campaigns/show.html",
        campaign=campaign,
        title=title_of(draft),
        draft=draft,
        lights=lights(draft),
        languages_of_account=i18n.offered() if languages is None else languages,
        lists=COMMITMENTS,
        scheduled=queries.scheduled(campaign.id),
        proposals=drafts.proposals(campaign.id),
        versions=[
            (row, by_version.get(row.version, 0)) for row in queries.versions(campaign.id, SOURCE)
        ],
        passage_name=texts.passage_name,
        changes=changes,
        form=form,
    )


@blueprint.post("/<slug>/commitments/")
@editors
def add_commitment(slug: str) -> Page:
    campaign = texts.campaign_or_404(slug)
    list_name, code = request.form.get("list_name", ""), request.form.get("code", "").strip()
    if list_name not in COMMITMENTS:
        form = Form.posted({"list_name": gettext("Choose one of the answers.")})
        return _page(campaign, form), 422
    try:
        writing.add_commitment(
            actor(),
            texts.own_languages(),
            campaign.id,
            list_name,
            code,
            request.form.get("sentence", ""),
        )
    except InvalidName as error:
        jobs.rollback()
        return _page(campaign, Form.posted({"code": texts.name_problem(error)})), 422
    except InvalidPassage as error:
        jobs.rollback()
        return _page(campaign, Form.posted({"sentence": texts.passage_problem(error)})), 422
    jobs.commit()
    return _to(slug, "commitments")


@blueprint.post("/<slug>/commitments/<code>/retire/")
@editors
def retire_commitment(slug: str, code: str) -> Page:
    campaign, languages = texts.campaign_or_404(slug), texts.own_languages()
    try:
        writing.retire_commitment(actor(), languages, campaign.id, code, now())
    except UnknownCommitment:
        jobs.rollback()
    jobs.commit()
    return _to(slug, "commitments")


@blueprint.post("/<slug>/commitments/<code>/reinstate/")
@editors
def reinstate_commitment(slug: str, code: str) -> Page:
    campaign, languages = texts.campaign_or_404(slug), texts.own_languages()
    try:
        writing.reinstate_commitment(actor(), languages, campaign.id, code)
    except UnknownCommitment:
        jobs.rollback()
    jobs.commit()
    return _to(slug, "commitments")


@blueprint.post("/<slug>/proposals/<act>/")
@editors
def settle_proposal(slug: str, act: str) -> Page:
    campaign, settle = texts.campaign_or_404(slug), _SETTLEMENTS.get(act) or abort(404)
    locale, name = request.form.get("locale", ""), request.form.get("passage", "")
    try:
        settle(actor(), texts.own_languages(), campaign.id, locale, name)
    except (UnknownPassage, InvalidPassage):
        jobs.rollback()  # settled by somebody else meanwhile, or the source does not have it yet
    jobs.commit()
    return _to(slug, "proposals")


def _to(slug: str, anchor: str | None = None) -> Page:
    return redirect(url_for("campaigns.show", slug=slug, _anchor=anchor), 303)


@blueprint.get("/<slug>/publish/")
@publishers
def plan(slug: str) -> Page:
    return _plan(texts.campaign_or_404(slug))


def _plan(campaign: Campaign, problem: str = "", form: Form | None = None) -> str:
    """What would be published, what stays the same, what is missing."""
    draft = drafts.draft_of(campaign)
    version = queries.current_version(campaign.id)
    published = drafts.flat(queries.texts_of_version(campaign.id, version))
    changed = draft.changes()
    found_in = {name for found in changed.values() for name in found}
    names = [name for name in draft.names() if name in found_in]
    names += sorted(found_in.difference(names))
    return render_template(
        "desk/campaigns/publish.html",
        campaign=campaign,
        title=title_of(draft),
        version=version + 1,
        left=draft.left_to_do(),
        changed=[
            {
                "name": name,
                "pieces": changes(
                    published.get((SOURCE, name), ""), draft.passage(SOURCE, name).text
                ),
                "languages": [tag for tag, found in changed.items() if name in found],
                "is_retired": name not in draft.names(),
            }
            for name in names
        ],
        pledges=tally_queries.by_version(campaign.id).get(version, 0),
        scheduled=queries.scheduled(campaign.id),
        passage_name=texts.passage_name,
        problem=problem,
        form=form or Form(),
        number_of_languages=len(i18n.offered()),
    )


@blueprint.post("/<slug>/publish/")
@publishers
@freshly
def publish(slug: str) -> Page:
    campaign = texts.campaign_or_404(slug)
    try:
        operations.publish_draft(actor(), campaign.id)
    except (IncompleteDraft, NothingChanged) as error:
        jobs.rollback()
        return _plan(campaign, _publish_problem(error)), 422
    jobs.commit()
    return _to(slug, "versions")


def _publish_problem(error: Exception) -> str:
    if isinstance(error, IncompleteDraft):
        return gettext("Nothing was published: some passages are missing or have changed.")
    return gettext("Nothing was published: this is what readers see already.")


@blueprint.post("/<slug>/schedule/")
@publishers
@freshly
def schedule(slug: str) -> Page:
    campaign = texts.campaign_or_404(slug)
    try:
        due_at = datetime.fromisoformat(request.form.get("due_at", "")).replace(tzinfo=UTC)
        operations.schedule(actor(), campaign.id, due_at, now())
    except (ValueError, PastHour):
        jobs.rollback()
        form = Form.posted({"due_at": gettext("Choose a day and an hour to come.")})
        return _plan(campaign, form=form), 422
    except (IncompleteDraft, NothingChanged) as error:
        jobs.rollback()
        return _plan(campaign, _publish_problem(error), Form.posted()), 422
    jobs.commit()
    return _to(slug)


@blueprint.post("/<slug>/schedule/cancel/")
@publishers
def cancel_schedule(slug: str) -> Page:
    campaign = texts.campaign_or_404(slug)
    try:
        operations.cancel_schedule(actor(), campaign.id)
    except WrongState:
        jobs.rollback()  # it was published, or cancelled, meanwhile
    jobs.commit()
    return _to(slug)


@blueprint.get("/<slug>/<act>/")
@publishers
def ask(slug: str, act: str) -> Page:
    """Show what closing, opening again or archiving would do."""
    campaign = texts.campaign_or_404(slug)
    if act not in _MOVES:
        abort(404)
    draft = drafts.draft_of(campaign)
    return render_template(
        "desk/campaigns/act.html",
        campaign=campaign,
        title=title_of(draft),
        act=act,
        is_open=queries.state_of(campaign.id) is CampaignState.OPEN,
        pledges=sum(tally_queries.by_version(campaign.id).values()),
    )


@blueprint.post("/<slug>/<act>/")
@publishers
@freshly
def move(slug: str, act: str) -> Page:
    campaign, move_ = texts.campaign_or_404(slug), _MOVES.get(act) or abort(404)
    try:
        move_(actor(), campaign.id)
    except WrongState:
        jobs.rollback()  # somebody was faster; the page shows what has become of it
    jobs.commit()
    return _to(slug)
