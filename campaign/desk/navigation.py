"""The items of the menu, the same words for everyone; one that an account may not use is absent."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request

from campaign import geography, i18n
from campaign.clock import now
from campaign.desk.access import SIGNED_IN
from campaign.desk.signed_in import account, is_signed_in
from campaign.i18n import gettext, lazy_gettext
from campaign.institutions.queries import name_in, resolve
from campaign.staff.models import Account


@dataclass(frozen=True)
class Item:
    """An entry of the menu: where it leads, and the blueprints whose pages belong to it."""

    endpoint: str
    label: Any
    blueprints: frozenset[str]


def _item(endpoint: str, label: object, *others: str) -> Item:
    return Item(endpoint, label, frozenset({endpoint.partition(".")[0], *others}))


ITEMS = (
    _item("today.today", lazy_gettext("Today"), "tasks"),
    _item("review.held", lazy_gettext("Review"), "words", "rules", "pins"),
    _item("people.find", lazy_gettext("People"), "imports"),
    _item("institutions.listed", lazy_gettext("Institutions"), "merges", "settling", "registry"),
    _item("campaigns.listed", lazy_gettext("Campaigns"), "translating"),
    _item("numbers.page", lazy_gettext("Numbers"), "exports", "milestones"),
    _item("partners.sites", lazy_gettext("Partners")),
    _item("staff.accounts", lazy_gettext("Staff")),
    _item("record.lines", lazy_gettext("Record")),
)


def init_app(app: Flask) -> None:
    """Give the templates the menu, the account that is signed in, and names for scopes and languages."""
    app.context_processor(lambda: {"menu": menu, "account": account() if is_signed_in() else None})
    app.jinja_env.globals["scope_name"] = scope_name
    app.jinja_env.filters["language_name"] = lambda tag: i18n.isolated(i18n.autonym(tag))
    app.jinja_env.filters["moment"] = lambda moment: i18n.format_ago(moment, now())


def scope_name(account: Account) -> str:
    """Return where the rights of an account end, in words."""
    if account.institution_id:
        institution = resolve(account.institution_id)
        return name_in(institution, i18n.current()) if institution else account.institution_id
    if account.languages is not None and account.countries is None:
        return i18n.format_list([i18n.autonym(tag) for tag in account.languages])
    if account.countries is None:
        return gettext("All countries")
    return i18n.format_list(
        [geography.country_name(code, i18n.current()) for code in account.countries]
    )


def menu() -> Iterator[tuple[Item, bool]]:
    """Yield the items that the account may use, and whether the page belongs to each."""
    for item in ITEMS:
        access = getattr(current_app.view_functions[item.endpoint], "access", None)
        if access == SIGNED_IN or (
            isinstance(access, frozenset) and access & account().permissions
        ):
            yield item, request.blueprint in item.blueprints
