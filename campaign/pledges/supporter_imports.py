"""The long work of an import of supporters: the dry run, bringing them in, and undoing it.

Undoing looks at pledges, so it is here rather than with the rest (``people.importing``).
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, literal, or_, select

from campaign import audit, tasks
from campaign.audit import Actor
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.people import importing
from campaign.people import operations as people
from campaign.people.models import Consent, Person, Supporter, SupporterImport
from campaign.pledges.models import Pledge
from campaign.pledges.policy import current_policy
from campaign.tasks import Kind, State, Task, WrongState

_BATCH = 500


def start_check(import_: SupporterImport, actor: Actor) -> Task:
    """Have the worker say of each row what would become of it.

    Raises WrongState while it does, and once people were brought in.
    """
    if import_.task or (import_.check and import_.check.state == State.RUNNING):
        raise WrongState
    task = tasks.plan(CHECK, actor, {"import": str(import_.id)}, import_.rows, {})
    import_.check = task
    tasks.start(task, actor)
    return task


def start(import_: SupporterImport, actor: Actor) -> Task:
    """Have the worker bring in the people of rows that the dry run found to be in order.

    Raises WrongState before the dry run is done, and where they are in already.
    """
    if import_.task or import_.check is None or import_.check.state != State.DONE:
        raise WrongState
    task = tasks.plan(IMPORT, actor, {"import": str(import_.id)}, import_.rows, {})
    import_.task = task
    rows = {str(outcome): number for outcome, number in importing.counts(import_).items()}
    audit.record(actor, "supporters brought in", f"import:{import_.id}", {"after": rows})
    tasks.start(task, actor)
    return task


def touched(import_: SupporterImport) -> int:
    """How many of an import's people have pledged or been written to since. While it is 0, it can be undone."""
    of_import = select(func.count()).select_from(Supporter).join(Supporter.person)
    theirs = of_import.where(Supporter.import_id == import_.id, _is_touched())
    return db.session.scalar(theirs) or 0


def _is_touched() -> ColumnElement[bool]:
    pledged = exists().where(
        Pledge.person_id == Supporter.person_id, Pledge.submitted_at > Supporter.imported_at
    )
    written = exists().where(
        OutgoingEmail.recipient_hash.in_([Person.fingerprint, _detail_key()]),
        OutgoingEmail.queued_at > Supporter.imported_at,
    )
    return or_(pledged, written)


def _detail_key() -> ColumnElement[bytes]:
    """The key of letters to spellings with a detail, as ``people.queries.letters_key`` has it."""
    return func.sha256(literal(b"+").concat(Person.fingerprint))


def _check(task: Task) -> bool:
    return importing.check(current_policy().signer, task)


def _bring_in(task: Task) -> bool:
    return importing.bring_in(current_policy().signer, task)


def _take_back(task: Task) -> bool:
    """Remove the next supporters with what the import said of them, and those people whom it added.

    Who has pledged or was written to meanwhile stays.
    """
    import_id = UUID(task.plan["import"])
    supporters = db.session.scalars(_next(import_id, task.cursor.get("supporter", 0))).all()
    free = _untouched([it.id for it in supporters])
    for supporter in supporters:
        if supporter.id in free:
            _remove(supporter)
    kept = len(supporters) - len(free)
    task.result = {**task.result, "kept": task.result.get("kept", 0) + kept}
    if supporters:
        task.cursor = {"supporter": supporters[-1].id}
    return len(supporters) == _BATCH


def _next(import_id: UUID, after: int) -> Select[Supporter]:
    """The next supporters of an import. Their people's rows are locked, so that no pledge comes between."""
    return (
        select(Supporter)
        .join(Supporter.person)
        .where(Supporter.import_id == import_id, Supporter.id > after)
        .order_by(Supporter.id)
        .limit(_BATCH)
        .with_for_update(of=[Person, Supporter])
    )


def _untouched(ids: Sequence[int]) -> set[int]:
    free = select(Supporter.id).join(Supporter.person).where(Supporter.id.in_(ids), ~_is_touched())
    return set(db.session.scalars(free))


def _remove(supporter: Supporter) -> None:
    person, adds_person = supporter.person, supporter.added_person
    db.session.execute(
        delete(Consent).where(
            Consent.person_id == person.id, Consent.import_id == supporter.import_id
        )
    )
    db.session.delete(supporter)
    db.session.flush()
    has_pledge = select(exists().where(Pledge.person_id == person.id))
    if adds_person and not db.session.scalar(has_pledge):
        people.erase(person)


def _is_untouched(task: Task) -> bool:
    return not touched(of_task(task))


def of_task(task: Task) -> SupporterImport:
    """The import that a task checks or brings in."""
    return db.session.get_one(SupporterImport, UUID(task.plan["import"]))


CHECK = tasks.register(Kind("check supporters", _check))
IMPORT = tasks.register(Kind("import supporters", _bring_in, _take_back, may_undo=_is_untouched))
