"""Review: the queue of held pledges, one case beside it, and what staff decide about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for

from campaign import i18n, jobs
from campaign.audit import ActorKind
from campaign.clock import now
from campaign.desk import tasks as desk_tasks
from campaign.desk import today
from campaign.desk.access import freshly, may
from campaign.desk.forms import Form, number
from campaign.desk.signed_in import actor, scope
from campaign.desk.tasks import Description
from campaign.desk.today import Waiting
from campaign.desk.wording import (
    ACTIONS,
    HOLD_REASONS,
    REASONS,
    STATES,
    fact,
    reason_in,
    reasons_by_language,
)
from campaign.desk.words import ticked
from campaign.http.rendering import Page
from campaign.i18n import gettext, ngettext
from campaign.pledges import attention, bulk, deciding, publicity, queries, queue, reviewing
from campaign.pledges.deciding import Decision, Outcome
from campaign.pledges.evidence import Side, evidence
from campaign.pledges.models import NotAwaiting, Pledge, PledgeEvent, PledgeNote, Status
from campaign.pledges.policy import current_policy
from campaign.pledges.queue import HeldFilter
from campaign.pledges.reviewing import ChangedMeanwhile, Disputed, TooLate
from campaign.staff import queries as staff_queries
from campaign.staff.rules import Permission
from campaign.staff.scopes import Scope
from campaign.tasks import Task

blueprint = Blueprint("review", __name__, url_prefix="/review")
reviewers = may(Permission.REVIEW)

REASON_LENGTH = 1000
_FILTERS = ("reason", "official", "country", "locale")


@today.waits_for(Permission.REVIEW)
def held_pledges(scope: Scope, _now: object) -> Waiting | None:
    """Say how many pledges are held, and since when the oldest waits."""
    waiting = attention.held(scope)
    if not waiting.since:
        return None
    sentence = ngettext(
        "%(count)s held pledge.",
        "%(count)s held pledges.",
        waiting.number,
        count=i18n.format_number(waiting.number),
    )
    ago = i18n.format_ago(waiting.since, now())
    detail = gettext("The oldest was sent %(time)s.", time=ago)
    return Waiting(waiting.number, sentence, detail, url_for("review.held"), gettext("Review"))


@blueprint.get("/")
@reviewers
def held() -> Page:
    """Show the queue, and its oldest pledge beside it."""
    pledges = _page_of_queue()
    case = pledges[0] if pledges else None
    return _page(case, pledges)


@blueprint.get("/<uuid:pledge_id>/")
@reviewers
def case(pledge_id: UUID) -> Page:
    return _page(_find(pledge_id), _page_of_queue())


def _page(
    case: Pledge | None,
    pledges: Sequence[Pledge],
    form: Form | None = None,
    problem: str = "",
    address: str = "",
) -> str:
    counts = queue.counts(scope())
    return render_template(
        "desk/review/held.html",
        pledges=pledges[: queue.PAGE_SIZE],
        versions=queries.versions_of([pledge.id for pledge in pledges]),
        newer=_address(after=pledges[-1].id) if len(pledges) == queue.PAGE_SIZE else "",
        counts=counts,
        words=publicity.counts(scope()),
        case=case,
        decided=_decided(),
        only=_only(),
        filters=_filters(),
        is_filtered=bool(_filters()),
        matching=queue.count(scope(), _only()),
        address_of=_address,
        form=form or Form(),
        problem=problem,
        reasons=HOLD_REASONS,
        reason_names=list(REASONS.items()),
        locales=[(tag, i18n.autonym(tag)) for tag in counts.locales],
        **(_details(case, pledges, address) if case else {}),
    )


def _details(case: Pledge, pledges: Sequence[Pledge], address: str) -> Mapping[str, object]:
    """Return what is shown of one case."""
    known, events, notes = evidence(case), queries.trail(case.id), queries.notes(case.id)
    others = queue.who_else(case.id, actor(), now())
    log = sorted((*map(_event, events), *map(_note, notes)), key=lambda entry: entry.at)
    ids = [pledge.id for pledge in pledges]
    place = ids.index(case.id) if case.id in ids else None
    return {
        "facts": {side: [fact(item) for item in known if item.side is side] for side in Side},
        "address": address or _masked(case.person.address),
        "is_shown": bool(address),
        "version": events[-1].id if events else 0,
        "log": log[::-1],
        "names": staff_queries.names(entry.by for entry in log),
        "others": [*staff_queries.names(others).values()],
        "rival": reviewing.rival(case),
        "can_undo": bool(events) and reviewing.can_be_undone(events[-1], now()),
        "task_id": bulk.task_of(case.id),
        "states": STATES,
        "choices": [(code, words, reason_in(code, case.locale)) for code, words in REASONS.items()],
        "language": i18n.autonym(case.locale),
        "place": place,
        "previous": pledges[place - 1] if place else None,
        "next": pledges[place + 1] if place is not None and place + 1 < len(pledges) else None,
    }


class Entry(NamedTuple):
    """A line below a case: what happened to the pledge, or a note of a colleague."""

    at: datetime
    by: str | None
    what: str
    note: str = ""


def _event(event: PledgeEvent) -> Entry:
    by = event.actor.id if event.actor.kind is ActorKind.STAFF else None
    return Entry(event.happened_at, by, str(ACTIONS.get(event.action, event.action)))


def _note(note: PledgeNote) -> Entry:
    return Entry(note.written_at, note.actor.id, "", note.text)


def _masked(address: str) -> str:
    """Return an address of which only the first letter and the domain are legible."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def _decided() -> PledgeEvent | None:
    """Return the verdict that was given a moment ago, if it can still be undone."""
    pledge = _seen(request.args.get("decided", ""))
    event = queries.newest_event(pledge.id) if pledge else None
    return event if event and reviewing.can_be_undone(event, now()) else None


