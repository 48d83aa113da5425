"""Data for tests: small functions that take only what differs."""

from collections.abc import Mapping
from itertools import count
from typing import Any
from uuid import uuid4

import flask_migrate
from sqlalchemy import ColumnElement, select

from campaign import jobs, tasks
from campaign.audit import Actor, ActorKind
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text
from campaign.cli.running import publish_shipped_texts
from campaign.clock import now
from campaign.db import db
from campaign.institutions.folding import fold
from campaign.institutions.models import Institution
from campaign.institutions.operations import import_dump
from campaign.institutions.queries import resolve, starter_path
from campaign.people.models import Person, Supporter, SupporterImport
from campaign.people.queries import fingerprint
from campaign.people.rules import parse_address
from campaign.pledges import merging, operations, reviewing, submitting
from campaign.pledges.holding import SHORTEST_READING
from campaign.pledges.models import Kind, Pledge
from campaign.pledges.policy import PledgePolicy, current_policy
from campaign.pledges.rules import Draft
from campaign.pledges.submission import Submission, SubmissionContext
from campaign.staff.models import Account
from campaign.staff.rules import Role
from campaign.staff.scopes import EVERYTHING, Scope
from campaign.tasks import State, Task

CAMPAIGN = "heart-of-science"
STAFF = Actor(ActorKind.STAFF, "ada")


def prepare() -> None:
    """Schema, texts and starter registry: what every new instance has."""
    flask_migrate.upgrade()
    publish_shipped_texts()
    import_dump(starter_path())
    jobs.commit()


def is_true(condition: ColumnElement[bool]) -> bool:
    """Whether the database says so."""
    return bool(db.session.scalar(select(condition)))


def policy() -> PledgePolicy:
    return current_policy()


def text(slug: str = CAMPAIGN, locale: str = "en") -> CampaignText:
    found = current_text(slug, locale)
    assert found is not None
    return found


_numbers = count(1)
_ROR_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def institution(**different: Any) -> Institution:
    """A university of Kenya with a mail domain of its own and a ROR id that nobody has."""
    number = 32**6 - next(_numbers)
    digits = "".join(_ROR_DIGITS[number >> shift & 31] for shift in range(25, -1, -5))
    values: dict[str, Any] = {
        "id": f"0{digits}{98 - number * 100 % 97:02}",
        "status": "active",
        "types": ["education"],
        "country": "KE",
        "name": f"University of Example {number}",
        "labels": {},
        "acronyms": [],
        "aliases": [],
        "domains": [f"university-{number}.ac.ke"],
        "parents": [],
        "weight": 1.0,
        "digest": b"made for a test",
    }
    made = Institution(**(values | different))
    db.session.add(made)
    db.session.flush()
    return made


def account(*roles: Role, scope: Scope = EVERYTHING, **different: Any) -> Account:
    """Someone who has joined the desk, by default as an administrator."""
    values: dict[str, Any] = {
        "address": f"staff-{next(_numbers)}@example.org",
        "name": "Ingrid Solheim",
        "locale": "en",
        "roles": sorted(roles or [Role.ADMINISTRATOR]),
        "countries": None if scope.countries is None else sorted(scope.countries),
        "institution_id": scope.institution_id,
        "joined_at": now(),
    }
    made = Account(**(values | different))
    db.session.add(made)
    db.session.flush()
    return made


def draft(**different: Any) -> Draft:
    """A person of Kenya who belongs to no institution."""
    values: dict[str, Any] = {
        "kind": Kind.PERSON,
        "name": "Wanjiru Kamau",
        "country": "KE",
        "commitments": ["network", "lectures"],
        "disciplines": ["1.5"],
        "listed": True,
    }
    if ror_id := different.pop("institution", None):
        values["institution"] = resolve(ror_id)
    return Draft(**(values | different))


