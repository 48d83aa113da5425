"""Counts from before a campaign, which the public page of numbers shows with day and source."""

from datetime import UTC, date, datetime

from flask import Blueprint, redirect, render_template, request, url_for

from campaign import geography, i18n, jobs
from campaign.desk.access import may
from campaign.desk.forms import Form
from campaign.desk.signed_in import account, actor, scope
from campaign.http.lookup import current_texts
from campaign.http.rendering import Page
from campaign.i18n import gettext
from campaign.staff.rules import Permission
from campaign.staff.scopes import OutOfScope
from campaign.tallies import milestones

blueprint = Blueprint("milestones", __name__, url_prefix="/milestones")
editors = may(Permission.PUBLISH)


@blueprint.get("/")
@editors
def listed() -> Page:
    return _page(Form({"locale": account().locale}))


def _page(form: Form) -> str:
    texts = current_texts()
    named = geography.sorted_countries(i18n.current())
    return render_template(
        "desk/milestones.html",
        form=form,
        campaigns=[(text, milestones.of_campaign(text.campaign_id)) for text in texts],
        countries=[(code, name) for code, name in named if scope().covers(code)],
        may_world=scope().covers(None),
    )


@blueprint.post("/")
@editors
def add() -> Page:
    texts = {str(text.campaign_id): text for text in current_texts()}
    text = texts.get(request.form.get("campaign", ""))
    if text is None:
        return _page(Form.posted({"campaign": gettext("Choose a campaign.")})), 422
    try:
        milestones.add(
            text.campaign_id,
            _day(),
            _count(),
            request.form.get("what", ""),
            request.form.get("source", ""),
            request.form.get("country") or None,
            _locale(),
            datetime.now(UTC).date(),
            scope(),
            actor(),
        )
    except milestones.InvalidMilestone as error:
        return _page(Form.posted({name: _sentence(name) for name in error.fields})), 422
    except OutOfScope:
        problem = gettext("Choose a country that you look after.")
        return _page(Form.posted({"country": problem})), 422
    jobs.commit()
    return redirect(url_for("milestones.listed"), 303)


def _day() -> date | None:
    try:
        return date.fromisoformat(request.form.get("day", ""))
    except ValueError:
        return None


def _count() -> int | None:
    """Return the number, in digits of any script, with the signs that people put between thousands."""
    digits = [c for c in request.form.get("count", "")[:30] if c not in " ,.'\u00a0\u202f\u066c"]
    return int("".join(digits)) if digits and all(c.isdecimal() for c in digits) else None


def _locale() -> str:
    locale = request.form.get("locale", "")
    return locale if i18n.is_offered(locale) else account().locale


def _sentence(name: str) -> str:
    return {
        "day": gettext("Enter the day of the count. It cannot be in the future."),
        "count": gettext("Enter a whole number."),
        "what": gettext("Say in one line what was counted."),
        "source": gettext("Say in one line who counted, such as a book or the address of a page."),
        "country": gettext("Choose a country from the list."),
    }[name]


@blueprint.post("/<int:milestone_id>/remove/")
@editors
def remove(milestone_id: int) -> Page:
    milestones.remove(milestone_id, scope(), actor())
    jobs.commit()
    return redirect(url_for("milestones.listed"), 303)
