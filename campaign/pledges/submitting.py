"""Taking a pledge: in one statement where its address was never seen, else by the worker, step by step.

Whatever depends on whether an address is known is left to the worker: a door stores one row and answers.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, exists, select

from campaign import jobs
from campaign.audit import PERSON
from campaign.campaigns.models import CampaignText
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.mail import outbox
from campaign.people import operations as people
from campaign.people.models import Person
from campaign.people.queries import fingerprint, spellings_locked
from campaign.people.rules import Address, parse_address
from campaign.pledges import emails, intake, queries
from campaign.pledges.effects import FORM_LETTERS, LINK_LETTERS, has_share, key_of, record_event
from campaign.pledges.emails import FORM_LIFETIME
from campaign.pledges.holding import is_crowded, network_limit_applies
from campaign.pledges.models import Pledge, PledgeAction, ReceivedForm, Status, form_of
from campaign.pledges.policy import PledgePolicy
from campaign.pledges.submission import Submission, event_details, from_json

# So often a form is tried that fails; then it stays where it is, for a developer to look at.
MAX_ATTEMPTS = 5

log = logging.getLogger(__name__)


def submit(policy: PledgePolicy, submission: Submission, now: datetime) -> None:
    """Take a form: store an unconfirmed pledge and queue the e-mail to confirm it by, at once or soon.

    Changes no pledge that was confirmed; to such an address goes an e-mail that says so. Returns nothing, after the
    same time: the sender cannot learn which addresses are known. Raises FormUsed.
    """
    intake.insert_new_pledge(policy, submission, now)


def ask_for_my_link(policy: PledgePolicy, address: Address, locale: str) -> None:
    """Have the link to a person's own page mailed, if the address is known. Returns nothing, so as not to tell."""
    db.session.add(
        ReceivedForm(
            form=form_of(uuid4()),
            sender=intake.sender_of(policy.signer, address),
            address=address.original,
            locale=locale,
        )
    )
    jobs.wake("take_forms")


def has_waiting() -> ColumnElement[bool]:
    """The condition that a form waits for the worker."""
    return exists().where(_is_waiting())


def _is_waiting() -> ColumnElement[bool]:
    return ReceivedForm.address.is_not(None) & (ReceivedForm.attempts < MAX_ATTEMPTS)


def take_next(policy: PledgePolicy, now: datetime) -> bool:
    """Take the form that has waited longest; return False where none waits. The caller commits after each."""
    waiting = select(ReceivedForm).where(_is_waiting()).order_by(ReceivedForm.received_at).limit(1)
    form = db.session.scalar(waiting.with_for_update(skip_locked=True))
    if form is None:
        return False
    form.attempts += 1
    try:
        with db.session.begin_nested():
            _take(policy, form, now)
    except Exception:  # one form that cannot be taken must not stop the others
        log.exception("form %s could not be taken", form.form)
    else:
        form.address = form.answers = None
    db.session.flush()
    return True


def forget_taken(now: datetime) -> None:
    """Forget which address a form came with, once no page of it is valid any more."""
    taken = ReceivedForm.address.is_(None) & (ReceivedForm.received_at < now - FORM_LIFETIME)
    db.session.execute(delete(ReceivedForm).where(taken))


def _take(policy: PledgePolicy, form: ReceivedForm, now: datetime) -> None:
    assert form.address is not None, "a form that waits has an address"
    address = parse_address(form.address)
    spellings = spellings_locked(fingerprint(policy.signer, address))
    owner = queries.owner_of(spellings)
    if form.answers is None:
        same = (person for person in spellings if person.mailbox == address.mailbox)
        if person := owner or next(same, None):
            _send_my_link(policy, person, form.locale, now)
    elif owner and owner.mailbox != address.mailbox:
        _ask_for_known_spelling(policy, owner, from_json(form.answers), form.locale, now)
    else:
        _take_pledge(policy, address, from_json(form.answers), now)


def _send_my_link(policy: PledgePolicy, person: Person, locale: str, now: datetime) -> None:
    pledge = db.session.scalar(select(Pledge).where(Pledge.person_id == person.id).limit(1))
    if pledge and has_share(policy, person, LINK_LETTERS, now):
        _send(policy, "my_link", pledge, locale)


def _ask_for_known_spelling(
    policy: PledgePolicy, owner: Person, columns: Mapping[str, Any], locale: str, now: datetime
) -> None:
    """Store nothing that came with another spelling, and show nothing of it: it may be someone else's."""
    if has_share(policy, owner, FORM_LETTERS, now):
        facts = emails.campaign_facts(_text(columns))
        outbox.queue("other_spelling", locale, owner.address, key_of(owner), facts)


def _take_pledge(
    policy: PledgePolicy, address: Address, columns: dict[str, Any], now: datetime
) -> None:
    person = people.find_or_add(policy.signer, address, columns["locale"])
    pledge = _pledge_of(person, columns)
    if pledge and pledge.status != Status.UNCONFIRMED:
        if has_share(policy, person, FORM_LETTERS, now):
            _send(policy, "known", pledge, columns["locale"])
    elif not pledge or pledge.submission != columns["submission"]:
        _store(policy, pledge or Pledge(person_id=person.id), address, columns, now)


def _store(
    policy: PledgePolicy, pledge: Pledge, address: Address, columns: dict[str, Any], now: datetime
) -> None:
    """Store what a form says in a new pledge, or in one that was not confirmed, and ask to confirm it."""
    is_new = pledge.id is None
    crowded = is_crowded(columns, policy.limits)
    if crowded and network_limit_applies(_institution(columns), address):
        columns["hold_reasons"].append("network")
    for name, value in columns.items():
        setattr(pledge, name, value)
    db.session.add(pledge)
    db.session.flush()
    record_event(pledge, PERSON, PledgeAction.SUBMITTED, **event_details(pledge.text, columns))
    # The first e-mail about a pledge brings the links by which its person can get on.
    has_own = key_of(pledge.person) == pledge.person.fingerprint
    if (is_new and has_own) or has_share(policy, pledge.person, FORM_LETTERS, now):
        _send(policy, "confirm", pledge, pledge.locale, pledge.network_hash, nameless=crowded)


def _institution(columns: Mapping[str, Any]) -> Institution | None:
    return db.session.get(Institution, columns["institution_id"] or "")


def _send(
    policy: PledgePolicy,
    template: str,
    pledge: Pledge,
    locale: str,
    network_hash: bytes | None = None,
    *,
    nameless: bool = False,
) -> None:
    person = pledge.person
    facts = emails.facts(policy.signer, pledge, locale, policy.unconfirmed_days)
    if nameless:
        facts["name"] = ""
    outbox.queue(template, locale, person.address, key_of(person), facts, network_hash)


def _pledge_of(person: Person, columns: Mapping[str, Any]) -> Pledge | None:
    """The person's pledge of this kind, its row locked; None where they have none or withdrew it."""
    pledges = queries.locked().where(
        Pledge.campaign_id == columns["campaign_id"],
        Pledge.person_id == person.id,
        Pledge.kind == columns["kind"],
    )
    return db.session.scalar(pledges.where(Pledge.status != Status.WITHDRAWN))


def _text(columns: Mapping[str, Any]) -> CampaignText:
    return db.session.get_one(CampaignText, columns["text_id"])
