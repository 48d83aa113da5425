"""What the public sees of people by a decision of staff: words and letters of support, and who stands first.

A trigger of the database notes each change for the pages that show it; nothing commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, text, tuple_
from sqlalchemy.orm import selectinload

from campaign.audit import Actor
from campaign.db import db
from campaign.pledges import queries
from campaign.pledges.deciding import MAX_AT_ONCE, Outcome
from campaign.pledges.effects import flush_and_fold, record_event
from campaign.pledges.models import WORDS_WAIT, Kind, NotAwaiting, Pledge, PledgeAction, Status
from campaign.pledges.queue import Cursor
from campaign.staff.scopes import OutOfScope, Scope

PAGE_SIZE = 50


class TooManyPins(Exception):
    """A campaign has MAX_PINS pinned people already."""


@dataclass(frozen=True, kw_only=True)
class WordsFilter:
    """Which words are asked for: people's, or institutions' letters of support; in a country, a language."""

    kind: Kind
    country: str | None = None
    locale: str | None = None

    def criteria(self) -> list[ColumnElement[bool]]:
        """The conditions that a pledge has such words."""
        asked = [
            (True, Pledge.kind == self.kind),
            (self.country, Pledge.country == self.country),
            (self.locale, Pledge.locale == self.locale),
        ]
        return [condition for value, condition in asked if value]


def waiting(
    scope: Scope, only: WordsFilter, after: Cursor | None = None, limit: int = PAGE_SIZE
) -> Sequence[Pledge]:
    """Pledges with words that staff have not read, oldest first; ``after`` is (confirmed_at, id) of the last."""
    pledges = _waiting(scope).where(*only.criteria()).options(selectinload(Pledge.institution))
    if after:
        pledges = pledges.where(tuple_(Pledge.confirmed_at, Pledge.id) > after)
    return db.session.scalars(pledges.order_by(Pledge.confirmed_at, Pledge.id).limit(limit)).all()


def settled(
    scope: Scope,
    only: WordsFilter,
    approved: bool,
    before: Cursor | None = None,
    limit: int = PAGE_SIZE,
) -> Sequence[Pledge]:
    """Pledges whose words staff approved, or keep private, the newest first."""
    has_words = (Pledge.words.is_not(None)) | (Pledge.support_letters != {})
    pledges = select(Pledge).where(Pledge.within(scope), Pledge.words_approved.is_(approved))
    pledges = pledges.where(has_words, Pledge.status == Status.CONFIRMED, *only.criteria())
    if before:
        pledges = pledges.where(tuple_(Pledge.confirmed_at, Pledge.id) < before)
    newest = pledges.order_by(Pledge.confirmed_at.desc(), Pledge.id.desc()).limit(limit)
    return db.session.scalars(newest.options(selectinload(Pledge.institution))).all()


def counts(scope: Scope) -> dict[Kind, int]:
    """How many words of people and how many letters of institutions wait."""
    by_kind = _waiting(scope).with_only_columns(Pledge.kind, func.count()).group_by(Pledge.kind)
    found = dict(db.session.execute(by_kind).all())
    return {kind: found.get(kind, 0) for kind in Kind}


def languages(scope: Scope, kind: Kind) -> dict[str, int]:
    """How many words wait in each language, the most first."""
    number = func.count()
    by_language = (
        _waiting(scope)
        .where(Pledge.kind == kind)
        .with_only_columns(Pledge.locale, number)
        .group_by(Pledge.locale)
        .order_by(number.desc(), Pledge.locale)
    )
    return dict(db.session.execute(by_language).all())


def _waiting(scope: Scope) -> Select[Pledge]:
    # As the index has it, word for word.
    return select(Pledge).where(text(WORDS_WAIT), Pledge.within(scope))


def settle_words(
    versions: Mapping[UUID, int], approve: bool, actor: Actor, scope: Scope
) -> dict[UUID, Outcome]:
    """Publish the words of some pledges or keep them private, given the version of each that staff have read."""
    assert len(versions) <= MAX_AT_ONCE, "a page has fewer"
    outcomes = dict.fromkeys(versions, Outcome.MISSING)
    action = PledgeAction.WORDS_APPROVED if approve else PledgeAction.WORDS_DECLINED
    pledges = queries.some_locked(versions, scope)
    current = queries.versions_of(versions)  # only now, since a correction may have been waited for
    for pledge in pledges:
        if current[pledge.id] != versions[pledge.id]:
            outcomes[pledge.id] = Outcome.CHANGED
        elif pledge.words is None and not pledge.support_letters:
            outcomes[pledge.id] = Outcome.NOT_AWAITING
        else:
            change = {"before": pledge.words_approved, "after": approve}
            pledge.words_approved = approve
            record_event(pledge, actor, action, **change)
            outcomes[pledge.id] = Outcome.DONE
    flush_and_fold()
    return outcomes


def pin(pledge: Pledge, actor: Actor, scope: Scope) -> None:
    """Have a listed person stand first in public lists, behind those pinned before.

    Raises NotAwaiting for who is not listed, TooManyPins, and OutOfScope for those who look after a part only.
    """
    pins = _pins_locked(pledge.campaign_id, scope)
    if pledge.pin is not None:
        return
    if pledge.kind != Kind.PERSON or pledge.status != Status.CONFIRMED or not pledge.listed:
        raise NotAwaiting
    if len(pins) >= queries.MAX_PINS:
        raise TooManyPins
    pledge.pin = 1 + max((other.pin or 0 for other in pins), default=0)
    record_event(pledge, actor, PledgeAction.PINNED, before=None, after=pledge.pin)
    flush_and_fold()


def unpin(pledge: Pledge, actor: Actor, scope: Scope) -> None:
    """Let a person stand where their day puts them. Raises OutOfScope."""
    _pins_locked(pledge.campaign_id, scope)
    if pledge.pin is None:
        return
    record_event(pledge, actor, PledgeAction.UNPINNED, before=pledge.pin, after=None)
    pledge.pin = None
    flush_and_fold()


def move_up(pledge: Pledge, actor: Actor, scope: Scope) -> None:
    """Exchange a pinned person with the one before. Raises OutOfScope."""
    pins = _pins_locked(pledge.campaign_id, scope)
    place = pins.index(pledge) if pledge in pins else 0
    if place == 0:
        return
    other = pins[place - 1]
    change = {"before": pledge.pin, "after": other.pin}
    pledge.pin, other.pin = other.pin, pledge.pin
    record_event(pledge, actor, PledgeAction.PINNED, **change)
    flush_and_fold()


def pins(campaign_id: int) -> Sequence[Pledge]:
    """All whom staff pinned in a campaign, in their order, also those not public any more."""
    pinned = select(Pledge).where(Pledge.campaign_id == campaign_id, Pledge.pin.is_not(None))
    return db.session.scalars(pinned.order_by(Pledge.pin, Pledge.id)).all()


def _pins_locked(campaign_id: int, scope: Scope) -> Sequence[Pledge]:
    """The pins of a campaign; they stand in an order, so only who looks after everything may change it."""
    if not scope.is_everything:
        raise OutOfScope
    pinned = queries.locked().where(Pledge.campaign_id == campaign_id, Pledge.pin.is_not(None))
    return db.session.scalars(pinned.order_by(Pledge.pin, Pledge.id)).all()
