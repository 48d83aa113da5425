"""Taking a pledge: in one statement where its address was never seen, else step by step."""

from datetime import datetime

from campaign.audit import PERSON
from campaign.db import db
from campaign.people import operations as people
from campaign.people.models import Person
from campaign.pledges import intake, queries
from campaign.pledges.effects import record_event, send_sparingly
from campaign.pledges.holding import hold_reasons
from campaign.pledges.models import Kind, Pledge, PledgeAction, Status
from campaign.pledges.policy import PledgePolicy
from campaign.pledges.submission import Submission


def submit(policy: PledgePolicy, submission: Submission, now: datetime) -> None:
    """Store an unconfirmed pledge and queue the e-mail to confirm it by.

    Returns nothing, and changes no pledge that was confirmed: the sender cannot learn which addresses are known. To
    such an address goes an e-mail that says so.
    """
    if not intake.insert_new_pledge(policy, submission, now):
        _submit_step_by_step(policy, submission, now)


def _submit_step_by_step(policy: PledgePolicy, submission: Submission, now: datetime) -> None:
    draft, text, locale = submission.draft, submission.text, submission.locale
    reasons = hold_reasons(submission, policy.limits, now)
    person = people.find_or_add(policy.signer, submission.address, locale)
    pledge = _pledge_of(person, text.campaign_id, draft.kind)
    if pledge and pledge.status != Status.UNCONFIRMED:
        send_sparingly(policy, "known", pledge, person, locale, now)
        return
    if pledge and pledge.submission == submission.id:
        return
    pledge = pledge or Pledge(person_id=person.id)
    for name, value in submission.columns(reasons, now).items():
        setattr(pledge, name, value)
    db.session.add(pledge)
    db.session.flush()
    record_event(pledge, PERSON, PledgeAction.SUBMITTED, **submission.event_details(reasons))
    send_sparingly(policy, "confirm", pledge, person, locale, now)


def _pledge_of(person: Person, campaign_id: int, kind: Kind) -> Pledge | None:
    """The person's pledge of this kind, its row locked; None where they have none or withdrew it."""
    pledges = queries.locked().where(
        Pledge.campaign_id == campaign_id, Pledge.person_id == person.id, Pledge.kind == kind
    )
    return db.session.scalar(pledges.where(Pledge.status != Status.WITHDRAWN))
