"""Invalidation by rule: pledges that show together that nobody stands behind them stop counting.

A rule is counted and looked at first, then carried out in batches by a task, which can be cancelled and, for 30
days, undone. Such a pledge is *refused*: its person reads so on their page, and cannot pledge again. Which task
did it stands in ``task_pledges`` and in the trail.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    SQLColumnExpression,
    false,
    func,
    literal_column,
    select,
)
from sqlalchemy.orm import joinedload

from campaign import audit, tasks
from campaign.audit import Actor
from campaign.db import db
from campaign.institutions.folding import fold
from campaign.institutions.models import Institution
from campaign.mail import outbox
from campaign.people.models import Person
from campaign.people.queries import domain_of_mailbox, is_at_domain
from campaign.pledges import bulk, reviewing
from campaign.pledges.effects import flush_and_fold, record_event, send, standing
from campaign.pledges.models import Pledge, PledgeAction, PledgeEvent, Status
from campaign.pledges.policy import current_policy
from campaign.pledges.reviewing import UNDO_FOR
from campaign.staff.scopes import Scope
from campaign.tasks import Task

SAMPLE = 20
TOP = 20
# In which ten minutes a form was sent; written out, so that it is the same expression wherever it stands.
_TEN_MINUTES: ColumnElement[datetime] = literal_column(
    "date_bin('10 minutes', pledges.submitted_at, '2000-01-01')"
)
_ALIVE = (Status.CONFIRMED, Status.HELD)


class TooWide(Exception):
    """The rule names nothing that its pledges have in common but a country or a campaign."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What pledges have in common; None asks for nothing. All of it must be true of a pledge.

    ``network_of`` is a pledge: its network is meant, as long as its hash is kept. ``name`` is a part of a name, or
    all of it with * for whatever stands between. ``since`` and ``until`` are when the form was sent.
    """

    campaign_id: int | None = None
    country: str | None = None
    domain: str | None = None
    network_of: UUID | None = None
    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    # Leave those whose mailbox is at their own institution.
    spare_own_mailbox: bool = True

    def check(self) -> None:
        """Raises TooWide."""
        if not (self.domain or self.network_of or self.since or (self.name and fold(self.name))):
            raise TooWide

    def criteria(self) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions on a pledge and its person, but for ``spare_own_mailbox``."""
        if self.campaign_id:
            yield Pledge.campaign_id == self.campaign_id
        if self.country:
            yield Pledge.country == self.country
        if self.domain:
            yield is_at_domain(self.domain)
        if self.network_of:
            yield _is_from_network_of(self.network_of)
        if self.name:
            yield _is_called(self.name)
        if self.since:
            yield Pledge.submitted_at >= self.since
        if self.until:
            yield Pledge.submitted_at <= self.until

    def to_json(self) -> dict[str, Any]:
        """What a plan stores of it."""
        stored = {name: _plain(value) for name, value in vars(self).items()}
        return {name: value for name, value in stored.items() if value is not None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Rule":
        readers: dict[str, Callable[[Any], Any]] = {
            "network_of": UUID,
            "since": _moment,
            "until": _moment,
        }
        return cls(**{name: readers.get(name, _same)(value) for name, value in stored.items()})


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _same(value: object) -> object:
    return value


def _is_from_network_of(pledge_id: UUID) -> ColumnElement[bool]:
    network = select(Pledge.network_hash).where(Pledge.id == pledge_id).correlate(None)
    return Pledge.network_hash == network.scalar_subquery()


def _is_called(pattern: str) -> ColumnElement[bool]:
    """Whether a folded name is like the pattern, which must match all of it if it has a *."""
    parts = [fold(part) for part in pattern.split("*")]
    if not any(parts):
        return false()
    if len(parts) == 1:
        return Pledge.name_folded.contains(parts[0], autoescape=True)
    # Folding leaves letters and digits only, so nothing in the parts means anything to LIKE.
    return Pledge.name_folded.like("%".join(parts))


@dataclass(frozen=True)
class Preview:
    """What a rule would do: how many pledges, which, and what stays the same.

    ``busiest`` is how many of them were sent within the busiest ten minutes, ``spared`` how many match too, but
    have a mailbox at their own institution.
    """

    total: int
    held: int
    busiest: int
    spared: int
    countries: Sequence[tuple[str, int]]
    institutions: Sequence[tuple[Institution | None, int]]


def preview(rule: Rule, scope: Scope) -> Preview:
    """Count what a rule would invalidate now. Raises TooWide."""
    rule.check()
    matching = _matching(rule, scope)
    numbers = (func.count(), func.count().filter(Pledge.status == Status.HELD))
    total, held = db.session.execute(matching.with_only_columns(*numbers)).one()
    keys = _most(matching, Pledge.institution_id, TOP)
    found = {key: db.session.get(Institution, key) for key, _ in keys if key}
    return Preview(
        total,
        held,
        _busiest(matching),
        _spared(rule, scope),
        [(key, number) for key, number in _most(matching, Pledge.country, TOP) if key],
        [(found.get(key) if key else None, number) for key, number in keys],
    )


def _matching(rule: Rule, scope: Scope) -> Select[Pledge]:
    """The pledges that count or are held, and that the rule means."""
    pledges = _alike(rule, scope)
    if rule.spare_own_mailbox:
        pledges = pledges.where(Pledge.own_mailbox.is_not(True))
    return pledges


def _alike(rule: Rule, scope: Scope) -> Select[Pledge]:
    pledges = select(Pledge).join(Person, Person.id == Pledge.person_id)
    return pledges.where(Pledge.status.in_(_ALIVE), Pledge.within(scope), *rule.criteria())


def _most(
    matching: Select[Pledge], key: SQLColumnExpression[Any], limit: int
) -> Sequence[tuple[str | None, int]]:
    number = func.count()
    counted = matching.with_only_columns(key, number).group_by(key)
    return [
        (value, count)
        for value, count in db.session.execute(counted.order_by(number.desc(), key).limit(limit))
    ]


def _busiest(matching: Select[Pledge]) -> int:
    counted = matching.with_only_columns(func.count().label("n")).group_by(_TEN_MINUTES).subquery()
    return db.session.scalar(select(func.coalesce(func.max(counted.c.n), 0))) or 0


def _spared(rule: Rule, scope: Scope) -> int:
    if not rule.spare_own_mailbox:
        return 0
    spared = _alike(rule, scope).where(Pledge.own_mailbox.is_(True))
    return db.session.scalar(spared.with_only_columns(func.count())) or 0


def sample(rule: Rule, scope: Scope, offset: int = 0) -> Sequence[Pledge]:
    """Some of the pledges that a rule means, those first that have least in common with the others.

    So a real person among many invented ones is seen before anything is done.
    """
    rule.check()
    features = _features(_matching(rule, scope))
    alike = sum(
        (func.count().over(partition_by=features.c[name]) for name in _FEATURES),
        func.count().over(partition_by=features.c.has_orcid),
    )
    ranked = select(features.c.id).order_by(alike, features.c.id).offset(offset).limit(SAMPLE)
    ids = db.session.scalars(ranked).all()
    found = select(Pledge).where(Pledge.id.in_(ids)).options(joinedload(Pledge.institution))
    by_id = {pledge.id: pledge for pledge in db.session.scalars(found)}
    return [by_id[id_] for id_ in ids]


_FEATURES = ("domain", "institution_id", "country", "locale", "source", "minutes", "words")


def _features(matching: Select[Pledge]) -> FromClause:
    """What makes a pledge like others, beside its id."""
    return matching.with_only_columns(
        Pledge.id,
        domain_of_mailbox().label("domain"),
        Pledge.institution_id,
        Pledge.country,
        Pledge.locale,
        Pledge.source,
        _TEN_MINUTES.label("minutes"),
        Pledge.words,
        Pledge.orcid.is_not(None).label("has_orcid"),
    ).subquery()


def plan(rule: Rule, letters: bool, actor: Actor, scope: Scope, now: datetime) -> Task:
    """Plan to invalidate what a rule means now; ``letters`` says whether its people are told. Raises TooWide.

    Pledges sent later are not touched: nobody looked at them.
    """
    until = min(rule.until or now, now)
    frozen = Rule(**{**vars(rule), "until": until})
    counted = preview(frozen, scope)
    plan = {"rule": frozen.to_json(), "letters": letters, "spared": counted.spared}
    return tasks.plan(INVALIDATE, actor, plan, counted.total, scope.to_json())


def rule_of(task: Task) -> Rule:
    """The rule that a task carries out."""
    return Rule.from_json(task.plan["rule"])


def _step(task: Task) -> bool:
    ids = bulk.next_ids(task, _matching(rule_of(task), Scope.from_json(task.scope)))
    act = audit.record_if_staff(
        task.actor, PledgeAction.INVALIDATED, f"task:{task.id}", {"pledges": len(ids)}
    )
    for pledge in bulk.locked(task, ids):
        if pledge.status in _ALIVE:
            bulk.note(task, pledge, _invalidate(task, pledge, act))
    flush_and_fold()
    return len(ids) == bulk.BATCH


def _invalidate(task: Task, pledge: Pledge, act: audit.AuditEvent | None) -> PledgeEvent:
    details: dict[str, Any] = {"task": str(task.id), "before": standing(pledge)}
    if task.plan["letters"] and (
        letter := send(current_policy(), "refused", pledge, UNDO_FOR, reason="")
    ):
        details["letter"] = str(letter)
    pledge.status = Status.REFUSED
    return PledgeEvent(
        pledge_id=pledge.id,
        actor=task.actor,
        action=PledgeAction.INVALIDATED,
        details=details,
        audit=act,
    )


def _count_again(task: Task, pledge: Pledge, event: PledgeEvent) -> None:
    """Give a pledge back what it was. Its person is told, if they were told that it stopped counting."""
    reviewing.check_free(pledge, event)
    letter = event.details.get("letter")
    was_told = letter and not outbox.recall(UUID(letter))
    reviewing.restore(pledge, event)
    if was_told:
        counts = pledge.status == Status.CONFIRMED
        send(current_policy(), "accepted" if counts else "held", pledge)
    record_event(pledge, task.actor, PledgeAction.RESTORED, task=str(task.id))


INVALIDATE = tasks.register(
    tasks.Kind("invalidate pledges", _step, partial(bulk.undo_step, _count_again))
)