def _only() -> HeldFilter:
    asked = request.args
    return HeldFilter(
        reason=asked.get("reason") or None,
        official=bool(asked.get("official")),
        country=asked.get("country") or None,
        locale=asked.get("locale") or None,
    )


def _filters() -> dict[str, str]:
    return {name: request.args[name] for name in _FILTERS if request.args.get(name)}


def _page_of_queue() -> Sequence[Pledge]:
    after = _seen(request.args.get("after", ""))
    return queue.held(scope(), _only(), queue.position(after) if after else None)


def _address(pledge_id: UUID | None = None, **changed: object) -> str:
    """Return the address of the queue, or of a case in it, with the filters of this page."""
    kept = {"after": request.args.get("after", ""), **_filters(), **changed}
    if changed.keys() & set(_FILTERS):
        kept["after"] = ""
    query = urlencode({name: str(value) for name, value in kept.items() if value})
    path = url_for("review.case", pledge_id=pledge_id) if pledge_id else url_for("review.held")
    return f"{path}?{query}" if query else path


def _seen(text: str) -> Pledge | None:
    """Return the pledge with this id, if there is one within the scope."""
    try:
        pledge = queries.get(UUID(text))
    except ValueError:
        return None
    return pledge if pledge and pledge.is_within(scope()) else None


def _find(pledge_id: UUID) -> Pledge:
    return _seen(str(pledge_id)) or abort(404)


def _find_locked(pledge_id: UUID) -> Pledge:
    pledge = queries.get_locked(pledge_id)
    return pledge if pledge and pledge.is_within(scope()) else abort(404)


# Verdicts


@blueprint.post("/<uuid:pledge_id>/accept/")
@reviewers
def accept(pledge_id: UUID) -> Page:
    return _decide(pledge_id, Decision())


@blueprint.post("/<uuid:pledge_id>/refuse/")
@reviewers
def refuse(pledge_id: UUID) -> Page:
    pledge = _find_locked(pledge_id)
    if problem := _problem_of_reason():
        return _page(pledge, _page_of_queue(), Form.posted(problem)), 422
    return _decide(pledge_id, Decision(_reasons(pledge.locale)))


