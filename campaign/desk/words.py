"""Public words and letters of support: read before the public reads them, many at once."""

from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for

from campaign import i18n, jobs
from campaign.desk import today
from campaign.desk.access import may
from campaign.desk.signed_in import actor, scope
from campaign.desk.today import Waiting
from campaign.http.rendering import Page
from campaign.i18n import gettext, ngettext
from campaign.pledges import publicity, queries, queue
from campaign.pledges.deciding import MAX_AT_ONCE, Outcome
from campaign.pledges.models import Kind, Pledge
from campaign.pledges.publicity import WordsFilter
from campaign.pledges.queue import Cursor
from campaign.staff.rules import Permission
from campaign.staff.scopes import Scope

blueprint = Blueprint("words", __name__, url_prefix="/review")
reviewers = may(Permission.REVIEW)

KINDS = {"words": Kind.PERSON, "letters": Kind.INSTITUTION}


@today.waits_for(Permission.REVIEW)
def unread_words(scope: Scope, _now: object) -> Waiting | None:
    """Say how many words of people wait to be read."""
    number = publicity.counts(scope)[Kind.PERSON]
    sentence = ngettext(
        "%(count)s word to the children is not published yet.",
        "%(count)s words to the children are not published yet.",
        number,
        count=i18n.format_number(number),
    )
    return _waiting(number, sentence, "words")


@today.waits_for(Permission.REVIEW)
def unread_letters(scope: Scope, _now: object) -> Waiting | None:
    """Say how many institutions' letters of support wait to be read."""
    number = publicity.counts(scope)[Kind.INSTITUTION]
    sentence = ngettext(
        "The letters of support of %(count)s institution are not published yet.",
        "The letters of support of %(count)s institutions are not published yet.",
        number,
        count=i18n.format_number(number),
    )
    return _waiting(number, sentence, "letters")


def _waiting(number: int, sentence: str, name: str) -> Waiting | None:
    if not number:
        return None
    address = url_for("words.waiting", name=name)
    return Waiting(number, sentence, "", address, gettext("Read"))


@blueprint.get("/words/", defaults={"name": "words"})
@blueprint.get("/letters/", defaults={"name": "letters"})
@reviewers
def waiting(name: str) -> Page:
    """Show what waits, the oldest first; or what was settled, the newest first."""
    return _page(name)


def _page(name: str, problem: str = "") -> str:
    only = WordsFilter(kind=KINDS[name], locale=request.args.get("locale") or None)
    state, position = request.args.get("state", ""), _position()
    if state in {"published", "private"}:
        pledges = publicity.settled(scope(), only, state == "published", position)
    else:
        state, pledges = "", publicity.waiting(scope(), only, position)
    return render_template(
        "desk/review/words.html",
        name=name,
        state=state,
        pledges=pledges,
        versions=queries.versions_of([pledge.id for pledge in pledges]),
        further=_address(name, after=pledges[-1].id) if len(pledges) == publicity.PAGE_SIZE else "",
        locale_chosen=only.locale,
        locales=[
            (tag, i18n.autonym(tag), number)
            for tag, number in publicity.languages(scope(), only.kind).items()
        ],
        counts=queue.counts(scope()),
        words=publicity.counts(scope()),
        problem=problem,
        done=_done(),
        autonym=i18n.autonym,
    )


def _address(name: str, **more: object) -> str:
    kept = {key: request.args[key] for key in ("locale", "state") if request.args.get(key)}
    query = urlencode({**kept, **more})
    path = url_for("words.waiting", name=name)
    return f"{path}?{query}" if query else path


def _done() -> str:
    number = request.args.get("done", "")
    if not (number.isdecimal() and len(number) < 4):
        return ""
    return ngettext(
        "%(count)s text is decided.",
        "%(count)s texts are decided.",
        int(number),
        count=i18n.format_number(int(number)),
    )


def _position() -> Cursor | None:
    """Return where the page before ended."""
    try:
        pledge = queries.get(UUID(request.args.get("after", "")))
    except ValueError:
        return None
    return _place(pledge) if pledge and pledge.is_within(scope()) else None


def _place(pledge: Pledge) -> Cursor | None:
    return (pledge.confirmed_at, pledge.id) if pledge.confirmed_at else None


@blueprint.post("/words/", defaults={"name": "words"})
@blueprint.post("/letters/", defaults={"name": "letters"})
@reviewers
def settle(name: str) -> Page:
    """Publish what is ticked, or keep it private."""
    verdict = request.form.get("verdict")
    if verdict not in {"publish", "keep"}:
        abort(400)
    versions = ticked(request.form.getlist("pledge"))
    if not versions:
        return _page(name, gettext("Tick at least one.")), 422
    outcomes = publicity.settle_words(versions, verdict == "publish", actor(), scope())
    jobs.commit()
    done = sum(1 for outcome in outcomes.values() if outcome is Outcome.DONE)
    if Outcome.CHANGED in outcomes.values():
        problem = gettext("Some were changed by their people meanwhile. Read them again.")
        return _page(name, problem), 409
    return redirect(_address(name, done=done), 303)


def ticked(values: list[str]) -> dict[UUID, int]:
    """Return the versions that were read of the ticked pledges, by id, from fields like "0198…:17"."""
    versions = {}
    for value in values[:MAX_AT_ONCE]:
        id_, _, version = value.partition(":")
        try:
            versions[UUID(id_)] = int(version)
        except ValueError:
            continue
    return versions
