"""Institutions that people entered by hand: settled to one of the registry, or added to it."""

from collections.abc import Mapping
from datetime import datetime

from flask import Blueprint, abort, redirect, render_template, request, url_for

from campaign import geography, i18n, jobs
from campaign.desk import today
from campaign.desk.access import may
from campaign.desk.forms import Form
from campaign.desk.institutions import problem_sentence
from campaign.desk.signed_in import actor, scope
from campaign.desk.today import Waiting
from campaign.http.rendering import Page
from campaign.i18n import gettext, lazy_gettext, ngettext
from campaign.institutions import corrections
from campaign.institutions import queries as institution_queries
from campaign.institutions.corrections import RegistryBusy
from campaign.institutions.queries import Match
from campaign.institutions.rules import InvalidInstitution
from campaign.pledges import attention, reviewing
from campaign.pledges import queries as pledge_queries
from campaign.pledges.queries import UnlistedInstitution
from campaign.staff.rules import Permission
from campaign.staff.scopes import Scope

blueprint = Blueprint("settling", __name__, url_prefix="/institutions/not-listed")
settlers = may(Permission.SETTLE_INSTITUTIONS)

PAGE_SIZE = 50
_MOST_SUGGESTIONS = 8
# As ROR has them.
TYPES = {
    "education": lazy_gettext("University or college"),
    "facility": lazy_gettext("Research institute or laboratory"),
    "healthcare": lazy_gettext("Hospital"),
    "nonprofit": lazy_gettext("Foundation, academy or association"),
    "government": lazy_gettext("Authority or ministry"),
    "archive": lazy_gettext("Library, museum or archive"),
    "company": lazy_gettext("Company"),
    "funder": lazy_gettext("Funder of research"),
    "other": lazy_gettext("Something else"),
}


@today.waits_for(Permission.SETTLE_INSTITUTIONS)
def _waiting(scope: Scope, _now: datetime) -> Waiting | None:
    waiting = attention.not_listed(scope)
    if not waiting.number:
        return None
    sentence = ngettext(
        "%(number)s pledge names an institution that is not in the registry.",
        "%(number)s pledges name institutions that are not in the registry.",
        waiting.number,
        number=i18n.format_number(waiting.number),
    )
    return Waiting(waiting.number, sentence, "", url_for("settling.listed"), gettext("Settle them"))


@blueprint.get("/")
@settlers
def listed() -> Page:
    rows = pledge_queries.not_listed(scope(), _after(), PAGE_SIZE + 1)
    last = rows[PAGE_SIZE - 1] if len(rows) > PAGE_SIZE else None
    more = last and url_for(
        "settling.listed", text=last.text, country=last.country, pledges=last.pledges
    )
    return render_template("desk/institutions/not_listed.html", rows=rows[:PAGE_SIZE], more=more)


def _after() -> UnlistedInstitution | None:
    text, country = request.args.get("text", ""), request.args.get("country", "")
    number = request.args.get("pledges", "")
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    return UnlistedInstitution(text, country, int(number)) if is_number else None


def _asked(values: Mapping[str, str]) -> tuple[str, str]:
    """Return the text and the country in question. Answers 404 where there are none, or they are elsewhere."""
    text, country = values.get("text", ""), values.get("country", "")
    if not text or country not in geography.COUNTRIES:
        abort(404)
    scope().check(country)
    return text, country


@blueprint.get("/one/")
@settlers
def show() -> Page:
    text, country = _asked(request.args)
    query = request.args.get("q", "").strip()
    return render_template(
        "desk/institutions/unlisted.html",
        text=text,
        country=country,
        form=Form({"q": query}),
        suggestions=_suggestions(query or text, country),
        pledges=pledge_queries.number_with_institution_text(text, country),
    )


def _suggestions(text: str, country: str) -> list[Match]:
    """Return institutions that the text may mean, those of its country first."""
    found = institution_queries.search(
        text, locale=i18n.current(), country=country, limit=2 * _MOST_SUGGESTIONS
    )
    return sorted(found, key=lambda match: match.country != country)[:_MOST_SUGGESTIONS]


@blueprint.post("/settle/")
@settlers
def settle() -> Page:
    """Say which institution of the registry a text means."""
    text, country = _asked(request.form)
    institution = institution_queries.resolve(request.form.get("institution", "")) or abort(404)
    reviewing.settle(text, country, institution, actor(), scope())
    jobs.commit()
    return redirect(url_for("settling.listed"), 303)


@blueprint.get("/add/")
@settlers
def new() -> Page:
    text, country = _asked(request.args)
    return _new_page(Form({"name": text, "text": text, "country": country}), text, country)


def _new_page(form: Form, text: str, country: str, problem: str = "") -> str:
    return render_template(
        "desk/institutions/add.html",
        form=form,
        text=text,
        country=country,
        types=[*TYPES.items()],
        problem=problem,
    )


@blueprint.post("/add/")
@settlers
def add() -> Page:
    """Add the institution to the registry, and settle the text to it."""
    text, country = _asked(request.form)
    said = {
        "name": request.form.get("name", ""),
        "country": country,
        "type": request.form.get("type", ""),
        "city": request.form.get("city", ""),
        "website": request.form.get("site", ""),
        "aliases": [text] if text != request.form.get("name", "").strip() else [],
    }
    try:
        institution = corrections.add_own(said, actor(), scope())
    except InvalidInstitution as invalid:
        problems = {
            {"website": "site", "aliases": "name"}.get(field, field): problem_sentence(*problem)
            for field, problem in invalid.problems.items()
        }
        return _new_page(Form.posted(problems), text, country), 422
    except RegistryBusy:
        jobs.rollback()
        busy = gettext("An import is changing the registry. Save again in a minute.")
        return _new_page(Form.posted(), text, country, busy), 503
    reviewing.settle(text, country, institution, actor(), scope())
    jobs.commit()
    return redirect(url_for("institutions.show", institution_id=institution.id), 303)
