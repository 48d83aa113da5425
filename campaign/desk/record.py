"""The record: who did what, to what, when and in which session; what was before and after."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request, stream_with_context, url_for

from campaign import audit
from campaign.audit import Actor, ActorKind, AuditEvent, Filter
from campaign.desk.access import may
from campaign.desk.forms import Form
from campaign.http.rendering import Page
from campaign.i18n import gettext
from campaign.staff import queries
from campaign.staff.rules import Permission

blueprint = Blueprint("record", __name__, url_prefix="/record")
readers = may(Permission.READ_RECORD)

FIELDS = ("actor", "action", "subject", "since", "until")
# The newest line there can be: PostgreSQL has no larger number.
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Change:
    """One thing that an act changed; None where there was, or is, nothing.

    What an act only says about itself is in ``after``, and no change.
    """

    name: str
    before: str | None
    after: str | None
    is_change: bool = True


@blueprint.get("/")
@readers
def lines() -> Page:
    """Show the newest lines that fit the filters in the address."""
    found = audit.events(_filter(), before_id=_before_id(), limit=audit.PAGE_SIZE + 1)
    shown = found[: audit.PAGE_SIZE]
    accounts = {str(account.id): account.name for account in queries.accounts()}
    return render_template(
        "desk/record/lines.html",
        form=Form({name: request.args.get(name, "") for name in FIELDS}),
        lines=shown,
        names=accounts,
        actors=_actors(accounts),
        actions=[(action, action) for action in audit.actions()],
        changes_of=changes_of,
        address_of=_address_of,
        older=_address(before=shown[-1].id) if len(found) > len(shown) else "",
        export=_address("record.export"),
        is_filtered=any(request.args.get(name) for name in FIELDS),
    )


def _actors(accounts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return who may be asked for: every account, the program itself, and whoever is asked for now."""
    asked = request.args.get("actor", "")
    actors = {f"{ActorKind.STAFF}:{id_}": name for id_, name in accounts.items()}
    actors[ActorKind.SYSTEM] = gettext("The program itself")
    return [*({asked: asked} | actors if asked else actors).items()]


@blueprint.get("/export.jsonl")
@readers
def export() -> Response:
    """Send all lines that fit the filters, oldest first, as JSON Lines; nothing is held in memory."""
    body = stream_with_context(_json_lines(_filter()))
    response = Response(body, mimetype="application/jsonl")
    response.headers["Content-Disposition"] = 'attachment; filename="record.jsonl"'
    return response


def _json_lines(wanted: Filter) -> Iterator[str]:
    for event in audit.stream(wanted):
        yield json.dumps(audit.to_json(event), ensure_ascii=False) + "\n"


def _filter() -> Filter:
    """Return the filter in the address; what makes no sense there does not narrow."""
    last_day = _day("until")
    return Filter(
        actor=_actor(request.args.get("actor", "")),
        action=request.args.get("action", ""),
        subject=request.args.get("subject", "").strip(),
        since=_day("since"),
        until=last_day + timedelta(days=1) if last_day else None,
    )


def _actor(text: str) -> Actor | None:
    kind, _, id_ = text.partition(":")
    return Actor(ActorKind(kind), id_ or None) if kind in {*ActorKind} else None


def _day(name: str) -> datetime | None:
    try:
        day = datetime.strptime(request.args.get(name, ""), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return day if 1970 <= day.year < 9999 else None


def _before_id() -> int | None:
    text = request.args.get("before", "")
    return min(int(text), _LARGEST_ID) if text.isascii() and text.isdigit() else None


def _address(endpoint: str = "record.lines", **more: object) -> str:
    """Return the address with the filters of this one."""
    filters = {name: value for name in FIELDS if (value := request.args.get(name))}
    return url_for(endpoint, **filters, **more)  # type: ignore[arg-type]


def changes_of(event: AuditEvent) -> list[Change]:
    """Return what a line says beside who, what and when: what was other before, then all else."""
    details = dict(event.details)
    before, after = details.pop("before", None), details.pop("after", None)
    before, after = _as_mapping(before), _as_mapping(after)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    changed = [Change(name, _shown(before.get(name)), _shown(after.get(name))) for name in names]
    said = (Change(name, None, _shown(value), is_change=False) for name, value in details.items())
    return [*changed, *said]


def _as_mapping(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    return {} if value is None else {"": value}


def _shown(value: object) -> str | None:
    """Return a value as text: lists with commas, mappings as JSON."""
    if value is None or value == []:
        return None
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _address_of(subject: str) -> str:
    """Return where the desk shows what was acted on; "" if nowhere but in this list."""
    kind, _, key = subject.partition(":")
    if kind == "institution":
        return url_for("institutions.show", institution_id=key)
    try:
        id_ = UUID(key)
    except ValueError:
        return ""
    pages = {
        "account": ("staff.show", "account_id"),
        "pledge": ("review.case", "pledge_id"),
        "task": ("tasks.task", "task_id"),
    }
    endpoint, name = pages.get(kind, ("", ""))
    return url_for(endpoint, **{name: id_}) if endpoint else ""  # type: ignore[arg-type]
