"""Write a text passage by passage, beside its source; see it as readers will; what was written before.

All passages are in one form, so nothing typed is lost whichever button is pressed. A passage is saved if it was
changed; of two who changed the same one, the second sees both texts. The script sends one passage at a time.
"""

from dataclasses import dataclass

from flask import (
    Blueprint,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.datastructures import MultiDict

from campaign import i18n, jobs
from campaign.campaigns import drafts, writing
from campaign.campaigns.drafts import Draft, Passage, PassageState
from campaign.campaigns.models import Campaign, DraftPassage
from campaign.campaigns.rules import (
    SOURCE,
    ForeignLanguage,
    InvalidPassage,
    check_language,
    has_several_lines,
    length_of,
    placeholders,
)
from campaign.campaigns.writing import Clash, UnknownPassage
from campaign.clock import now
from campaign.db import db
from campaign.desk import campaigns, texts
from campaign.desk.access import may
from campaign.desk.forms import number
from campaign.desk.signed_in import account, actor
from campaign.http.headers import CONTENT_SECURITY_POLICY
from campaign.http.rendering import Page
from campaign.staff import queries as staff_queries
from campaign.staff.rules import Permission
from campaign.wording import Piece, changes

blueprint = Blueprint("translating", __name__, url_prefix="/campaigns/<slug>/text/<locale>")
writers = may(Permission.TRANSLATE, Permission.EDIT_TEXTS)
readers = may(Permission.TRANSLATE, Permission.EDIT_TEXTS, Permission.PUBLISH)

# Nothing runs, nothing can be sent, nothing comes from elsewhere. The frame keeps its origin: without one, browsers
# would not load our style sheets, which are for pages of the same origin.
PREVIEW_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
        "sandbox allow-same-origin",
    )
)


@dataclass(frozen=True)
class Row:
    """A passage on the page: what the field shows, what is wrong with it, who else is there."""

    passage: Passage
    value: str
    # The version that a save replaces.
    base: int
    pieces: list[Piece]
    problem: str = ""
    theirs: DraftPassage | None = None
    # Whether people have signed it, so that it must not change.
    is_fixed: bool = False

    @property
    def needs_work(self) -> bool:
        is_done = self.passage.state is PassageState.DONE
        return not is_done or bool(self.problem) or self.theirs is not None


@blueprint.get("/")
@writers
def page(slug: str, locale: str) -> Page:
    campaign = _campaign(slug, locale)
    return _page(campaign, locale, {}, {})


def _campaign(slug: str, locale: str) -> Campaign:
    """The campaign, for an account that may write in this language. Raises ForeignLanguage."""
    if not i18n.is_offered(locale):
        raise ForeignLanguage
    check_language(texts.own_languages(), locale)
    return texts.campaign_or_404(slug)


def _page(
    campaign: Campaign, locale: str, problems: dict[str, str], clashes: dict[str, Clash]
) -> str:
    draft = drafts.draft_of(campaign)
    signed = drafts.signed_codes(campaign.id) if locale == SOURCE else set()
    rows = [_row(one, problems, clashes, signed) for one in draft.passages(locale)]
    shown = rows
    if _shows_what_is_left(draft, locale):
        shown = [row for row in rows if row.needs_work]
    others = drafts.readers(campaign.id, locale, str(account().id), now())
    names = _names(rows, others)
    source = " ".join(row.passage.source.text for row in shown if row.passage.source)
    return render_template(
        "desk/campaigns/translate.html",
        campaign=campaign,
        title=campaigns.title_of(draft),
        text_locale=locale,
        source=SOURCE,
        progress=draft.progress(locale),
        lights=[draft.progress(tag) for tag in _own_tags()],
        rows=shown,
        number_of_all=len(rows),
        number_left=sum(row.needs_work for row in rows),
        show=request.args.get("show", ""),
        others={passage: names.get(who, "") for who, passage in others.items()},
        names=names,
        terms=texts.terms_in(source, locale),
        passage_name=texts.passage_name,
        has_several_lines=has_several_lines,
        length_of=length_of,
        placeholders=placeholders,
        has_problems=bool(problems),
        language_name=i18n.language_name,
    )


