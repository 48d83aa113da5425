"""What staff decide about pledges. Each act leaves a line in the trail and in the audit log; nothing commits."""

from sqlalchemy import ColumnElement, false, or_, update

from campaign import audit, jobs
from campaign.audit import Actor
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.people.models import Person
from campaign.people.rules import parse_address
from campaign.pledges import queries
from campaign.pledges.effects import (
    flush_and_fold,
    hold,
    official_pledge_locked,
    record_event,
    send,
)
from campaign.pledges.models import Kind, NotAwaiting, Pledge, PledgeAction, PledgeEvent, Status
from campaign.pledges.policy import PledgePolicy
from campaign.pledges.rules import is_own_mailbox


class Disputed(Exception):
    """Another pledge, ``other``, speaks for the same institution: staff must say which of the two does."""

    def __init__(self, other: Pledge) -> None:
        super().__init__(str(other.id))
        self.other = other


class ChangedMeanwhile(Exception):
    """The pledge is not what staff have read any more."""


def check_version(pledge: Pledge, version: int) -> None:
    """Raises ChangedMeanwhile where something happened to a pledge after staff read this version of it."""
    if queries.version_of(pledge.id) != version:
        raise ChangedMeanwhile


def accept(policy: PledgePolicy, pledge: Pledge, actor: Actor) -> None:
    """Let a held pledge count; a person's that would be held counts as soon as they confirm it.

    Raises NotAwaiting; Disputed where another pledge speaks for the same institution.
    """
    if pledge.kind == Kind.INSTITUTION:
        _accept_official(policy, pledge, actor)
    elif pledge.status == Status.UNCONFIRMED and pledge.hold_reasons:
        _record_acceptance(pledge, actor)
    else:
        _let_count(policy, pledge, actor)


def accept_instead(policy: PledgePolicy, pledge: Pledge, actor: Actor) -> None:
    """Accept a pledge for an institution, and hold the one that spoke for it until now. Raises NotAwaiting."""
    if pledge.status != Status.HELD:
        raise NotAwaiting
    if other := _rival(pledge):
        hold(policy, other, ["replaced"])
        db.session.flush()
    accept(policy, pledge, actor)


def _accept_official(policy: PledgePolicy, pledge: Pledge, actor: Actor) -> None:
    """What speaks for it is known only once its mailbox has answered, so it is not accepted before."""
    if other := _rival(pledge):
        raise Disputed(other)
    _let_count(policy, pledge, actor)


def _rival(pledge: Pledge) -> Pledge | None:
    """The other pledge that counts for the same institution, locked with it."""
    if pledge.kind == Kind.PERSON or pledge.institution_id is None:
        return None
    official = official_pledge_locked(pledge.campaign_id, pledge.institution_id)
    rival = official and queries.get_locked(official.id)
    # Its person may have withdrawn it while we waited.
    return rival if rival is not pledge and rival and rival.status == Status.CONFIRMED else None


def _let_count(policy: PledgePolicy, pledge: Pledge, actor: Actor) -> None:
    if pledge.status != Status.HELD:
        raise NotAwaiting
    _record_acceptance(pledge, actor)
    pledge.status = Status.CONFIRMED
    send(policy, "accepted", pledge)
    flush_and_fold()


def _record_acceptance(pledge: Pledge, actor: Actor) -> None:
    pledge.hold_reasons = []
    record_event(pledge, actor, PledgeAction.ACCEPTED)


def refuse(policy: PledgePolicy, pledge: Pledge, actor: Actor, reason: str) -> None:
    """Refuse a pledge, with a reason for its person to read. Raises NotAwaiting.

    An unconfirmed pledge may have been typed by a stranger, so nothing is mailed about it.
    """
    if pledge.status not in {Status.HELD, Status.CONFIRMED, Status.UNCONFIRMED}:
        raise NotAwaiting
    was_confirmed_by_mail = pledge.status != Status.UNCONFIRMED
    pledge.status = Status.REFUSED
    record_event(pledge, actor, PledgeAction.REFUSED, reason=reason)
    if was_confirmed_by_mail:
        send(policy, "refused", pledge, reason=reason)
    flush_and_fold()


def link_institution(pledge: Pledge, institution: Institution, actor: Actor) -> None:
    """Replace the free text for an institution by the registered one that it means."""
    pledge.institution_id, pledge.institution_text = institution.id, None
    pledge.own_mailbox = is_own_mailbox(institution, parse_address(pledge.person.address))
    record_event(pledge, actor, PledgeAction.INSTITUTION_LINKED, institution=institution.id)
    flush_and_fold()


def merge_institution(policy: PledgePolicy, source_id: str, target_id: str, actor: Actor) -> int:
    """Move all pledges of an institution to its successor; return how many. The tallies follow by trigger.

    Where both have an official pledge, the successor's stands and the merged one's is held for staff.
    """
    _hold_official_pledges(policy, source_id, target_id)
    moved = db.session.scalars(
        update(Pledge)
        .where(Pledge.institution_id == source_id, Person.id == Pledge.person_id)
        .values(institution_id=target_id, own_mailbox=Pledge.own_mailbox | _has_mailbox(target_id))
        .returning(Pledge.id)
    ).all()
    action, details = PledgeAction.INSTITUTION_MERGED, {"from": source_id, "to": target_id}
    # One act, however many pledges it moves.
    act = audit.record_if_staff(actor, action, f"institution:{source_id}", details)
    db.session.add_all(
        PledgeEvent(pledge_id=id_, actor=actor, action=action, details=details, audit=act)
        for id_ in moved
    )
    db.session.flush()
    jobs.wake("fold_tallies")
    return len(moved)


def _has_mailbox(institution_id: str) -> ColumnElement[bool]:
    """The condition that a person's mailbox is at a domain of the institution; see ``rules.is_own_mailbox``.

    A mailbox of what has merged into it counts as well, so no pledge loses what was noted of it.
    """
    domains = db.session.get_one(Institution, institution_id).domains
    endings = [f"{mark}{domain}" for domain in domains for mark in "@."]
    return or_(false(), *(Person.mailbox.endswith(ending, autoescape=True) for ending in endings))


def _hold_official_pledges(policy: PledgePolicy, source_id: str, target_id: str) -> None:
    official = queries.locked().where(
        Pledge.institution_id == source_id,
        Pledge.kind == Kind.INSTITUTION,
        Pledge.status == Status.CONFIRMED,
    )
    for pledge in db.session.scalars(official).all():
        if official_pledge_locked(pledge.campaign_id, target_id):
            hold(policy, pledge, ["merged"])
    db.session.flush()