def context(**different: Any) -> SubmissionContext:
    """A calm reader in a network of their own."""
    values = {"network_hash": uuid4().bytes, "form_opened_at": now() - 2 * SHORTEST_READING}
    return SubmissionContext(**(values | different))


def submission(
    address: str = "wanjiru@example.org", slug: str = CAMPAIGN, locale: str = "en", **different: Any
) -> Submission:
    """A form on its way in; what is no part of it goes into its draft."""
    shown = text(slug, locale)
    return Submission(
        id=different.pop("id", None) or uuid4(),
        context=different.pop("context", None) or context(),
        newsletter=different.pop("newsletter", False),
        address=parse_address(address),
        text=shown,
        locale=shown.locale,
        draft=draft(**different),
    )


def take_forms() -> None:
    """Do what the worker does with the forms that wait for it."""
    while submitting.take_next(policy(), now()):
        pass


def submitted(address: str = "wanjiru@example.org", **different: Any) -> Pledge:
    """A pledge that waits for its person to confirm it."""
    sent = submission(address, **different)
    submitting.submit(policy(), sent, now())
    take_forms()
    pledge = db.session.scalar(select(Pledge).where(Pledge.submission == sent.id))
    assert pledge is not None
    return pledge


def confirmed(address: str = "wanjiru@example.org", **different: Any) -> Pledge:
    """A pledge that counts."""
    pledge = submitted(address, **different)
    operations.confirm(policy(), pledge.id, pledge.submission, now())
    return pledge


def accepted(address: str = "wanjiru@example.org", **different: Any) -> Pledge:
    """A pledge for an institution that staff accepted."""
    values: dict[str, Any] = {"kind": Kind.INSTITUTION, "office": "Rector", "disciplines": []}
    pledge = confirmed(address, **({**values, "commitments": []} | different))
    reviewing.accept(policy(), pledge, STAFF)
    return pledge


def done(task: Task) -> Task:
    """Do all batches of a task, as the worker does, without a commit."""
    kind = tasks._kinds[task.kind]
    step = kind.undo_step if task.is_undoing else kind.step
    assert step is not None
    while step(task):
        pass
    task.state = State.UNDONE if task.is_undoing else State.DONE
    task.finished_at = now()
    db.session.flush()
    return task


def merged(source: Institution, target: Institution) -> Task:
    """A merge of two institutions that is done."""
    task = merging.propose(source, target, "They are one by law.", STAFF, EVERYTHING)
    tasks.start(task, STAFF)
    return done(task)


def supporter(address: str = "old@example.org", **different: Any) -> Supporter:
    """A past supporter in Chile, brought in by staff."""
    parsed = parse_address(address)
    person = Person(
        fingerprint=fingerprint(policy().signer, parsed),
        address=address,
        mailbox=parsed.mailbox,
        locale="es",
    )
    file = SupporterImport(
        actor=STAFF,
        file_name="a.csv",
        headers=[],
        columns=[],
        locale="es",
        rows=1,
        expires_at=now(),
    )
    db.session.add_all([person, file])
    db.session.flush()
    values: dict[str, Any] = {"name": "Marisol Pérez", "country": "CL", "locale": "es"}
    made = Supporter(
        person_id=person.id,
        import_id=file.id,
        source="the fair",
        added_person=True,
        **(values | different),
    )
    made.name_folded = fold(made.name or "")
    db.session.add(made)
    db.session.flush()
    return made


def form_fields(token: str, **different: str | list[str]) -> Mapping[str, str | list[str]]:
    """What a browser sends from a filled-in pledge form."""
    fields: dict[str, str | list[str]] = {
        "form_token": token,
        "action": "pledge",
        "name": "Wanjiru Kamau",
        "email": "wanjiru@example.org",
        "affiliation": "independent",
        "country": "KE",
        "commitments": ["network", "lectures"],
        "disciplines": ["1.5"],
        "listed": "name",
        "website": "",
    }
    return fields | different
