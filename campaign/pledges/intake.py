"""The plain pledge in one statement, the plain confirmation in another.

On the day a campaign is in the news nearly every submission comes from an address never seen, and nearly every
confirmation is of a pledge about which nothing is suspicious. Step by step (``submitting``, ``operations``) these
take a dozen round trips to the database; here they take one each. Both statements do nothing at all where the case
is not plain: then the steps go on. ``tests/pledges/test_intake.py`` verifies that both ways leave the same rows.

The statements are built from the models, and the columns of a new pledge from ``Submission.columns``, as they are
for the steps.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CTE,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal,
    not_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from campaign import jobs
from campaign.audit import ActorKind
from campaign.db import db, new_id
from campaign.mail.models import OutgoingEmail
from campaign.people.models import Consent, Person
from campaign.people.operations import WORDING_VERSION
from campaign.people.queries import fingerprint
from campaign.pledges import emails
from campaign.pledges.holding import (
    CROWDED,
    crowd_values,
    network_limit_applies,
    suspicious_signals,
)
from campaign.pledges.models import Kind, Pledge, PledgeAction, PledgeEvent, Status
from campaign.pledges.policy import PledgePolicy
from campaign.pledges.submission import Submission


def insert_new_pledge(policy: PledgePolicy, submission: Submission, now: datetime) -> bool:
    """Store the pledge of an address never seen, with its e-mail.

    Returns False, with nothing done, where the address is known or too many pledge from its network.
    """
    columns = submission.columns(suspicious_signals(submission, now), now)
    statement = _insertion(tuple(columns))
    row = (
        db.session.connection()
        .execute(statement, _values(policy, submission, columns, now))
        .first()
    )
    if row:
        jobs.wake("send_emails")
    return row is not None


def confirm_plain_pledge(pledge_id: UUID, submission: UUID, now: datetime) -> bool:
    """Make a plain unconfirmed pledge count. Returns False, with nothing done, where it is not plain."""
    values = {"pledge_id": pledge_id, "seen_submission": submission, "now": now}
    confirmed = db.session.execute(_CONFIRMATION, values).first() is not None
    if confirmed:
        jobs.wake("fold_tallies")
    return confirmed


def _values(
    policy: PledgePolicy, submission: Submission, columns: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    pledge_id, person_id = new_id(), new_id()
    facts = emails.facts_of(
        policy.signer,
        pledge_id,
        person_id,
        submission.draft.kind,
        submission.draft.name,
        submission.text,
        policy.unconfirmed_days,
    )
    return {
        **crowd_values(submission, policy.limits, now),
        **columns,
        "pledge_id": pledge_id,
        "person_id": person_id,
        "fingerprint": fingerprint(policy.signer, submission.address),
        "address": submission.address.original,
        "network_limit_applies": network_limit_applies(submission),
        "event_details": submission.event_details(columns["hold_reasons"]),
        "facts": facts,
        "a_day_ago": now - timedelta(days=1),
        "mails_per_address": policy.mails_per_address,
    }


_PEOPLE, _PLEDGES, _EVENTS, _CONSENTS, _EMAILS = cast(
    "list[Table]",
    [model.__table__ for model in (Person, Pledge, PledgeEvent, Consent, OutgoingEmail)],
)


@cache
def _insertion(columns: tuple[str, ...]) -> Select[tuple[UUID]]:
    """Store person, pledge, event and e-mail; one row where that happened, else none. Built once in a process."""
    person = _insert_person().returning(_PEOPLE.c.id).cte("person")
    values = {
        "id": _parameter(_PLEDGES.c.id, "pledge_id"),
        "person_id": person.c.id,
        **{name: _parameter(_PLEDGES.c[name]) for name in columns},
    }
    pledge = _insert_for_each(person, _PLEDGES, values).returning(_PLEDGES.c.id).cte("pledge")
    details = _parameter(_EVENTS.c.details, "event_details")
    event = _insert_event(pledge, PledgeAction.SUBMITTED, details)
    return select(pledge.c.id).add_cte(event.cte("event"), _insert_email(pledge).cte("email"))


def _insert_person() -> Insert:
    """Nothing where the address is known or its network crowded; then nothing else is inserted either."""
    network = CROWDED.cte("network")
    matters = bindparam("network_limit_applies", type_=Boolean)
    values = {
        "id": _parameter(_PEOPLE.c.id, "person_id"),
        "fingerprint": _parameter(_PEOPLE.c.fingerprint),
        "address": _parameter(_PEOPLE.c.address),
        "locale": _parameter(_PEOPLE.c.locale),
    }
    person = _insert_for_each(network, _PEOPLE, values, not_(and_(network.c.crowded, matters)))
    return person.on_conflict_do_nothing(index_elements=[_PEOPLE.c.fingerprint])


def _insert_email(pledge: CTE) -> Insert:
    """Nothing where the address has had its share of e-mails today: they may be a stranger's doing."""
    fingerprint = _parameter(_EMAILS.c.recipient_hash, "fingerprint")
    earlier = select(func.count()).where(
        _EMAILS.c.recipient_hash == fingerprint, _EMAILS.c.queued_at > bindparam("a_day_ago")
    )
    values = {
        "template": literal("confirm"),
        "locale": _parameter(_EMAILS.c.locale),
        "recipient": _parameter(_EMAILS.c.recipient, "address"),
        "recipient_hash": fingerprint,
        "facts": _parameter(_EMAILS.c.facts),
    }
    may_send = earlier.scalar_subquery() < bindparam("mails_per_address")
    return _insert_for_each(pledge, _EMAILS, values, may_send)


