"""The life of a pledge in the hands of its person. Every change leaves a line in its trail; nothing commits."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update

from campaign import audit, jobs
from campaign.audit import PERSON, SYSTEM, Actor
from campaign.db import db
from campaign.people import operations as people
from campaign.people import queries as people_queries
from campaign.people.models import Person
from campaign.people.rules import parse_address
from campaign.pledges import emails, intake, queries
from campaign.pledges.effects import (
    flush_and_fold,
    hold,
    record_event,
    remove,
    send,
)
from campaign.pledges.models import (
    Kind,
    NotAwaiting,
    Pledge,
    PledgeAction,
    ReceivedForm,
    Status,
)
from campaign.pledges.policy import PledgePolicy
from campaign.pledges.rules import Draft, is_own_mailbox

MAX_CODE_ATTEMPTS = 10


class WrongCode(Exception):
    """No pledge that came with this form has this code, or it was guessed at too often."""


class SupersededSubmission(Exception):
    """The pledge now says what a later form said; this page must not confirm it unseen."""


def confirm(policy: PledgePolicy, pledge_id: UUID, submission: UUID, now: datetime) -> None:
    """Make a pledge count, or hold it. ``submission`` is the form whose words its person has seen.

    Confirming twice is fine. Raises SupersededSubmission; NotAwaiting for a pledge that was refused, withdrawn or
    removed.
    """
    if intake.confirm_plain_pledge(pledge_id, submission, now):
        _refresh_if_loaded(pledge_id)
    else:
        spellings = _spellings_locked(pledge_id)
        pledge = queries.get_locked(pledge_id)
        owner = queries.owner_of(spellings)
        if pledge and owner and owner.id != pledge.person_id:
            raise NotAwaiting  # another spelling of the address was confirmed first
        _confirm_step_by_step(policy, pledge, submission, now)
        if pledge and not owner:
            _remove_others(spellings, pledge.person_id)


def _spellings_locked(pledge_id: UUID) -> Sequence[Person]:
    """The people of all spellings of the address that made a pledge."""
    of_pledge = select(Person.fingerprint).join(Pledge).where(Pledge.id == pledge_id)
    fingerprint = db.session.scalar(of_pledge)
    return people_queries.spellings_locked(fingerprint) if fingerprint else ()


def _remove_others(spellings: Sequence[Person], person_id: UUID) -> None:
    """Remove what came with other spellings of an address, now that this person has confirmed it as theirs."""
    for other in spellings:
        if other.id != person_id:
            for pledge in queries.of_person(other.id):
                remove(pledge, SYSTEM, PledgeAction.SUPERSEDED)


def _refresh_if_loaded(pledge_id: UUID) -> None:
    """Read what the statement changed, for a pledge that the caller has at hand; the button has none."""
    pledge = db.session.identity_map.get(db.session.identity_key(Pledge, pledge_id))
    if pledge:
        db.session.refresh(pledge, ["status", "confirmed_at"])
        db.session.refresh(pledge.person, ["locale"])


def _confirm_step_by_step(
    policy: PledgePolicy, pledge: Pledge | None, submission: UUID, now: datetime
) -> None:
    if pledge is None:
        raise NotAwaiting
    if pledge.submission != submission:
        raise SupersededSubmission
    if pledge.status in {Status.CONFIRMED, Status.HELD}:
        return
    if pledge.status != Status.UNCONFIRMED:
        raise NotAwaiting
    pledge.confirmed_at = now
    pledge.person.locale = pledge.locale
    _record_consents(pledge)
    record_event(pledge, PERSON, PledgeAction.CONFIRMED)
    if reasons := [*pledge.hold_reasons, *_official(pledge)]:
        hold(policy, pledge, reasons)
    else:
        pledge.status = Status.CONFIRMED
    flush_and_fold()


def _official(pledge: Pledge) -> list[str]:
    """A pledge for an institution waits for staff: a mailbox proves who reads it, not who may speak."""
    return ["official"] if pledge.kind == Kind.INSTITUTION else []


def _record_consents(pledge: Pledge) -> None:
    """Record what the boxes of the form said. A box for the newsletter left empty revokes no earlier yes."""
    for purpose, granted in (("listing", pledge.listed), ("newsletter", pledge.newsletter)):
        if purpose == "listing" or granted:
            people.record_consent(
                pledge.person_id, purpose, granted, pledge.locale, pledge.submitted_at
            )


def confirm_by_code(policy: PledgePolicy, submission: UUID, code: str, now: datetime) -> Pledge:
    """Confirm what this form sent, and return it.

    Raises WrongCode, also where the address was known and nothing was stored; else as ``confirm``.
    """
    sent = select(Pledge.id).where(
        Pledge.submission == submission, Pledge.status != Status.WITHDRAWN
    )
    pledge_id = db.session.scalar(sent)
    if pledge_id is None:
        raise WrongCode
    _spellings_locked(pledge_id)
    pledge = queries.get_locked(pledge_id)
    if (
        pledge is None
        or pledge.submission != submission
        or pledge.code_attempts >= MAX_CODE_ATTEMPTS
    ):
        raise WrongCode
    if not hmac.compare_digest(emails.code_of(policy.signer, pledge.id), code):
        pledge.code_attempts += 1
        # Waiting for the disk would tell by its time that the form was stored, so that its address was not known.
        db.session.execute(text("SET LOCAL synchronous_commit = off"))
        raise WrongCode
    confirm(policy, pledge.id, submission, now)
    return pledge


def correct(
    policy: PledgePolicy,
    pledge: Pledge,
    draft: Draft,
    locale: str,
    now: datetime,
    actor: Actor = PERSON,
) -> None:
    """Replace what the person said about themself; counts follow, the text they signed stays.

    ``locale`` is the language of the page. What a representative changed waits for staff. Raises NotAwaiting for a
    pledge that is not confirmed by mail, or over: a correction would revive it.
    """
    if pledge.status not in {Status.CONFIRMED, Status.HELD}:
        raise NotAwaiting
    columns = draft.columns()
    changed = sorted(name for name in columns if getattr(pledge, name) != columns[name])
    if not changed:
        return
    _record_correction(actor, pledge, {name: columns[name] for name in changed})
    for name in changed:
        setattr(pledge, name, columns[name])
    if "institution_id" in changed:
        address = parse_address(pledge.person.address)
        pledge.own_mailbox = is_own_mailbox(draft.institution, address)
    if {"words", "support_letters"} & {*changed}:
        pledge.words_approved = None  # staff have not read these
    if "listed" in changed:
        people.record_consent(pledge.person_id, "listing", pledge.listed, locale, now)
    if pledge.kind == Kind.INSTITUTION:
        earlier = [reason for reason in pledge.hold_reasons if reason != "changed"]
        hold(policy, pledge, [*earlier, "changed"])
    flush_and_fold()


# What the audit log keeps of a correction; anything else could name its person.
_TELLABLE = ("commitments", "country", "disciplines", "institution_id", "listed", "role")


def _record_correction(actor: Actor, pledge: Pledge, changed: Mapping[str, Any]) -> None:
    fields = [name for name in changed if name != "name_folded"]
    record_event(pledge, actor, PledgeAction.CORRECTED, fields=fields)
    told = [name for name in _TELLABLE if name in changed]
    before = {name: getattr(pledge, name) for name in told}
    details = {"before": before, "after": {name: changed[name] for name in told}}
    audit.record_if_staff(actor, "pledge corrected", f"pledge:{pledge.id}", details)


def set_listed(pledge: Pledge, listed: bool, locale: str, now: datetime) -> None:
    """List or unlist by name; ``locale`` is the language in which the person was asked."""
    if pledge.listed == listed:
        return
    pledge.listed = listed
    people.record_consent(pledge.person_id, "listing", listed, locale, now)
    record_event(pledge, PERSON, PledgeAction.LISTED if listed else PledgeAction.UNLISTED)
    flush_and_fold()


def withdraw(policy: PledgePolicy, pledge: Pledge, now: datetime, actor: Actor = PERSON) -> None:
    """Stop counting and showing a pledge; its row and trail stay. Raises NotAwaiting."""
    if pledge.status not in {Status.CONFIRMED, Status.HELD}:
        raise NotAwaiting
    pledge.status, pledge.withdrawn_at = Status.WITHDRAWN, now
    record_event(pledge, actor, PledgeAction.WITHDRAWN)
    send(policy, "withdrawn", pledge)
    flush_and_fold()


def disown(pledge: Pledge) -> None:
    """Remove an unconfirmed pledge that a stranger made with this address. Raises NotAwaiting."""
    if pledge.status != Status.UNCONFIRMED:
        raise NotAwaiting
    remove(pledge, PERSON, PledgeAction.DISOWNED)


def erase_person(person: Person, actor: Actor = PERSON) -> None:
    """Remove all that is known of a person. The tallies follow by trigger; the trail keeps no personal data."""
    if db.session.get(Person, person.id, with_for_update=True, populate_existing=True) is None:
        return  # another tab was faster
    sent = ReceivedForm.sender == intake.sender_of(person.fingerprint, person.mailbox)
    db.session.execute(update(ReceivedForm).where(sent).values(address=None, answers=None))
    for pledge in db.session.scalars(select(Pledge).where(Pledge.person_id == person.id)).all():
        record_event(pledge, actor, PledgeAction.ERASED)
        db.session.delete(pledge)
    db.session.flush()
    audit.record_if_staff(actor, "person erased", f"person:{person.id}", {})
    people.erase(person)
    jobs.wake("fold_tallies")
