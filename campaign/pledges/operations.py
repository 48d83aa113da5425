"""What can happen to a pledge. Every change leaves a line in its trail; nothing here commits."""

import hmac
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from campaign import jobs
from campaign.campaigns.models import CampaignText
from campaign.db import db, new_id
from campaign.institutions.folding import fold
from campaign.institutions.models import Institution
from campaign.mail import outbox
from campaign.people import operations as people
from campaign.people.models import Person
from campaign.people.rules import Address
from campaign.pledges import emails, intake, queries
from campaign.pledges.holding import Circumstances, hold_reasons, oddities
from campaign.pledges.models import Kind, Pledge, PledgeEvent, Status
from campaign.pledges.policy import PledgePolicy
from campaign.pledges.rules import Draft

MAX_CODE_ATTEMPTS = 10
REMINDER_AFTER = timedelta(days=3)
PERSON, SYSTEM = "person", "system"


class WrongCode(Exception):
    """No pledge that came with this form has this code, or it was guessed at too often."""


class SupersededSubmission(Exception):
    """The pledge now says what a later form said; this page must not confirm it unseen."""


class NotAwaiting(Exception):
    """The pledge is not in a state in which this can happen to it."""


def submit(
    policy: PledgePolicy,
    draft: Draft,
    address: Address,
    text: CampaignText,
    submission: UUID,
    circumstances: Circumstances,
    *,
    locale: str,
    newsletter: bool,
    now: datetime,
) -> None:
    """Take a pledge and mail its person. Returns nothing: nobody may learn which addresses are known.

    ``submission`` names one form with what was typed in it: sent again, it changes nothing.
    """
    if _take_at_once(
        policy,
        draft,
        address,
        text,
        submission,
        circumstances,
        locale=locale,
        newsletter=newsletter,
        now=now,
    ):
        return
    reasons = hold_reasons(draft, address, circumstances, policy.limits, now)
    person = people.find_or_add(policy.signer, address, locale)
    pledge = _pledge_of(person, text.campaign_id, draft.kind)
    if pledge and pledge.status != Status.UNCONFIRMED:
        _mail_sparingly(policy, "known", pledge, person, locale, now)
        return
    if pledge and pledge.submission == submission:
        return
    pledge = pledge or Pledge(campaign_id=text.campaign_id, person_id=person.id, kind=draft.kind)
    _write(pledge, draft)
    pledge.text_id, pledge.locale, pledge.newsletter = text.id, locale, newsletter
    pledge.status, pledge.hold_reasons, pledge.submission = Status.UNCONFIRMED, reasons, submission
    pledge.submitted_at, pledge.network_hash = now, circumstances.network_hash
    pledge.source, pledge.source_page = circumstances.source, circumstances.source_page
    db.session.add(pledge)
    db.session.flush()
    _note(pledge, PERSON, "submitted", version=text.version, locale=locale, hold_reasons=reasons)
    _mail_sparingly(policy, "confirm", pledge, person, locale, now)


def _take_at_once(
    policy: PledgePolicy,
    draft: Draft,
    address: Address,
    text: CampaignText,
    submission: UUID,
    circumstances: Circumstances,
    *,
    now: datetime,
    **rest: Any,
) -> bool:
    pledge_id, person_id = new_id(), new_id()
    facts = emails.facts_of(
        policy.signer, pledge_id, person_id, draft.name, text, policy.unconfirmed_days
    )
    return intake.take(
        draft,
        address,
        text,
        submission,
        oddities(draft, address, circumstances, now),
        policy.limits,
        pledge_id=pledge_id,
        person_id=person_id,
        facts=facts,
        mails_per_address=policy.mails_per_address,
        fingerprint=people.fingerprint(policy.signer, address),
        network_hash=circumstances.network_hash,
        source=circumstances.source,
        source_page=circumstances.source_page,
        now=now,
        **rest,
    )


