"""The plain pledge in one statement, the plain confirmation in another.

On the day a campaign is in the news nearly every submission comes from an address never seen, and nearly every
confirmation is of a pledge about which nothing is suspicious. Step by step (``submitting``, ``operations``) these
take a dozen round trips to the database; here they take one each. Where the case is not plain, the first statement
leaves the form to the worker, so that its time does not tell whether an address is known; the second does nothing
at all, and the steps go on. ``tests/pledges/test_intake.py`` verifies that both ways leave the same rows.

The statements are built from the models, and the columns of a new pledge from ``Submission.columns``, as they are
for the steps.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
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
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy import case as sql_case
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from campaign import jobs
from campaign.audit import ActorKind
from campaign.db import db, new_id
from campaign.mail.models import OutgoingEmail
from campaign.people.models import Consent, Person
from campaign.people.operations import WORDING_VERSION
from campaign.people.queries import fingerprint, lock_number_of
from campaign.pledges import emails
from campaign.pledges.holding import (
    CROWDED,
    crowd_values,
    suspicious_signals,
)
from campaign.pledges.models import (
    Kind,
    Pledge,
    PledgeAction,
    PledgeEvent,
    ReceivedForm,
    Status,
)
from campaign.pledges.policy import PledgePolicy
from campaign.pledges.submission import Submission, event_details, to_json


class FormUsed(Exception):
    """The form was sent with another address before."""


def insert_new_pledge(policy: PledgePolicy, submission: Submission, now: datetime) -> None:
    """Store the pledge of an address never seen, with its e-mail, or leave the form to the worker.

    The worker takes it where the address is known or too many pledge from its network. Raises FormUsed, after which
    the transaction must be rolled back.
    """
    columns = submission.columns(suspicious_signals(submission, now), now)
    statement = _insertion(tuple(columns))
    values = _values(policy, submission, columns)
    row = db.session.connection().execute(statement, values).one()
    if row.received is None:
        raise FormUsed
    if row.stored is None:
        jobs.wake("take_forms")
    else:
        jobs.wake("send_emails")


def confirm_plain_pledge(pledge_id: UUID, submission: UUID, now: datetime) -> bool:
    """Make a plain unconfirmed pledge count. Returns False, with nothing done, where it is not plain."""
    values = {"pledge_id": pledge_id, "seen_submission": submission, "now": now}
    confirmed = db.session.execute(_CONFIRMATION, values).first() is not None
    if confirmed:
        jobs.wake("fold_tallies")
    return confirmed


def _values(
    policy: PledgePolicy, submission: Submission, columns: Mapping[str, Any]
) -> dict[str, Any]:
    pledge_id, person_id = new_id(), new_id()
    facts = emails.facts_of(
        policy.signer,
        pledge_id,
        person_id,
        submission.draft.kind,
        "" if columns["hold_reasons"] else submission.draft.name,
        submission.text,
        policy.unconfirmed_days,
    )
    address = submission.address
    identity = fingerprint(policy.signer, address)
    return {
        **crowd_values(columns, policy.limits),
        **columns,
        "pledge_id": pledge_id,
        "person_id": person_id,
        "fingerprint": identity,
        "mailbox": address.mailbox,
        "address": address.original,
        "event_details": event_details(submission.text, columns),
        "facts": facts,
        # There is no end of spellings with a detail, so the letters to them are counted, by the worker.
        "has_detail": address.mailbox != address.canonical,
        "sender": sender_of(identity, address.mailbox),
        "answers": to_json(columns),
    }


def sender_of(fingerprint: bytes, mailbox: str) -> bytes:
    """The hash by which a form knows whose mailbox it came with first; keyed like the fingerprint in it."""
    return sha256(fingerprint + mailbox.encode()).digest()


_PEOPLE, _PLEDGES, _EVENTS, _CONSENTS, _EMAILS, _FORMS = cast(
    "list[Table]",
    [
        model.__table__
        for model in (Person, Pledge, PledgeEvent, Consent, OutgoingEmail, ReceivedForm)
    ],
)


@cache
def _insertion(columns: tuple[str, ...]) -> Select[tuple[UUID, int]]:
    """Store person, pledge, event and e-mail, or else the form. Built once in a process.

    One row says which: ``stored`` is None where it is left to the worker, ``received`` where it was used with
    another address.
    """
    case = _case()
    person = _insert_person(case).returning(_PEOPLE.c.id).cte("person")
    values = {
        "id": _parameter(_PLEDGES.c.id, "pledge_id"),
        "person_id": person.c.id,
        **{name: _parameter(_PLEDGES.c[name]) for name in columns},
    }
    pledge = _insert_for_each(person, _PLEDGES, values).returning(_PLEDGES.c.id).cte("pledge")
    details = _parameter(_EVENTS.c.details, "event_details")
    event = _insert_event(pledge, PledgeAction.SUBMITTED, details)
    form = _insert_form(case, person).returning(_FORMS.c.form).cte("received_form")
    stored, received = (select(result).scalar_subquery() for result in (pledge.c.id, form.c.form))
    answer = select(stored.label("stored"), received.label("received"))
    return answer.add_cte(event.cte("event"), _insert_email(pledge).cte("email"))


def _case() -> CTE:
    """What kind of case this is, in one row: ``is_used``, a form of another address; ``is_known``, or crowded."""
    network = CROWDED.cte("network")
    known = exists().where(_PEOPLE.c.fingerprint == _parameter(_PEOPLE.c.fingerprint))
    used = exists().where(
        _FORMS.c.form == _parameter(_FORMS.c.form),
        _FORMS.c.sender != _parameter(_FORMS.c.sender),
    )
    has_detail = bindparam("has_detail", type_=Boolean)
    is_known = or_(network.c.crowded, has_detail, known).label("is_known")
    return select(is_known, used.label("is_used")).select_from(network).cte("case")


def _insert_person(case: CTE) -> Insert:
    """Nothing where the case is not plain; then nothing else of the pledge is inserted either."""
    values = {
        "id": _parameter(_PEOPLE.c.id, "person_id"),
        "fingerprint": _parameter(_PEOPLE.c.fingerprint),
        "mailbox": _parameter(_PEOPLE.c.mailbox),
        "address": _parameter(_PEOPLE.c.address),
        "locale": _parameter(_PEOPLE.c.locale),
    }
    person = _insert_for_each(case, _PEOPLE, values, not_(case.c.is_known), not_(case.c.is_used))
    return person.on_conflict_do_nothing(index_elements=["fingerprint", "mailbox"])


def _insert_form(case: CTE, person: CTE) -> Insert:
    """The form; for the worker to take where no person was inserted. Its sender may send it again."""
    shown = ("form", "sender", "network_hash", "institution_id", "locale")
    values: dict[str, ColumnElement[Any]] = {name: _parameter(_FORMS.c[name]) for name in shown}
    for name in ("address", "answers"):
        is_left = not_(exists(select(person.c.id)))
        values[name] = sql_case((is_left, _parameter(_FORMS.c[name])))
    form = _insert_for_each(case, _FORMS, values, not_(case.c.is_used))
    again = {name: form.excluded[name] for name in ("address", "locale", "answers", "attempts")}
    return form.on_conflict_do_update(
        index_elements=[_FORMS.c.form],
        set_=again | {"due_at": func.now(), "received_at": func.now()},
        where=_FORMS.c.sender == form.excluded.sender,
    )


def _insert_email(pledge: CTE) -> Insert:
    """The e-mail to confirm by. The first about a pledge is always sent, since it has links that work."""
    values = {
        "template": literal("confirm"),
        "locale": _parameter(_EMAILS.c.locale),
        "recipient": _parameter(_EMAILS.c.recipient, "address"),
        "recipient_hash": _parameter(_EMAILS.c.recipient_hash, "fingerprint"),
        "facts": _parameter(_EMAILS.c.facts),
        "network_hash": _parameter(_EMAILS.c.network_hash),
    }
    return _insert_for_each(pledge, _EMAILS, values)


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
    # In the order of the steps: the address (``spellings_locked``), then the person, then the pledge.
    lock = func.pg_advisory_xact_lock(lock_number_of(_PEOPLE.c.fingerprint))
    address = select(_PEOPLE.c.id, _PEOPLE.c.fingerprint, lock).where(_PEOPLE.c.id == person_id)
    of_address = address.cte("address").prefix_with("MATERIALIZED")
    person = select(_PEOPLE.c.id, _PEOPLE.c.fingerprint).where(_PEOPLE.c.id == of_address.c.id)
    locked = person.with_for_update(key_share=True, of=_PEOPLE).cte("person")
    locked = locked.prefix_with("MATERIALIZED")
    other = _PEOPLE.alias("other")
    is_plain = and_(
        # Another spelling of the address waits as well: see ``operations``.
        not_(
            exists().where(other.c.fingerprint == locked.c.fingerprint, other.c.id != locked.c.id)
        ),
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
    # Short labels: the driver keeps statements of up to 4,096 characters ready (``tests/pledges/test_intake.py``).
    cells = [cell.label(f"c{number}") for number, cell in enumerate(row.values())]
    rows = select(*cells).select_from(source).where(*where)
    return insert(table).from_select([*row], rows, include_defaults=False)


def _parameter(column: Column[Any], name: str | None = None) -> BindParameter[Any]:
    """A parameter for the values of a column, named as the column unless told otherwise."""
    return bindparam(name or column.name, type_=column.type)


_CONFIRMATION = _confirmation()