def _shows_what_is_left(draft: Draft, locale: str) -> bool:
    """Whether only what is missing or stale is shown: what there is to do, unless all is asked for or done."""
    is_complete = draft.progress(locale).is_complete
    return locale != SOURCE and request.args.get("show") != "all" and not is_complete


def _own_tags() -> list[str]:
    languages = texts.own_languages()
    return [tag for tag in i18n.offered() if languages is None or tag in languages]


def _row(
    passage: Passage, problems: dict[str, str], clashes: dict[str, Clash], signed: set[str]
) -> Row:
    before = passage.source_read.text if passage.source_read else ""
    after = passage.source.text if passage.source else ""
    is_stale = passage.state is PassageState.STALE
    pieces = changes(before, after) if is_stale else [Piece("same", after)]
    clash = clashes.get(passage.name)
    problem = problems.get(passage.name, "")
    value, base = clash.mine if clash else passage.text, passage.version
    if problem:
        value, base = request.form[f"text:{passage.name}"], _versions(passage.name)[0]
    theirs, code = clash.theirs if clash else None, passage.name.partition("/")[2]
    return Row(passage, value, base, pieces, problem, theirs, is_fixed=code in signed)


def _names(rows: list[Row], others: dict[str, str]) -> dict[str, str]:
    """The names of the accounts on the page, by id."""
    wrote = [row.theirs.actor.id for row in rows if row.theirs]
    return dict(staff_queries.names([*others, *wrote]))


@blueprint.post("/")
@writers
def save(slug: str, locale: str) -> Page:
    """Save every passage that was changed, and the one whose button was pressed."""
    campaign = _campaign(slug, locale)
    problems: dict[str, str] = {}
    clashes: dict[str, Clash] = {}
    draft = drafts.draft_of(campaign)
    for name in _names_sent(request.form):
        try:
            with db.session.begin_nested():
                _save(draft.passage(locale, name), campaign.id)
        except InvalidPassage as error:
            problems[name] = texts.passage_problem(error)
        except Clash as clash:
            clashes[name] = clash
        except UnknownPassage:
            continue  # retired meanwhile
    jobs.commit()
    if request.accept_mimetypes.best == "application/json":
        return _as_json(campaign, locale, problems, clashes)
    if problems or clashes:
        return _page(campaign, locale, problems, clashes), 409 if clashes else 422
    return redirect(_next_address(slug, locale), 303)


def _names_sent(form: MultiDict[str, str]) -> list[str]:
    return [name.removeprefix("text:") for name in form if name.startswith("text:")]


def _save(passage: Passage, campaign_id: int) -> None:
    """Save a passage if it was changed or confirmed. Raises InvalidPassage, UnknownPassage, Clash."""
    name, locale = passage.name, passage.locale
    typed = request.form[f"text:{name}"].replace("\r\n", "\n")
    base, source_version = _versions(name)
    if request.form.get("take") == name:
        _keep_both(passage, campaign_id, typed, base)
    elif request.form.get("confirm") == name or typed != _shown(passage, campaign_id, base):
        languages = texts.own_languages()
        writing.save(actor(), languages, campaign_id, locale, name, typed, base, source_version)


def _versions(name: str) -> tuple[int, int | None]:
    """The versions of the passage and of its source that the page showed."""
    base, _, source = request.form.get(f"base:{name}", "").partition(".")
    return number(base) or 0, number(source)


def _shown(passage: Passage, campaign_id: int, version: int) -> str:
    """What the field said before it was edited."""
    if passage.version == version:
        return passage.text
    history = drafts.history(campaign_id, passage.locale, passage.name)
    return next((one.text for one in history if one.version == version), "")