def confirm(policy: PledgePolicy, pledge: Pledge, submission: UUID, now: datetime) -> None:
    """Make it count, or hold it. Confirming twice is fine. Raises SupersededSubmission, NotAwaiting."""
    if pledge.submission != submission:
        raise SupersededSubmission
    if pledge.status in {Status.CONFIRMED, Status.HELD}:
        return
    if pledge.status != Status.UNCONFIRMED:
        raise NotAwaiting
    reasons = [
        *pledge.hold_reasons,
        *(["institution-has-pledged"] if _comes_second(pledge) else []),
    ]
    pledge.confirmed_at = now
    pledge.person.locale = pledge.locale
    for purpose, granted in (("listing", pledge.listed), ("newsletter", pledge.newsletter)):
        if purpose == "listing" or granted:  # a box left empty revokes no earlier yes
            people.record_consent(
                pledge.person_id, purpose, granted, pledge.locale, pledge.submitted_at
            )
    _note(pledge, PERSON, "confirmed")
    if reasons:
        _hold(policy, pledge, reasons)
    else:
        pledge.status = Status.CONFIRMED
    _counted(pledge)


def confirm_by_code(policy: PledgePolicy, submission: UUID, code: str, now: datetime) -> Pledge:
    """Confirm what this form sent. Raises WrongCode, also where the address was known and nothing was stored."""
    sent = queries.locked().where(Pledge.submission == submission)
    pledge = db.session.scalar(sent.where(Pledge.status != Status.WITHDRAWN))
    if pledge is None or pledge.code_attempts >= MAX_CODE_ATTEMPTS:
        raise WrongCode
    if not hmac.compare_digest(emails.code_of(policy.signer, pledge.id), code):
        pledge.code_attempts += 1
        raise WrongCode
    confirm(policy, pledge, submission, now)
    return pledge


def correct(policy: PledgePolicy, pledge: Pledge, draft: Draft, locale: str, now: datetime) -> None:
    """Replace what the person said about themself; counts follow, the text they signed stays.

    ``locale`` is the language of the page. A representative who moves to another institution waits for staff.
    """
    before = _snapshot(pledge)
    _write(pledge, draft)
    changed = sorted(name for name, value in _snapshot(pledge).items() if before[name] != value)
    if not changed:
        return
    _note(pledge, PERSON, "corrected", fields=changed)
    if "listed" in changed:
        people.record_consent(pledge.person_id, "listing", pledge.listed, locale, now)
    if pledge.kind == Kind.INSTITUTION and "institution_id" in changed:
        _hold(policy, pledge, ["institution-changed"])
    _counted(pledge)


def set_listed(pledge: Pledge, listed: bool, locale: str, now: datetime) -> None:
    """List or unlist by name; ``locale`` is the language in which they were asked."""
    if pledge.listed == listed:
        return
    pledge.listed = listed
    people.record_consent(pledge.person_id, "listing", listed, locale, now)
    _note(pledge, PERSON, "listed" if listed else "unlisted")
    _counted(pledge)


def withdraw(policy: PledgePolicy, pledge: Pledge, now: datetime) -> None:
    """Take the word back: no longer counted or shown; the trail stays. Raises NotAwaiting."""
    if pledge.status not in {Status.CONFIRMED, Status.HELD}:
        raise NotAwaiting
    pledge.status, pledge.withdrawn_at = Status.WITHDRAWN, now
    _note(pledge, PERSON, "withdrawn")
    _mail(policy, "withdrawn", pledge)
    _counted(pledge)


def disown(pledge: Pledge) -> None:
    """It was not them: remove an unconfirmed pledge, and the person where nothing else is theirs.

    Raises NotAwaiting.
    """
    if pledge.status != Status.UNCONFIRMED:
        raise NotAwaiting
    _remove(pledge, PERSON, "disowned")


def erase_person(person: Person) -> None:
    """Remove all that is known of a person. The tallies follow by trigger; the trail keeps no personal data."""
    if db.session.get(Person, person.id, with_for_update=True, populate_existing=True) is None:
        return  # another tab was faster
    for pledge in db.session.scalars(select(Pledge).where(Pledge.person_id == person.id)).all():
        _note(pledge, PERSON, "erased")
        db.session.delete(pledge)
    db.session.flush()
    people.erase(person)
    jobs.wake("fold_tallies")


