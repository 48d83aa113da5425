"""What staff decide about pledges. Each act leaves a line in the trail and in the audit log; nothing commits.

The letter about a verdict waits for ``UNDO_FOR``: until then the verdict can be undone, and nobody has heard of it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from campaign import audit
from campaign.audit import SYSTEM, Actor
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.mail import outbox
from campaign.people.rules import parse_address
from campaign.pledges import queries
from campaign.pledges.effects import (
    flush_and_fold,
    official_pledge_locked,
    record_event,
    send,
    standing,
)
from campaign.pledges.models import (
    Kind,
    NotAwaiting,
    Pledge,
    PledgeAction,
    PledgeEvent,
    PledgeNote,
    Status,
)
from campaign.pledges.policy import PledgePolicy
from campaign.pledges.rules import is_own_mailbox
from campaign.staff.scopes import Scope

UNDO_FOR = timedelta(minutes=2)


class Disputed(Exception):
    """Another pledge, ``other``, speaks for the same institution: staff must say which of the two does."""

    def __init__(self, other: Pledge) -> None:
        super().__init__(str(other.id))
        self.other = other


class ChangedMeanwhile(Exception):
    """The pledge is not what staff have read any more."""


class TooLate(Exception):
    """The verdict cannot be undone: its letter is on its way, or something else happened since."""


def check_version(pledge: Pledge, version: int) -> None:
    """Raises ChangedMeanwhile where something happened to a pledge after staff read this version of it."""
    if queries.version_of(pledge.id) != version:
        raise ChangedMeanwhile


def accept(policy: PledgePolicy, pledge: Pledge, actor: Actor, **noted: object) -> PledgeEvent:
    """Let a held pledge count; a person's that would be held counts as soon as they confirm it.

    ``noted`` goes into the trail. Raises NotAwaiting, and Disputed where another pledge speaks for the institution.
    """
    if pledge.kind == Kind.INSTITUTION and (other := _rival(pledge)):
        raise Disputed(other)
    before = standing(pledge)
    if pledge.kind == Kind.PERSON and pledge.status == Status.UNCONFIRMED and pledge.hold_reasons:
        letter = None
    elif pledge.status == Status.HELD:
        pledge.status = Status.CONFIRMED
        letter = send(policy, "accepted", pledge, UNDO_FOR)
    else:
        # What speaks for an official pledge is known only once its mailbox has answered.
        raise NotAwaiting
    pledge.hold_reasons = []
    change = {"before": before, "after": standing(pledge), **_letter(letter)}
    event = record_event(pledge, actor, PledgeAction.ACCEPTED, **change, **noted)
    flush_and_fold()
    return event


def _letter(letter: UUID | None) -> dict[str, str]:
    """How the trail notes which letter is about a verdict, if any is."""
    return {"letter": str(letter)} if letter else {}


def accept_instead(policy: PledgePolicy, pledge: Pledge, actor: Actor) -> PledgeEvent:
    """Accept a pledge for an institution, and hold the one that spoke for it until now. Raises NotAwaiting."""
    if pledge.status != Status.HELD:
        raise NotAwaiting
    other = _rival(pledge)
    if other is None:
        return accept(policy, pledge, actor)
    _replace(policy, other)
    return accept(policy, pledge, actor, instead_of=str(other.id))


def _replace(policy: PledgePolicy, other: Pledge) -> None:
    before = standing(other)
    other.status, other.hold_reasons = Status.HELD, ["replaced"]
    letter = _letter(send(policy, "held", other, UNDO_FOR))
    record_event(other, SYSTEM, PledgeAction.HELD, reasons=["replaced"], before=before, **letter)
    db.session.flush()


def rival(pledge: Pledge) -> Pledge | None:
    """Return the other pledge that counts for the same institution in the same campaign, to compare it."""
    if pledge.kind == Kind.PERSON or pledge.institution_id is None:
        return None
    official = queries.official_pledge(pledge.campaign_id, pledge.institution_id)
    return official if official is not pledge else None


def _rival(pledge: Pledge) -> Pledge | None:
    """The same, locked with its institution."""
    if pledge.kind == Kind.PERSON or pledge.institution_id is None:
        return None
    official = official_pledge_locked(pledge.campaign_id, pledge.institution_id)
    found = official and queries.get_locked(official.id)
    # Its person may have withdrawn it while we waited.
    return found if found is not pledge and found and found.status == Status.CONFIRMED else None


def refuse(
    policy: PledgePolicy, pledge: Pledge, actor: Actor, reason: str, **noted: object
) -> PledgeEvent:
    """Refuse a pledge, with a reason for its person to read; ``noted`` goes into the trail. Raises NotAwaiting.

    An unconfirmed pledge may have been typed by a stranger, so nothing is mailed about it.
    """
    if pledge.status not in {Status.HELD, Status.CONFIRMED, Status.UNCONFIRMED}:
        raise NotAwaiting
    before = standing(pledge)
    letter = None
    if pledge.status != Status.UNCONFIRMED:
        letter = send(policy, "refused", pledge, UNDO_FOR, reason=reason)
    pledge.status = Status.REFUSED
    change = {"before": before, "after": standing(pledge), **_letter(letter)}
    event = record_event(pledge, actor, PledgeAction.REFUSED, reason=reason, **change, **noted)
    flush_and_fold()
    return event


def can_be_undone(event: PledgeEvent, now: datetime) -> bool:
    """Whether an event, the newest of its pledge, is a verdict whose letter still waits."""
    is_verdict = event.action in {PledgeAction.ACCEPTED, PledgeAction.REFUSED}
    return is_verdict and "before" in event.details and now < event.happened_at + UNDO_FOR


def undo_decision(pledge: Pledge, actor: Actor, now: datetime) -> None:
    """Take a verdict back before its letter leaves; a pledge that it replaced speaks again. Raises TooLate."""
    event = queries.newest_event(pledge.id)
    if event is None or not can_be_undone(event, now):
        raise TooLate
    take_back(pledge, event, actor)
    if other_id := event.details.get("instead_of"):
        _give_back(UUID(other_id), actor)
    flush_and_fold()


def _give_back(replaced_id: UUID, actor: Actor) -> None:
    """Let a pledge speak again that another one replaced. Raises TooLate where it has changed since."""
    replaced = queries.get_locked(replaced_id)
    event = queries.newest_event(replaced_id)
    if replaced is None or event is None or "before" not in event.details:
        return
    if event.action != PledgeAction.HELD:
        raise TooLate
    take_back(replaced, event, actor)


def take_back(pledge: Pledge, event: PledgeEvent, actor: Actor) -> None:
    """Give a pledge back what a verdict, its newest event, took; its letter is not sent. Raises TooLate."""
    check_free(pledge, event)
    if "letter" in event.details and not outbox.recall(UUID(event.details["letter"])):
        raise TooLate
    restore(pledge, event)
    record_event(pledge, actor, PledgeAction.UNDONE, of=event.action)
    db.session.flush()


def check_free(pledge: Pledge, event: PledgeEvent) -> None:
    """Raises TooLate where a pledge spoke for an institution before an event, and another one does by now."""
    if event.details["before"]["status"] == Status.CONFIRMED and _rival(pledge):
        raise TooLate


def restore(pledge: Pledge, event: PledgeEvent) -> None:
    """Set what ``standing`` noted in an event."""
    before = event.details["before"]
    pledge.status, pledge.hold_reasons = before["status"], before["hold_reasons"]


def add_note(pledge: Pledge, actor: Actor, words: str, now: datetime) -> PledgeNote:
    """Add what colleagues should know of a pledge. The audit log notes that, and not the words."""
    note = PledgeNote(pledge_id=pledge.id, actor=actor, text=words, written_at=now)
    db.session.add(note)
    audit.record(actor, "note added", f"pledge:{pledge.id}", {})
    db.session.flush()
    return note


def show_address(pledge: Pledge, actor: Actor) -> str:
    """Return the address of a pledge's person; the audit log notes who looked."""
    audit.record(actor, "address shown", f"pledge:{pledge.id}", {})
    return pledge.person.address


def link_institution(pledge: Pledge, institution: Institution, actor: Actor) -> None:
    """Replace the free text for an institution by the registered one that it means."""
    pledge.institution_id, pledge.institution_text = institution.id, None
    pledge.own_mailbox = is_own_mailbox(institution, parse_address(pledge.person.address))
    record_event(pledge, actor, PledgeAction.INSTITUTION_LINKED, institution=institution.id)
    flush_and_fold()


def settle(
    text: str, country: str, institution: Institution, actor: Actor, scope: Scope
) -> list[Pledge]:
    """Link all pledges of one country that wrote this text to the institution; return them. Raises OutOfScope."""
    scope.check(country)
    linked = list(queries.with_institution_text(text, country))
    for pledge in linked:
        link_institution(pledge, institution, actor)
    return linked