@blueprint.post("/<uuid:pledge_id>/accept-instead/")
@reviewers
def accept_instead(pledge_id: UUID) -> Page:
    """Accept an official pledge, and hold the one that speaks for the institution now."""
    pledge = _find_locked(pledge_id)
    try:
        reviewing.check_version(pledge, _version())
        reviewing.accept_instead(current_policy(), pledge, actor())
    except (ChangedMeanwhile, NotAwaiting):
        return _overtaken(pledge)
    return _go_on(pledge)


def _decide(pledge_id: UUID, decision: Decision) -> Page:
    pledge = _find_locked(pledge_id)
    try:
        reviewing.check_version(pledge, _version())
        decision.carry_out(current_policy(), pledge, actor())
    except (ChangedMeanwhile, NotAwaiting):
        return _overtaken(pledge, decision)
    except Disputed:
        words = gettext(
            "Another pledge counts for this institution. Accepting this one instead holds the other."
        )
        return _page(pledge, _page_of_queue(), problem=words), 409
    return _go_on(pledge)


def _overtaken(pledge: Pledge, decision: Decision | None = None) -> Page:
    """Say who was faster; what was written for the person is kept as a note for colleagues."""
    if decision and decision.reasons:
        reviewing.add_note(pledge, actor(), decision.reasons[pledge.locale], now())
        jobs.commit()
    event = queries.newest_event(pledge.id)
    who = event and staff_queries.names([event.actor.id]).get(event.actor.id or "")
    if event is None or who is None:
        words = gettext("This pledge has changed since you opened it. Read it again.")
    else:
        words = gettext(
            "%(name)s was faster, %(time)s: %(action)s. A reason that you wrote is kept as a note.",
            name=who,
            time=i18n.format_ago(event.happened_at, now()),
            action=ACTIONS.get(event.action, event.action),
        )
    return _page(pledge, _page_of_queue(), problem=words), 409


def _go_on(pledge: Pledge) -> Page:
    """Commit, and show the next case with the verdict, and how to undo it, above."""
    following = _seen(request.form.get("next", ""))
    queue.close_cases(actor(), now())
    jobs.commit()
    next_id = following.id if following and following.status == Status.HELD else None
    return redirect(_address(next_id, decided=pledge.id), 303)


def _version() -> int:
    version = request.form.get("version", "")
    return int(version) if version.isdecimal() and len(version) < 18 else 0


def _problem_of_reason() -> dict[str, str]:
    chosen, words = request.form.get("reason", ""), request.form.get("words", "").strip()
    if len(words) > REASON_LENGTH:
        return {"words": gettext("Write a shorter reason.")}
    if chosen not in REASONS and not words:
        return {"reason": gettext("Choose a reason or write one: its person reads it.")}
    return {}


def _reasons(locale: str) -> dict[str, str]:
    """Return what was written, or the reason that was chosen in the language of the person."""
    words = request.form.get("words", "").strip()
    return {locale: words or reason_in(request.form["reason"], locale)}


@blueprint.post("/<uuid:pledge_id>/undo/")
@reviewers
def undo(pledge_id: UUID) -> Page:
    pledge = _find_locked(pledge_id)
    try:
        reviewing.undo_decision(pledge, actor(), now())
    except TooLate:
        jobs.rollback()
        words = gettext(
            "The letter has left, or something else happened since. Nothing was undone."
        )
        return _page(_find(pledge_id), _page_of_queue(), problem=words), 409
    jobs.commit()
    return redirect(_address(pledge_id), 303)


@blueprint.post("/<uuid:pledge_id>/note/")
@reviewers
def note(pledge_id: UUID) -> Page:
    pledge, words = _find_locked(pledge_id), request.form.get("note", "").strip()
    if not words or len(words) > REASON_LENGTH:
        problem = gettext("Write a note of up to 1,000 characters.")
        return _page(pledge, _page_of_queue(), Form.posted({"note": problem})), 422
    reviewing.add_note(pledge, actor(), words, now())
    jobs.commit()
    return redirect(_address(pledge_id), 303)