def accept(policy: PledgePolicy, pledge: Pledge, actor: str, now: datetime) -> None:
    """Staff let a held pledge through; an unconfirmed one then only waits for its person. Raises NotAwaiting."""
    if not (
        pledge.status == Status.HELD
        or (pledge.status == Status.UNCONFIRMED and pledge.hold_reasons)
    ):
        raise NotAwaiting
    if _comes_second(pledge):
        raise NotAwaiting
    pledge.hold_reasons = []
    _note(pledge, actor, "accepted")
    if pledge.status == Status.HELD:
        pledge.status = Status.CONFIRMED
        _mail(policy, "accepted", pledge)
        _counted(pledge)


def refuse(policy: PledgePolicy, pledge: Pledge, actor: str, reason: str, now: datetime) -> None:
    """Staff refuse a pledge, with a reason that its person gets to read. Raises NotAwaiting."""
    if pledge.status not in {Status.HELD, Status.CONFIRMED, Status.UNCONFIRMED}:
        raise NotAwaiting
    was_confirmed_by_mail = pledge.status != Status.UNCONFIRMED
    pledge.status = Status.REFUSED
    _note(pledge, actor, "refused", reason=reason)
    if was_confirmed_by_mail:
        _mail(policy, "refused", pledge, reason=reason)
    _counted(pledge)


def settle_institution(pledge: Pledge, institution: Institution, actor: str) -> None:
    """Staff found the registered institution behind a free text."""
    pledge.institution_id, pledge.institution_text = institution.id, None
    _note(pledge, actor, "institution settled", institution=institution.id)
    _counted(pledge)


def merge_institution(policy: PledgePolicy, source_id: str, target_id: str, actor: str) -> int:
    """Move all pledges to the successor; the tallies follow by trigger. Returns how many moved.

    An institution that already spoke keeps its own word: the merged one's official pledge is held for staff.
    """
    official = queries.locked().where(
        Pledge.institution_id == source_id,
        Pledge.kind == Kind.INSTITUTION,
        Pledge.status == Status.CONFIRMED,
    )
    for pledge in db.session.scalars(official).all():
        if _has_spoken(pledge.campaign_id, target_id):
            _hold(policy, pledge, ["institution-has-pledged"])
    db.session.flush()
    moved = db.session.scalars(
        update(Pledge)
        .where(Pledge.institution_id == source_id)
        .values(institution_id=target_id)
        .returning(Pledge.id)
    ).all()
    db.session.add_all(
        PledgeEvent(
            pledge_id=id_,
            actor=actor,
            action="institution merged",
            details={"from": source_id, "to": target_id},
        )
        for id_ in moved
    )
    db.session.flush()
    jobs.wake("fold_tallies")
    return len(moved)


def remind(policy: PledgePolicy, now: datetime) -> int:
    """Remind once whoever has not confirmed; return how many were reminded."""
    waiting = (
        queries.locked(skip=True)
        .where(Pledge.status == Status.UNCONFIRMED, Pledge.reminded_at.is_(None))
        .where(Pledge.submitted_at < now - REMINDER_AFTER)
        .limit(500)
    )
    pledges = db.session.scalars(waiting).all()
    for pledge in pledges:
        pledge.reminded_at = now
        days_left = policy.unconfirmed_days - (now - pledge.submitted_at).days
        _mail(policy, "reminder", pledge, days=days_left)
    return len(pledges)


def forget_unconfirmed(before: datetime) -> int:
    """Remove what nobody confirmed; return how many pledges went."""
    stale = queries.locked(skip=True).where(
        Pledge.status == Status.UNCONFIRMED, Pledge.submitted_at < before
    )
    pledges = db.session.scalars(stale.limit(1000)).all()
    for pledge in pledges:
        _remove(pledge, SYSTEM, "expired")
    return len(pledges)


def forget_networks(before: datetime) -> None:
    """Drop the keyed network hashes of submissions older than a moment."""
    db.session.execute(
        update(Pledge)
        .where(Pledge.network_hash.is_not(None), Pledge.submitted_at < before)
        .values(network_hash=None)
    )


