"""One field that finds a person, a pledge or an institution, from every page of the desk."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from campaign import i18n
from campaign.desk.access import signed_in
from campaign.desk.signed_in import account, scope
from campaign.http.rendering import Page
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution
from campaign.pledges import finding
from campaign.staff.rules import Permission

blueprint = Blueprint("finding", __name__, url_prefix="/find")
_MOST = 10
_OF_INSTITUTIONS = {
    Permission.MANAGE_REGISTRY,
    Permission.SETTLE_INSTITUTIONS,
    Permission.EDIT_INSTITUTION,
}


@blueprint.post("/")
@signed_in
def look() -> Page:
    """Lead to what was typed. An e-mail address stands in no address of ours, so it goes on as it came."""
    typed = request.form.get("who", "").strip()
    if "@" in typed and account().may(Permission.FIND_PEOPLE):
        return redirect(url_for("people.look_up"), 307)
    if (pledge_id := _uuid(typed)) and account().may(Permission.REVIEW):
        return redirect(url_for("review.case", pledge_id=pledge_id), 303)
    return redirect(url_for("finding.found", q="" if "@" in typed else typed[:200]), 303)


@blueprint.get("/")
@signed_in
def found() -> Page:
    query = request.args.get("q", "").strip()
    people = finding.by_name(scope(), query, _MOST) if query and _may_find_people() else []
    return render_template(
        "desk/find.html", query=query, people=people, institutions=_institutions(query)
    )


def _may_find_people() -> bool:
    return account().may(Permission.FIND_PEOPLE)


def _institutions(query: str) -> Sequence[Institution]:
    if not query or not account().permissions & _OF_INSTITUTIONS:
        return []
    matches = institution_queries.search(query, locale=i18n.current(), limit=_MOST)
    known = institution_queries.by_ids([match.id for match in matches])
    return [one for one in known.values() if scope().covers(one.country, one.id)]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
