"""Institutions: which is which, what ROR says and what was corrected, logos, and how each came to be as it is."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from campaign import audit, i18n, jobs
from campaign.db import db
from campaign.desk.access import may, takes_files
from campaign.desk.forms import Form
from campaign.desk.signed_in import account, actor, scope
from campaign.http.lookup import current_texts
from campaign.http.rendering import Page
from campaign.i18n import gettext, lazy_gettext
from campaign.institutions import corrections, logos
from campaign.institutions import queries as institution_queries
from campaign.institutions.corrections import NotCorrected, RegistryBusy
from campaign.institutions.logos import InvalidLogo, LogoProblem
from campaign.institutions.models import SUCCESSOR, Institution
from campaign.institutions.queries import Only
from campaign.institutions.rules import LABEL, InvalidInstitution, Problem
from campaign.pledges import merging
from campaign.staff import queries as staff_queries
from campaign.staff.rules import Permission
from campaign.tallies import queries as tally_queries

blueprint = Blueprint("institutions", __name__, url_prefix="/institutions")
readers = may(
    Permission.MANAGE_REGISTRY, Permission.SETTLE_INSTITUTIONS, Permission.EDIT_INSTITUTION
)
editors = may(Permission.MANAGE_REGISTRY, Permission.EDIT_INSTITUTION)

PAGE_SIZE = 50
_MOST_FOUND = 50
ONLY = {
    Only.CORRECTED: lazy_gettext("Corrected"),
    Only.OWN: lazy_gettext("Not in ROR"),
    Only.MERGED: lazy_gettext("Merged"),
}
FIELDS = {
    "name": lazy_gettext("Name"),
    "acronyms": lazy_gettext("Abbreviations"),
    "aliases": lazy_gettext("Other names"),
    "website": lazy_gettext("Website"),
    "domains": lazy_gettext("Domains"),
    "parents": lazy_gettext("Belongs to"),
    SUCCESSOR: lazy_gettext("Replaced by"),
}
# What the institution itself may say. Its domains and its website prove who belongs to it: they are for staff.
_OF_STEWARDS = ("name", "acronyms", "aliases")
_LISTS = ("acronyms", "aliases", "domains", "parents")


@blueprint.get("/")
@readers
def listed() -> Page:
    if scope().institution_id:
        return redirect(url_for("institutions.show", institution_id=scope().institution_id))
    query, only = request.args.get("q", "").strip(), _only()
    if query:
        return _list_page(_found(query), form=Form({"q": query}))
    rows = institution_queries.browse(scope(), only, _after(), PAGE_SIZE + 1)
    older = _address_after(rows[PAGE_SIZE - 1], only) if len(rows) > PAGE_SIZE else None
    return _list_page(rows[:PAGE_SIZE], form=Form(), only=only, older=older)


def _list_page(rows: Sequence[Institution], **values: object) -> str:
    return render_template("desk/institutions/list.html", rows=rows, kinds=ONLY, **values)


def _only() -> Only | None:
    asked = request.args.get("only", "")
    return Only(asked) if asked in {*Only} else None


def _after() -> tuple[str, str] | None:
    name, id_ = request.args.get("after", ""), request.args.get("id", "")
    return (name, id_) if id_ else None


def _address_after(last: Institution, only: Only | None) -> str:
    return url_for("institutions.listed", only=only, after=last.name, id=last.id)


def _found(query: str) -> list[Institution]:
    """Return institutions by a name or an id; by its id also one that another has replaced."""
    named = institution_queries.get(query)
    matches = institution_queries.search(query, locale=i18n.current(), limit=_MOST_FOUND)
    ids = dict.fromkeys([*([named.id] if named else []), *(match.id for match in matches)])
    known = institution_queries.by_ids([*ids])
    found = [known[id_] for id_ in ids if id_ in known]
    return [one for one in found if scope().covers(one.country, one.id)]


@blueprint.get("/<institution_id>/")
@readers
def show(institution_id: str) -> Page:
    return _page(find(institution_id))


def find(institution_id: str) -> Institution:
    """Return an institution within the scope of the account. Answers 404 for any other."""
    found = institution_queries.get(institution_id) or abort(404)
    scope().check(found.country, found.id)
    return found


def _page(found: Institution, problem: str = "") -> str:
    lines = audit.events(audit.Filter(subject=f"institution:{found.id}"), limit=20)
    corrected = corrections.of(found.id)
    tasks = merging.merges_of(found.id)
    actors = [
        *(line.actor for line in lines),
        *(one.actor for one in corrected),
        *(task.actor for task in tasks),
    ]
    successor = institution_queries.resolve(found.id)
    return render_template(
        "desk/institutions/show.html",
        found=found,
        problem=problem,
        corrected=corrected,
        field_name=field_name,
        lines=lines,
        merges=[(task, *merging.institutions_of(task)) for task in tasks],
        names=staff_queries.names(actor.id for actor in actors),
        parents=[*institution_queries.by_ids(found.parents).values()],
        successor=successor if successor is not found else None,
        logo=logos.of(found.id),
        counts=[
            (text, tally_queries.counts_of(text.campaign_id, "institution", found.id))
            for text in current_texts()
        ],
        may_edit=_may_edit(),
        may_manage=account().may(Permission.MANAGE_REGISTRY),
    )


def _may_edit() -> bool:
    return account().may(Permission.MANAGE_REGISTRY) or account().may(Permission.EDIT_INSTITUTION)


def field_name(field: str) -> str:
    """Return the words for a field of the record."""
    if field.startswith(LABEL):
        language = i18n.language_name(field.removeprefix(LABEL))
        return gettext("Name in: %(language)s", language=language)
    return str(FIELDS[field])


@blueprint.get("/<institution_id>/edit/")
@editors
def edit(institution_id: str) -> Page:
    found = find(institution_id)
    return _edit_page(found, Form(_values(found)))


def _edit_page(found: Institution, form: Form, problem: str = "") -> str:
    return render_template(
        "desk/institutions/edit.html",
        found=found,
        form=form,
        problem=problem,
        seen=_version(found),
        ror={one.field: one for one in corrections.of(found.id)},
        tags=[(tag, i18n.language_name(tag)) for tag in _tags(found)],
        may_manage=account().may(Permission.MANAGE_REGISTRY),
    )


def _tags(found: Institution) -> list[str]:
    """Return the languages that have a name, and those of the site."""
    of_site = {tag.partition("-")[0] for tag in i18n.offered()}
    return sorted({*found.labels, *of_site})


def _values(found: Institution) -> dict[str, str]:
    """Return what is shown, as the form has it."""
    lists = {field: "\n".join(getattr(found, field)) for field in _LISTS}
    labels = {f"label-{tag}": found.labels.get(tag, "") for tag in _tags(found)}
    return {"name": found.name, "website": found.website or "", **lists, **labels}


def _version(found: Institution) -> str:
    """Return another text for every other record, so that nobody overwrites what they have not seen."""
    return sha256(json.dumps(_values(found), sort_keys=True).encode()).hexdigest()[:16]


@blueprint.post("/<institution_id>/edit/")
@editors
def correct(institution_id: str) -> Page:
    found = find(institution_id)
    try:
        corrections.take_lock()
        db.session.refresh(found)  # a colleague's change may have been waited for
        if request.form.get("seen") != _version(found):
            return _edit_page(found, Form.posted(), _changed_meanwhile()), 409
        corrections.correct(found, _said(found), actor(), scope())
    except InvalidInstitution as invalid:
        return _edit_page(found, Form.posted(_sentences(invalid))), 422
    except RegistryBusy:
        jobs.rollback()
        return _edit_page(find(institution_id), Form.posted(), _busy()), 503
    jobs.commit()
    return redirect(url_for("institutions.show", institution_id=found.id), 303)


def _changed_meanwhile() -> str:
    return gettext(
        "Somebody has changed this institution meanwhile, and nothing of yours was saved. What you wrote is"
        " still here; compare it with what is shown now, and save again."
    )


def _said(found: Institution) -> dict[str, Any]:
    """Return what the form says, of the fields that the account may correct."""
    may_manage = account().may(Permission.MANAGE_REGISTRY)
    allowed = (*_OF_STEWARDS, "website", "domains", "parents") if may_manage else _OF_STEWARDS
    said: dict[str, Any] = {}
    for field in allowed:
        value = request.form.get(field, "")
        said[field] = value.splitlines() if field in _LISTS else value
    for tag in _tags(found):
        said[f"{LABEL}{tag}"] = request.form.get(f"label-{tag}", "").strip() or None
    return said


def _sentences(invalid: InvalidInstitution) -> dict[str, str]:
    """Return what is wrong, by field of the form."""
    return {
        field.replace(LABEL, "label-"): problem_sentence(problem, value)
        for field, (problem, value) in invalid.problems.items()
    }


def problem_sentence(problem: Problem, value: str) -> str:
    """Return what is wrong with a value of an institution's record."""
    sentences = {
        Problem.MISSING: gettext("Enter the name."),
        Problem.TOO_LONG: gettext("This name is too long: %(name)s", name=value),
        Problem.TOO_MANY: gettext("These are too many. Leave out what nobody searches for."),
        Problem.NO_LANGUAGE: gettext("%(tag)s is not a language.", tag=value),
        Problem.NO_COUNTRY: gettext("Choose the country."),
        Problem.NO_TYPE: gettext("Choose what it is."),
        Problem.NO_ADDRESS: gettext("Enter the address of the website with https:// before it."),
        Problem.NOT_OWNED: gettext(
            "%(domain)s does not belong to one institution alone, or is not a domain.", domain=value
        ),
        Problem.UNKNOWN: gettext("No institution has the id %(id)s.", id=value),
        Problem.OWN_DESCENDANT: gettext("An institution cannot belong to a part of its own."),
    }
    return sentences[problem]