def send_my_link(policy: PledgePolicy, address: Address, locale: str, now: datetime) -> None:
    """Mail the link to a person's own page, if there is such a person; the caller learns nothing."""
    person = people.find(policy.signer, address)
    pledge = person and db.session.scalar(
        select(Pledge).where(Pledge.person_id == person.id).limit(1)
    )
    if person and pledge:
        _mail_sparingly(policy, "my_link", pledge, person, locale, now)


def _pledge_of(person: Person, campaign_id: int, kind: Kind) -> Pledge | None:
    """The word of a person that stands or waits; whoever took theirs back has none."""
    mine = queries.locked().where(
        Pledge.campaign_id == campaign_id, Pledge.person_id == person.id, Pledge.kind == kind
    )
    return db.session.scalar(mine.where(Pledge.status != Status.WITHDRAWN))


_WRITTEN = tuple(field.name for field in fields(Draft) if field.name not in {"kind", "institution"})


def _write(pledge: Pledge, draft: Draft) -> None:
    for name in _WRITTEN:
        value = getattr(draft, name)
        setattr(pledge, name, list(value) if isinstance(value, tuple) else value)
    pledge.letters = dict(draft.letters)
    pledge.institution_id = draft.institution.id if draft.institution else None
    pledge.name_folded = fold(draft.name)


def _snapshot(pledge: Pledge) -> Mapping[str, Any]:
    return {name: getattr(pledge, name) for name in (*_WRITTEN, "institution_id")}


def _hold(policy: PledgePolicy, pledge: Pledge, reasons: list[str]) -> None:
    """Leave it to staff whether it counts, and tell its person so."""
    pledge.status, pledge.hold_reasons = Status.HELD, reasons
    _note(pledge, SYSTEM, "held", reasons=reasons)
    _mail(policy, "held", pledge)


def _comes_second(pledge: Pledge) -> bool:
    """Whether another representative has spoken for the same institution."""
    if pledge.kind == Kind.PERSON or pledge.institution_id is None:
        return False
    return _has_spoken(pledge.campaign_id, pledge.institution_id)


def _has_spoken(campaign_id: int, institution_id: str) -> bool:
    """Whether a confirmed pledge speaks for the institution already.

    Until the caller commits nobody else can begin to: of two representatives at once, one waits here.
    """
    ours = select(Institution.id).where(Institution.id == institution_id)
    # Not the strongest lock, which would keep the institution's people from pledging.
    db.session.execute(ours.with_for_update(key_share=True))
    return queries.official_pledge(campaign_id, institution_id) is not None


def _remove(pledge: Pledge, actor: str, action: str) -> None:
    person = pledge.person
    _note(pledge, actor, action)
    db.session.delete(pledge)
    db.session.flush()
    if db.session.scalar(select(Pledge.id).where(Pledge.person_id == person.id).limit(1)) is None:
        people.erase(person)


def _mail_sparingly(
    policy: PledgePolicy, template: str, pledge: Pledge, person: Person, locale: str, now: datetime
) -> None:
    """Queue what anybody can cause, unless this address had its share today: we flood nobody for others."""
    if outbox.queued_since(person.fingerprint, now - timedelta(days=1)) < policy.mails_per_address:
        facts = emails.facts(policy.signer, pledge, locale, policy.unconfirmed_days)
        outbox.queue(template, locale, person.address, person.fingerprint, facts)


def _mail(policy: PledgePolicy, template: str, pledge: Pledge, **facts: Any) -> None:
    """Queue what its person must learn, however many letters others caused."""
    if pledge.is_demo:
        return  # nobody reads an invented person's mail
    known = emails.facts(policy.signer, pledge, pledge.locale, policy.unconfirmed_days)
    person = pledge.person
    outbox.queue(template, pledge.locale, person.address, person.fingerprint, known | facts)


def _note(pledge: Pledge, actor: str, action: str, **details: Any) -> None:
    db.session.add(PledgeEvent(pledge_id=pledge.id, actor=actor, action=action, details=details))


def _counted(pledge: Pledge) -> None:
    db.session.flush()
    jobs.wake("fold_tallies")
