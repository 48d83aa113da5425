"""Since you were here: what others have done meanwhile, for those who may read the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from campaign import audit
from campaign.audit import AuditEvent, Filter
from campaign.desk.signed_in import account, session
from campaign.staff import queries, sessions
from campaign.staff.rules import Permission

_MOST_LINES, _MOST_SHOWN = 200, 8


@dataclass
class Done:
    """What one actor did, once or several times in a row; ``number`` is how often, ``at`` when last."""

    at: datetime
    who: str
    action: str
    subject: str
    number: int
    address: str


def since_last_visit() -> tuple[datetime | None, Sequence[Done]]:
    """Return when the account was last here before this session, and what others did since. Three statements."""
    if not account().may(Permission.READ_RECORD):
        return None, []
    last = sessions.seen_before(session())
    if last is None:
        return None, []
    own = account().actor()
    lines = [
        line
        for line in audit.events(Filter(since=last), limit=_MOST_LINES)
        if line.actor != own and line.action not in _TOO_SMALL
    ]
    names = queries.names(line.actor.id for line in lines)
    return last, _in_rows(lines, {**names})[:_MOST_SHOWN]


# What happens all day and concerns nobody else.
_TOO_SMALL = frozenset({"signed in", "signed out"})


def _in_rows(lines: Sequence[AuditEvent], names: dict[str, str]) -> list[Done]:
    """Return the lines, newest first, with those in a row that say the same of different things as one."""
    found: list[Done] = []
    previous: AuditEvent | None = None
    for line in lines:
        if previous and (line.actor, line.action) == (previous.actor, previous.action):
            found[-1].number += 1
        else:
            who = names.get(line.actor.id or "", str(line.actor))
            found.append(Done(line.happened_at, who, line.action, line.subject, 1, _where(line)))
        previous = line
    return found


def _where(line: AuditEvent) -> str:
    return url_for("record.lines", actor=str(line.actor), action=line.action)
