"""Merge two institutions: find the one that stays, read the plan, start it, and take it back if it was wrong."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for

from campaign import i18n, jobs
from campaign import tasks as all_tasks
from campaign.desk import tasks
from campaign.desk.access import may
from campaign.desk.forms import Form
from campaign.desk.institutions import find
from campaign.desk.signed_in import actor, scope
from campaign.desk.tasks import Description
from campaign.http.rendering import Page
from campaign.i18n import gettext
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution
from campaign.institutions.queries import name_in
from campaign.partners import queries as partner_queries
from campaign.pledges import merging
from campaign.pledges.merging import MERGE, MergeProblem, MergeRefused
from campaign.staff import queries as staff_queries
from campaign.staff.rules import Permission
from campaign.tasks import State, Task

blueprint = Blueprint("merges", __name__, url_prefix="/institutions")
managers = may(Permission.MANAGE_REGISTRY)


@blueprint.get("/<institution_id>/merge/")
@managers
def choose(institution_id: str) -> Page:
    return _page(find(institution_id), Form(request.args.to_dict()))


def _page(source: Institution, form: Form, problem: str = "") -> str:
    query = form.value("q").strip() or name_in(source, i18n.current())
    matches = institution_queries.search(
        query, locale=i18n.current(), country=source.country, limit=20
    )
    inside = [
        match
        for match in matches
        if match.id != source.id and scope().covers(match.country, match.id)
    ]
    return render_template(
        "desk/institutions/choose.html", source=source, form=form, matches=inside, problem=problem
    )


@blueprint.post("/<institution_id>/merge/")
@managers
def plan(institution_id: str) -> Page:
    """Plan the merge; nothing happens before the task is started."""
    source, target = find(institution_id), find(request.form.get("target", ""))
    why = " ".join(request.form.get("why", "").split())[:500]
    try:
        task = merging.propose(source, target, why, actor(), scope())
    except MergeRefused as refused:
        return _page(source, Form.posted(), _sentence(refused.problem)), 422
    jobs.commit()
    return redirect(url_for("tasks.task", task_id=task.id), 303)


def _sentence(problem: MergeProblem) -> str:
    sentences = {
        MergeProblem.SAME: gettext("These are one and the same. Choose another institution."),
        MergeProblem.DESCENDANT: gettext(
            "The second is a part of the first. Merge the part into the whole instead."
        ),
        MergeProblem.SOURCE_MERGED: gettext(
            "This institution was merged into another one already. Undo that first."
        ),
        MergeProblem.TARGET_GONE: gettext(
            "That institution is closed, or another has taken its place. Choose the one that is there today."
        ),
        MergeProblem.RUNNING: gettext("Another merge of one of the two is not finished yet."),
    }
    return sentences[problem]


def _title(task: Task) -> str:
    source, target = merging.institutions_of(task)
    names = {"source": name_in(source, i18n.current()), "target": name_in(target, i18n.current())}
    return gettext("Merge %(source)s into %(target)s", **names)


def _context(task: Task) -> Mapping[str, Any]:
    """Count the plan anew while it can be started, and once it is done, what undoing would do."""
    source, target = merging.institutions_of(task)
    values: dict[str, Any] = {"source": source, "target": target, "plan": None, "undo": None}
    if task.state in {State.DONE, State.CANCELLED}:
        values["undo"] = merging.plan_unmerge(task, scope())
    if task.state == State.PLANNED:
        try:
            values["plan"] = merging.plan_merge(source, target, scope())
        except MergeRefused as refused:
            values["in_the_way"] = _sentence(refused.problem)
    return values | {
        "following": partner_queries.following(source.id),
        "stewards": staff_queries.stewards_of(source.id),
    }


tasks.describe(
    MERGE.name,
    Description(
        Permission.MANAGE_REGISTRY, "desk/institutions/merge.html", title=_title, context=_context
    ),
)


@blueprint.post("/merges/<uuid:task_id>/swap/")
@managers
def swap(task_id: UUID) -> Page:
    """Plan the same merge the other way round."""
    task = all_tasks.get(task_id) or abort(404)
    if task.kind != MERGE.name or task.state != State.PLANNED:
        abort(404)
    source, target = merging.institutions_of(task)
    try:
        other = merging.propose(target, source, task.plan["why"], actor(), scope())
    except MergeRefused as refused:
        return _page(target, Form({"q": source.id}), _sentence(refused.problem)), 422
    jobs.commit()
    return redirect(url_for("tasks.task", task_id=other.id), 303)
