"""What changes of a pledge have in common: a line in its trail, an e-mail to its person, new counts.

Nothing here decides whether something may happen, and nothing commits.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from campaign import audit, jobs
from campaign.audit import SYSTEM, Actor
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.mail import outbox
from campaign.people import operations as people
from campaign.people.models import Person
from campaign.people.queries import is_supporter, letters_key
from campaign.pledges import emails, queries
from campaign.pledges.models import Pledge, PledgeAction, PledgeEvent, Status
from campaign.pledges.policy import PledgePolicy


def record_event(
    pledge: Pledge, actor: Actor, action: PledgeAction, **details: object
) -> PledgeEvent:
    """Add a line to the trail of a pledge; for acts of staff it points to one in the audit log."""
    event = PledgeEvent(
        pledge_id=pledge.id,
        actor=actor,
        action=action,
        details=details,
        audit=audit.record_if_staff(actor, action, f"pledge:{pledge.id}", details),
    )
    db.session.add(event)
    return event


def standing(pledge: Pledge) -> dict[str, object]:
    """What a verdict changes of a pledge, for the trail to note before it does."""
    return {"status": pledge.status, "hold_reasons": list(pledge.hold_reasons)}


def send(
    policy: PledgePolicy,
    template: str,
    pledge: Pledge,
    delay: timedelta = timedelta(),
    **facts: object,
) -> UUID | None:
    """Queue an e-mail that its person must get, however many others were caused by strangers; return its id.

    None for an invented pledge: nobody reads that mail.
    """
    if pledge.is_demo:
        return None
    network = None if pledge.confirmed_at else pledge.network_hash
    return write(policy, template, pledge, pledge.locale, network, delay, **facts)


def write(
    policy: PledgePolicy,
    template: str,
    pledge: Pledge,
    locale: str,
    network_hash: bytes | None,
    delay: timedelta = timedelta(),
    **facts: object,
) -> UUID:
    """Queue an e-mail about a pledge, at the pace of a network where one is given; return its id."""
    person = pledge.person
    known = emails.facts(policy.signer, pledge, locale, policy.unconfirmed_days)
    key = key_of(person)
    return outbox.queue(template, locale, person.address, key, known | facts, network_hash, delay)


def key_of(person: Person) -> bytes:
    """The key under which e-mails to a person are counted: their own, once they have confirmed a pledge."""
    key = letters_key(person.fingerprint, person.mailbox)
    is_shared = key != person.fingerprint
    return person.fingerprint if is_shared and queries.owner_of([person]) else key


# Of each group an address gets so many a day, since strangers can cause them. Those who send forms take nobody's
# link to their own page away; those who ask for links leave its owner with links that work.
FORM_LETTERS = ("confirm", "known", "other_spelling")
LINK_LETTERS = ("my_link",)


def has_share(
    policy: PledgePolicy, person: Person, templates: tuple[str, ...], now: datetime
) -> bool:
    """Whether a person may still get one of these e-mails today."""
    since = now - timedelta(days=1)
    return outbox.queued_since(key_of(person), templates, since) < policy.mails_per_address


def flush_and_fold() -> None:
    """Flush, so that the trigger writes what changed in the counts, and wake the job that folds it."""
    db.session.flush()
    jobs.wake("fold_tallies")


def hold(policy: PledgePolicy, pledge: Pledge, reasons: list[str]) -> None:
    """Leave it to staff whether the pledge counts, and tell its person so, once."""
    was_held = pledge.status == Status.HELD
    pledge.status, pledge.hold_reasons = Status.HELD, reasons
    record_event(pledge, SYSTEM, PledgeAction.HELD, reasons=reasons)
    if not was_held:
        send(policy, "held", pledge)


def remove(pledge: Pledge, actor: Actor, action: PledgeAction) -> None:
    """Delete a pledge, and its person where it was all that kept them; the trail stays.

    A supporter whom staff brought in stays, as they were before they pledged.
    """
    person = pledge.person
    record_event(pledge, actor, action)
    db.session.delete(pledge)
    db.session.flush()
    has_pledge = select(Pledge.id).where(Pledge.person_id == person.id).limit(1)
    if db.session.scalar(has_pledge) is None and not is_supporter(person.id):
        people.erase(person)


def official_pledge_locked(campaign_id: int, institution_id: str) -> Pledge | None:
    """The pledge that speaks for the institution already.

    Locks the institution until the caller commits: of two pledges accepted at once, the second waits here.
    """
    ours = select(Institution.id).where(Institution.id == institution_id)
    # Not the strongest lock, which would keep the institution's people from pledging.
    db.session.execute(ours.with_for_update(key_share=True))
    return queries.official_pledge(campaign_id, institution_id)