@blueprint.post("/<uuid:pledge_id>/address/")
@reviewers
def show_address(pledge_id: UUID) -> Page:
    """Show the address this once; the record notes who looked."""
    pledge = _find(pledge_id)
    address = reviewing.show_address(pledge, actor())
    jobs.commit()
    return _page(pledge, _page_of_queue(), address=address)


@blueprint.post("/<uuid:pledge_id>/open/")
@reviewers
def open_case(pledge_id: UUID) -> Page:
    """Note that the case is open in a browser; answer who else has it open, for a script."""
    others = queue.open_case(_find(pledge_id), actor(), scope(), now())
    jobs.commit()
    names = staff_queries.names(others).values()
    return render_template("desk/review/others.html", others=[*names])


# Many at once


@blueprint.post("/decide/")
@reviewers
def decide_ticked() -> Page:
    """Decide about the ticked pledges at once, and say what became of each."""
    versions = ticked(request.form.getlist("pledge"))
    verdict, problem = request.form.get("verdict", ""), ""
    if not versions:
        problem = gettext("Tick at least one pledge.")
    elif verdict != "accept" and verdict not in REASONS:
        problem = gettext("Choose what to do with the ticked pledges.")
    if problem:
        pledges = _page_of_queue()
        return _page(pledges[0] if pledges else None, pledges, problem=problem), 422
    decision = Decision({} if verdict == "accept" else reasons_by_language(verdict))
    outcomes = deciding.decide_many(current_policy(), versions, decision, actor(), scope())
    jobs.commit()
    return _outcomes(outcomes, decision)


def _outcomes(outcomes: Mapping[UUID, Outcome], decision: Decision) -> str:
    found = {id_: _seen(str(id_)) for id_ in outcomes}
    return render_template(
        "desk/review/outcomes.html",
        outcomes=[(found[id_], outcome) for id_, outcome in outcomes.items() if found[id_]],
        done=sum(1 for outcome in outcomes.values() if outcome is Outcome.DONE),
        is_acceptance=not decision.reasons,
    )


@blueprint.post("/decide-all/")
@reviewers
@freshly
def plan_all() -> Page:
    """Plan one verdict for all held pledges that match the filters."""
    verdict = request.form.get("verdict", "")
    if verdict != "accept" and verdict not in REASONS:
        abort(400)
    decision = Decision({} if verdict == "accept" else reasons_by_language(verdict))
    task = deciding.plan(_only(), decision, actor(), scope(), now())
    jobs.commit()
    return redirect(url_for("tasks.task", task_id=task.id), 303)


def _title(task: Task) -> str:
    if task.plan["reasons"]:
        return gettext("Refuse held pledges")
    return gettext("Accept held pledges")


def _plan(task: Task) -> Mapping[str, object]:
    only = HeldFilter(**task.plan["only"])
    reasons = task.plan["reasons"]
    return {
        "only": only,
        "reasons": HOLD_REASONS,
        "reason": reasons.get(i18n.current()),
        "is_acceptance": not reasons,
        "autonym": i18n.autonym,
    }


desk_tasks.describe(
    deciding.DECIDE.name,
    Description(Permission.REVIEW, "desk/review/decide_task.html", _title, _plan),
)


@blueprint.get("/settled/")
@reviewers
def settled() -> Page:
    """List what staff have decided lately."""
    events = queue.settled(scope(), number(request.args.get("before", "")))
    return render_template(
        "desk/review/settled.html",
        events=events,
        names=staff_queries.names([event.actor.id for event, _ in events]),
        actions=ACTIONS,
        counts=queue.counts(scope()),
        words=publicity.counts(scope()),
        older=url_for("review.settled", before=events[-1][0].id)
        if len(events) == queue.PAGE_SIZE
        else "",
    )