def _busy() -> str:
    return gettext("An import is changing the registry. Save again in a minute.")


@blueprint.post("/<institution_id>/take-back/")
@editors
def take_back(institution_id: str) -> Page:
    """Show what ROR says again, of one field."""
    found, field = find(institution_id), request.form.get("field", "")
    allowed = field.startswith(LABEL) or field in _OF_STEWARDS
    if not allowed and not account().may(Permission.MANAGE_REGISTRY):
        abort(403)
    if field == SUCCESSOR:
        abort(404)  # a part of a merge, which is undone as a whole
    try:
        corrections.take_back(found, field, actor(), scope())
    except NotCorrected:
        pass  # somebody was faster
    except RegistryBusy:
        jobs.rollback()
        return _page(find(institution_id), _busy()), 503
    jobs.commit()
    return redirect(url_for("institutions.show", institution_id=found.id), 303)


@blueprint.get("/<institution_id>/logo.png")
@readers
def logo(institution_id: str) -> Response:
    kept = logos.of(find(institution_id).id) or abort(404)
    return Response(logos.png(kept.digest) or abort(404), mimetype="image/png")


@blueprint.post("/<institution_id>/logo/")
@editors
@takes_files(logos.MOST_BYTES + 50_000)
def put_logo(institution_id: str) -> Page:
    found = find(institution_id)
    file = request.files.get("logo")
    try:
        logos.put(found, file.read() if file else b"", actor(), scope())
    except InvalidLogo as invalid:
        return _page(found, _logo_problem(invalid.problem)), 422
    jobs.commit()
    return redirect(url_for("institutions.show", institution_id=found.id), 303)


def _logo_problem(problem: LogoProblem) -> str:
    sentences: Mapping[LogoProblem, str] = {
        LogoProblem.TOO_LARGE: gettext("The file is larger than 2 MB."),
        LogoProblem.TOO_MANY_PIXELS: gettext(
            "The picture has more than 16 million pixels. Make it smaller first."
        ),
        LogoProblem.UNKNOWN_FORMAT: gettext(
            "The file is not a picture in one of the formats PNG, JPEG, WebP and SVG."
        ),
        LogoProblem.DAMAGED: gettext("The file is damaged, or not all there."),
        LogoProblem.UNSAFE: gettext(
            "This SVG has entities or repeats its parts too often, so it is not drawn. Save it as PNG."
        ),
        LogoProblem.EMPTY: gettext("Nothing is to be seen in this picture."),
    }
    return sentences[problem]


@blueprint.post("/<institution_id>/logo/remove/")
@editors
def remove_logo(institution_id: str) -> Page:
    found = find(institution_id)
    logos.remove(found, actor(), scope())
    jobs.commit()
    return redirect(url_for("institutions.show", institution_id=found.id), 303)