def _insert_event(pledge: CTE, action: PledgeAction, details: ColumnElement[Any]) -> Insert:
    values = {
        "pledge_id": pledge.c.id,
        "actor_kind": literal(ActorKind.PERSON.value),
        "action": literal(action.value),
        "details": details,
    }
    return _insert_for_each(pledge, _EVENTS, values)


def _confirmation() -> Select[tuple[UUID]]:
    """Confirm the pledge, note language and consents; one row where that happened, else none.

    Official pledges are left to the steps, since an institution speaks once, and so are those to hold, whose people
    are told.
    """
    pledge = _confirm_pledge()
    language = (
        update(_PEOPLE)
        .values(locale=pledge.c.locale)
        .where(_PEOPLE.c.id == pledge.c.person_id, _PEOPLE.c.locale != pledge.c.locale)
    )
    event = _insert_event(pledge, PledgeAction.CONFIRMED, literal({}, _EVENTS.c.details.type))
    return select(pledge.c.id).add_cte(
        language.cte("language"), _insert_consents(pledge).cte("consents"), event.cte("event")
    )


def _confirm_pledge() -> CTE:
    id_ = bindparam("pledge_id", type_=_PLEDGES.c.id.type)
    person_id = select(_PLEDGES.c.person_id).where(_PLEDGES.c.id == id_).scalar_subquery()
    # The person's row is locked before the pledge's, see ``queries.locked``.
    person = select(_PEOPLE.c.id).where(_PEOPLE.c.id == person_id).with_for_update(key_share=True)
    locked = person.cte("person").prefix_with("MATERIALIZED")
    is_plain = and_(
        _PLEDGES.c.status == Status.UNCONFIRMED,
        _PLEDGES.c.kind == Kind.PERSON,
        _PLEDGES.c.hold_reasons == [],
    )
    confirmed = (
        update(_PLEDGES)
        .values(status=Status.CONFIRMED, confirmed_at=bindparam("now"))
        .where(_PLEDGES.c.id == id_, _PLEDGES.c.person_id == locked.c.id, is_plain)
        # No parameter has the name of a column that the UPDATE could set: SQLAlchemy would set it.
        .where(_PLEDGES.c.submission == bindparam("seen_submission"))
    )
    shown = ("id", "person_id", "locale", "listed", "newsletter", "submitted_at")
    return confirmed.returning(*(_PLEDGES.c[name] for name in shown)).cte("pledge")


def _insert_consents(pledge: CTE) -> Insert:
    """As the steps do: a box for the newsletter left empty revokes no earlier yes."""

    def answer(purpose: str, granted: ColumnElement[bool]) -> Select[Any]:
        shared = (literal(WORDING_VERSION), pledge.c.locale, pledge.c.submitted_at)
        return select(pledge.c.person_id, literal(purpose), granted, *shared)

    listing = answer("listing", pledge.c.listed)
    newsletter = answer("newsletter", pledge.c.newsletter).where(pledge.c.newsletter)
    names = ["person_id", "purpose", "granted", "wording_version", "locale", "given_at"]
    return insert(_CONSENTS).from_select(names, union_all(listing, newsletter))


def _insert_for_each(
    source: CTE,
    table: Table,
    values: Mapping[str, ColumnElement[Any]],
    *where: ColumnElement[bool],
) -> Insert:
    """Insert one row for each row of the source; columns not named get the defaults of the model."""
    defaults = {
        column.name: literal(column.default.arg, column.type)
        for column in table.columns
        if isinstance(column.default, ScalarElementColumnDefault)
    }
    row = {**defaults, **values}
    return insert(table).from_select(
        [*row], select(*row.values()).select_from(source).where(*where), include_defaults=False
    )


def _parameter(column: Column[Any], name: str | None = None) -> BindParameter[Any]:
    """A parameter for the values of a column, named as the column unless told otherwise."""
    return bindparam(name or column.name, type_=column.type)


_CONFIRMATION = _confirmation()