def _keep_both(passage: Passage, campaign_id: int, typed: str, base: int) -> None:
    """Take the newest version, and put what was typed into the history before it."""
    theirs = passage.written
    if theirs is None or theirs.version != base or theirs.text == typed:
        return
    key = (actor(), texts.own_languages(), campaign_id, passage.locale, passage.name)
    mine = writing.save(*key, typed, base)
    writing.save(*key, theirs.text, mine.version, theirs.source_version)


def _as_json(
    campaign: Campaign, locale: str, problems: dict[str, str], clashes: dict[str, Clash]
) -> Response:
    """What the script needs to know of the passages it sent."""
    draft = drafts.draft_of(campaign)
    progress = draft.progress(locale)
    sent = [draft.passage(locale, name) for name in _names_sent(request.form)]
    response = jsonify(
        saved={
            one.name: {"state": one.state, "version": one.version}
            for one in sent
            if one.name not in problems and one.name not in clashes
        },
        problems=problems,
        clashes=list(clashes),
        done=progress.done,
        total=progress.total,
    )
    response.status_code = 409 if clashes else 422 if problems else 200
    return response


def _next_address(slug: str, locale: str) -> str:
    """The address of the passage behind the one whose button was pressed."""
    anchor = request.form.get("next") or request.form.get("confirm") or request.form.get("take")
    show = request.form.get("show") or None
    return url_for(
        "translating.page", slug=slug, locale=locale, show=show, _anchor=anchor and f"p-{anchor}"
    )


@blueprint.post("/here/")
@writers
def here(slug: str, locale: str) -> Response:
    """Note which passage the account has in front of it; say which the others have."""
    campaign = _campaign(slug, locale)
    name = request.form.get("passage", "")
    if name in drafts.draft_of(campaign).names():
        writing.note_reader(campaign.id, locale, name, str(account().id), now())
    jobs.commit()
    others = drafts.readers(campaign.id, locale, str(account().id), now())
    names = staff_queries.names(others)
    return jsonify(others={passage: names.get(who, "") for who, passage in others.items()})


@blueprint.get("/history/<path:name>/")
@writers
def history(slug: str, locale: str, name: str) -> Page:
    campaign = _campaign(slug, locale)
    passage = drafts.draft_of(campaign).passage(locale, name)
    versions = drafts.history(campaign.id, locale, name)
    before = [*versions[1:], None]
    return render_template(
        "desk/campaigns/history.html",
        campaign=campaign,
        title=texts.passage_name(name) if versions else name,
        text_locale=locale,
        name=name,
        passage=passage,
        versions=[
            (one, changes(earlier.text if earlier else "", one.text))
            for one, earlier in zip(versions, before, strict=True)
        ],
        names=staff_queries.names(one.actor.id for one in versions),
    )


@blueprint.get("/preview/")
@readers
def preview(slug: str, locale: str) -> Page:
    """Show the public page with the draft, in a frame from which nothing gets out."""
    if not i18n.is_offered(locale):
        raise ForeignLanguage
    campaign = texts.campaign_or_404(slug)
    draft = drafts.draft_of(campaign)
    page = render_template(
        "desk/campaigns/preview.html",
        campaign=campaign,
        title=campaigns.title_of(draft),
        text_locale=locale,
        lights=campaigns.lights(draft),
        own_tags=_own_tags(),
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return response


@blueprint.get("/preview/page/")
@readers
def preview_page(slug: str, locale: str) -> Page:
    """The document in the frame of the preview."""
    if not i18n.is_offered(locale):
        raise ForeignLanguage
    campaign = texts.campaign_or_404(slug)
    with i18n.in_language(locale):
        page = render_template(
            "desk/campaigns/as_readers_see_it.html",
            text=drafts.draft_of(campaign).preview(locale),
            holds_demo=False,
            url_for=lambda *_, **_values: "#",
            alternate_url=lambda tag: url_for("translating.preview_page", slug=slug, locale=tag),
        )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = PREVIEW_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response
