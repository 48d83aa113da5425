"""Today: what waits for whom is signed in, as sentences with one button each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, render_template

from campaign.clock import now
from campaign.desk import health
from campaign.desk.access import signed_in
from campaign.desk.signed_in import account
from campaign.desk.since import since_last_visit
from campaign.http.rendering import Page
from campaign.staff.rules import Permission
from campaign.staff.scopes import Scope

blueprint = Blueprint("today", __name__)


@dataclass(frozen=True)
class Waiting:
    """One thing that waits: how many, two sentences, and the button that leads to it."""

    number: int
    sentence: str
    detail: str
    address: str
    button: str


# Finds what waits within a scope; None where nothing does.
Finder = Callable[[Scope, datetime], Waiting | None]

_finders: list[tuple[Permission, Finder]] = []
# What people wait for stands first, in this order of modules.
_FIRST = ("review", "words", "settling", "imports", "campaigns")


def waits_for(permission: Permission) -> Callable[[Finder], Finder]:
    """Have a function asked for what waits for accounts with this permission."""

    def register(finder: Finder) -> Finder:
        _finders.append((permission, finder))
        _finders.sort(key=lambda entry: _place(entry[1]))
        return finder

    return register


def _place(finder: Finder) -> int:
    module = finder.__module__.rpartition(".")[2]
    return _FIRST.index(module) if module in _FIRST else len(_FIRST)


@blueprint.get("/")
@signed_in
def today() -> Page:
    last, done = since_last_visit()
    return render_template(
        "desk/today.html",
        waiting=list(_waiting()),
        now=now(),
        last=last,
        done=done,
        health=health.parts(now()) if account().may(Permission.MANAGE_STAFF) else [],
    )


def _waiting() -> Iterator[Waiting]:
    for permission, finder in _finders:
        if account().may(permission) and (found := finder(account().scope, now())):
            yield found
