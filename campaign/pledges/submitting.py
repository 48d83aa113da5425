"""Taking a pledge: in one statement where its address was never seen, else by the worker, step by step.

Whatever depends on whether an address is known is left to the worker: a door stores one row and answers.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, exists, func, select

from campaign import jobs
from campaign.audit import PERSON
from campaign.campaigns import queries as campaign_queries
from campaign.campaigns.models import CampaignText
from campaign.db import db
from campaign.mail import outbox
from campaign.people import operations as people
from campaign.people.models import Person
from campaign.people.queries import fingerprint, spellings_locked
from campaign.people.rules import Address, parse_address
from campaign.pledges import emails, intake, queries
from campaign.pledges.effects import (
    FORM_LETTERS,
    LINK_LETTERS,
    has_share,
    key_of,
    record_event,
    write,
)
from campaign.pledges.emails import FORM_LIFETIME
from campaign.pledges.holding import is_crowded
from campaign.pledges.mail_domains import rule_for
from campaign.pledges.models import (
    DomainRule,
    Pledge,
    PledgeAction,
    ReceivedForm,
    Status,
    form_of,
)
from campaign.pledges.policy import PledgePolicy
from campaign.pledges.submission import Submission, event_details, from_json, to_json

# A form that fails is tried again after 1, 2, 4 … minutes, and so often.
MAX_ATTEMPTS = 5

log = logging.getLogger(__name__)


class CampaignClosed(Exception):
    """The campaign takes no more pledges; nothing was stored."""


def submit(policy: PledgePolicy, submission: Submission, now: datetime) -> None:
    """Take a form: store an unconfirmed pledge and queue the e-mail to confirm it by, at once or soon.

    Changes no pledge that was confirmed; to such an address goes an e-mail that says so. Returns nothing, after the
    same time: the sender cannot learn which addresses are known. Raises CampaignClosed, FormUsed.
    """
    if not campaign_queries.takes_pledges(submission.text.campaign_id):
        raise CampaignClosed
    intake.insert_new_pledge(policy, submission, now)


def ask_for_my_link(
    policy: PledgePolicy, address: Address, locale: str, network_hash: bytes
) -> None:
    """Have the link to a person's own page mailed, if the address is known. Returns nothing, so as not to tell."""
    db.session.add(
        ReceivedForm(
            form=form_of(uuid4()),
            sender=intake.sender_of(fingerprint(policy.signer, address), address.mailbox),
            address=address.original,
            locale=locale,
            answers=to_json({"network_hash": network_hash}),
        )
    )
    jobs.wake("take_forms")


def has_waiting() -> ColumnElement[bool]:
    """The condition that a form waits for the worker."""
    return exists().where(_is_waiting())


def _is_waiting() -> ColumnElement[bool]:
    is_left = ReceivedForm.address.is_not(None) & (ReceivedForm.attempts < MAX_ATTEMPTS)
    return is_left & (ReceivedForm.due_at <= func.now())


def take_next(policy: PledgePolicy, now: datetime) -> bool:
    """Take the form that has waited longest; return False where none waits. The caller commits after each."""
    waiting = select(ReceivedForm).where(_is_waiting()).order_by(ReceivedForm.due_at).limit(1)
    form = db.session.scalar(
        waiting.with_for_update(skip_locked=True), execution_options={"populate_existing": True}
    )
    if form is None:
        return False
    try:
        with db.session.begin_nested():
            _take(policy, form, now)
    except Exception:  # one form that cannot be taken must not stop the others
        log.exception("form %s could not be taken", form.form)
        form.due_at = now + timedelta(minutes=2**form.attempts)
        form.attempts += 1
    else:
        form.address = form.answers = None
    db.session.flush()
    return True


def forget_forms(now: datetime) -> None:
    """Remove forms whose pages are not valid any more, taken or not."""
    old = ReceivedForm.received_at < now - FORM_LIFETIME
    db.session.execute(delete(ReceivedForm).where(old))


def _take(policy: PledgePolicy, form: ReceivedForm, now: datetime) -> None:
    assert form.address is not None, "a form that waits has an address"
    assert form.answers is not None, "and answers"
    address, columns = parse_address(form.address), from_json(form.answers)
    spellings = spellings_locked(fingerprint(policy.signer, address))
    owner = queries.owner_of(spellings)
    if "submission" not in columns:
        same = (person for person in spellings if person.mailbox == address.mailbox)
        if person := owner or next(same, None):
            _send_my_link(policy, person, columns["network_hash"], form.locale, now)
    elif owner and owner.mailbox != address.mailbox:
        _ask_for_known_spelling(policy, owner, columns, form.locale, now)
    else:
        _take_pledge(policy, address, columns, now)


def _send_my_link(
    policy: PledgePolicy, person: Person, network_hash: bytes, locale: str, now: datetime
) -> None:
    newest = select(Pledge).where(Pledge.person_id == person.id).order_by(Pledge.confirmed_at)
    pledge = db.session.scalar(newest.limit(1))
    if pledge and has_share(policy, person, LINK_LETTERS, now):
        write(policy, "my_link", pledge, locale, network_hash)


def _ask_for_known_spelling(
    policy: PledgePolicy, owner: Person, columns: Mapping[str, Any], locale: str, now: datetime
) -> None:
    """Store nothing that came with another spelling, and show nothing of it: it may be someone else's."""
    if has_share(policy, owner, FORM_LETTERS, now):
        facts = emails.campaign_facts(_text(columns))
        key, network = key_of(owner), columns["network_hash"]
        outbox.queue("other_spelling", locale, owner.address, key, facts, network)


def _take_pledge(
    policy: PledgePolicy, address: Address, columns: dict[str, Any], now: datetime
) -> None:
    person = people.find_or_add(policy.signer, address, columns["locale"])
    pledge = _pledge_of(person, columns)
    if pledge and pledge.status != Status.UNCONFIRMED:
        if has_share(policy, person, FORM_LETTERS, now):
            write(policy, "known", pledge, columns["locale"], columns["network_hash"])
    elif not pledge or _is_newer(columns, pledge):
        _store(policy, pledge or Pledge(person_id=person.id), address, columns, now)


def _is_newer(columns: Mapping[str, Any], pledge: Pledge) -> bool:
    """Whether a form is another one than the pledge came with, and was not overtaken by it."""
    is_same = pledge.submission == columns["submission"]
    submitted_at: datetime = columns["submitted_at"]
    return not is_same and submitted_at >= pledge.submitted_at


def _store(
    policy: PledgePolicy,
    pledge: Pledge,
    address: Address,
    columns: dict[str, Any],
    now: datetime,
) -> None:
    """Store what a form says in a new pledge, or in one that was not confirmed, and ask to confirm it."""
    is_new = pledge.id is None
    crowded = is_crowded(columns, policy.limits)
    trusted = columns["own_mailbox"] or rule_for(address.domain) is DomainRule.TRUST
    if crowded and not trusted:
        columns["hold_reasons"].append("network")
    for name, value in columns.items():
        setattr(pledge, name, value)
    db.session.add(pledge)
    db.session.flush()
    record_event(pledge, PERSON, PledgeAction.SUBMITTED, **event_details(pledge.text, columns))
    # The first e-mail about a pledge brings the links by which its person can get on.
    has_own = key_of(pledge.person) == pledge.person.fingerprint
    if (is_new and has_own) or has_share(policy, pledge.person, FORM_LETTERS, now):
        plain = not crowded and not columns["hold_reasons"]
        facts: dict[str, Any] = {"name": pledge.name} if plain else {}
        write(policy, "confirm", pledge, pledge.locale, columns["network_hash"], **facts)


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
