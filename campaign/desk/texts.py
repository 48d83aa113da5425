"""What pages of campaigns and of translation have in common: names of passages, problems, who may write what."""

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from flask import abort

from campaign import i18n
from campaign.campaigns import queries
from campaign.campaigns.models import Campaign
from campaign.campaigns.rules import SOURCE, InvalidName, InvalidPassage, Problem
from campaign.desk.signed_in import account
from campaign.i18n import format_number, gettext, lazy_gettext, ngettext
from campaign.paths import TRANSLATIONS
from campaign.staff.rules import Permission

_NAMES: Mapping[str, Any] = {
    "title": lazy_gettext("Title"),
    "theme": lazy_gettext("Theme"),
    "summary": lazy_gettext("Summary"),
    "introduction": lazy_gettext("Introduction"),
    "pledge": lazy_gettext("Pledge of people"),
    "pledge_institution": lazy_gettext("Pledge of institutions"),
    "commitments": lazy_gettext("Commitments of people"),
    "commitments_institution": lazy_gettext("Commitments of institutions"),
}


def passage_name(name: str) -> str:
    """Return what the desk calls a passage."""
    list_name, _, code = name.partition("/")
    if not code:
        return str(_NAMES[name])
    if list_name == "commitments":
        return gettext("Commitment of people: %(code)s", code=code)
    return gettext("Commitment of institutions: %(code)s", code=code)


def campaign_or_404(slug: str) -> Campaign:
    return queries.get(slug) or abort(404)


def own_languages() -> Collection[str] | None:
    """Return the languages in which the account may write; the source is for those who edit texts. None for all."""
    if account().may(Permission.EDIT_TEXTS):
        return account().languages
    return [tag for tag in account().languages or i18n.offered() if tag != SOURCE]


def passage_problem(error: InvalidPassage) -> str:
    """Return what to do about a passage that cannot be saved."""
    if error.problem is Problem.REQUIRED:
        return gettext("Write something: a passage cannot be empty.")
    if error.problem is Problem.TOO_LONG:
        limit = format_number(error.limit)
        return ngettext(
            "Use at most %(limit)s character.",
            "Use at most %(limit)s characters.",
            error.limit,
            limit=limit,
        )
    if error.problem is Problem.SIGNED:
        return gettext(
            "People have signed this sentence, so it stays. Retire the commitment and add another one."
        )
    return gettext(
        "These must stand in the translation exactly as in the source: %(placeholders)s",
        placeholders=i18n.format_list(error.broken),
    )


def name_problem(error: InvalidName) -> str:
    """Return what to do about a slug or a code that cannot be used."""
    return {
        Problem.REQUIRED: gettext("Fill in this field."),
        Problem.TOO_LONG: gettext("Choose a shorter name."),
        Problem.FORM: gettext(
            "Use small letters from a to z, digits and single hyphens, and begin with a letter."
        ),
        Problem.RESERVED: gettext("This word is taken by a page of the site. Choose another one."),
        Problem.TAKEN: gettext("This name was given before. Choose another one."),
    }[error.problem]


@cache
def _glossary() -> list[dict[str, str]]:
    """The rows of the glossary's table of terms, by language."""
    path = TRANSLATIONS / "GLOSSARY.md"
    text = path.read_text("utf-8") if path.exists() else ""
    lines = text.partition("\n## Terms\n")[2].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    tags = rows[0] if rows else []
    return [dict(zip(tags, row, strict=True)) for row in rows[2:] if len(row) == len(tags)]


def terms_in(source: str, locale: str) -> list[tuple[str, str]]:
    """Return the terms of the glossary that a text in the source language uses, with their renderings."""
    used = []
    for row in _glossary():
        term = re.sub(r"\s*\([^)]*\)", "", row.get(SOURCE, ""))
        if locale in row and term and re.search(rf"\b{re.escape(term)}", source, re.IGNORECASE):
            used.append((term, row[locale]))
    return used
