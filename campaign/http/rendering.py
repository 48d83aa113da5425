"""What every template can use: the language, addresses, and filters for numbers, days and names."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Flask, request
from markupsafe import Markup, escape
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from campaign import geography, i18n
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import takes_pledges
from campaign.config import current_settings
from campaign.http.locales import alternate_url
from campaign.i18n import ngettext
from campaign.institutions.models import Institution
from campaign.institutions.queries import name_in
from campaign.pledges.disciplines import FIELDS
from campaign.pledges.queries import has_demo
from campaign.pledges.rules import ROLES

# What the view of a page returns: HTML, a finished response, or HTML with a status.
Page = str | Response | tuple[str, int]
# Takes the place of a number in a sentence, so that the sentence can be cut there.
_NUMBER = "\N{OBJECT REPLACEMENT CHARACTER}"


def init_app(app: Flask) -> None:
    app.context_processor(_context)
    app.jinja_env.filters.update(_FILTERS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if app.config["TESTING"]:
        from jinja2 import StrictUndefined

        app.jinja_env.undefined = StrictUndefined


def init_site(app: Flask) -> None:
    """Add what the pages of the public site use besides."""
    app.context_processor(_context_of_page)


def _context() -> dict[str, Any]:
    """Return the variables of every template. E-mails are rendered without a request."""
    return {
        "locale": i18n.current(),
        "direction": i18n.direction(i18n.current()),
        "languages": [(tag, i18n.autonym(tag), i18n.direction(tag)) for tag in i18n.offered()],
        "site_url": current_settings().site_url,
        "contact_address": current_settings().contact_address,
    }


def _context_of_page() -> dict[str, Any]:
    if not request:
        return {}
    return {
        "alternate_url": alternate_url,
        "canonical_url": _canonical_url(),
        "holds_demo": _holds_demo(),
    }


def _canonical_url() -> str:
    """Return the address of this page, with only those parameters that make it another page."""
    query = [
        (name, request.args[name])
        for name in ("campaign", "country", "page")
        if request.args.get(name)
    ]
    return current_settings().site_url + request.path + (f"?{urlencode(query)}" if query else "")


def _holds_demo() -> bool:
    try:
        return has_demo()
    except SQLAlchemyError:
        return False  # the database is away, and the page that says so must not fail, too


def paragraphs(prose: str) -> Markup:
    """Return plain text as escaped HTML paragraphs, divided at empty lines."""
    parts = [part.strip() for part in prose.split("\n\n")]
    return Markup("").join(
        Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in part.splitlines()))
        for part in parts
        if part
    )


def _institution(institution: Institution) -> str:
    name: str = name_in(institution, i18n.current())
    return name


def commitment(code: str, text: CampaignText, kind: str, signed: CampaignText) -> str:
    """Return a commitment's sentence from ``text``, or from the signed text if a later version dropped it."""
    return text.commitments_for(kind).get(code) or signed.commitments_for(kind)[code]


def people_have_pledged(people: int) -> list[str]:
    """Return the words before the number, the number, and the words after it.

    Or words alone: Arabic has a form of its own for "two people".
    """
    sentence: str = ngettext(
        "%(count)s person has pledged", "%(count)s people have pledged", people, count=_NUMBER
    )
    before, number, after = sentence.partition(_NUMBER)
    return [before, i18n.format_number(people), after] if number else [sentence]


_FILTERS: dict[str, Callable[..., Any]] = {
    "number": i18n.format_number,
    "day": i18n.format_date,
    "country": lambda code: geography.country_name(code, i18n.current()),
    "region": lambda code: geography.region_name(code, i18n.current()),
    "institution": _institution,
    "paragraphs": paragraphs,
    "field_name": lambda code: str(FIELDS[code].name) if code in FIELDS else code,
    "role_label": lambda code: str(ROLES.get(code, code)),
    "commitment": commitment,
    "takes_pledges": lambda text: takes_pledges(text.campaign_id),
}
