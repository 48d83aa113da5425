"""Tables of people, of their consents, and of the supporters that staff bring in from files."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import ARRAY, CHAR, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from campaign.audit import Actor, actor_columns, actor_constraint
from campaign.db import Model, uuid_key
from campaign.institutions.models import Institution
from campaign.staff.scopes import Scoped
from campaign.tasks import Task

# The domain of a mailbox from its last letter to its first, so that an index finds those below it, too.
REVERSED_DOMAIN = "reverse(split_part(mailbox, '@', 2))"


class Person(Model):
    """The person behind an address; the only lasting place of the address itself.

    Until one of them confirms a pledge, each spelling of an address ("ada@", "ada+x@") is a person of its own,
    since a stranger may have typed any of them. The first to confirm stays, and the others are removed.
    """

    __tablename__ = "people"
    __table_args__ = (
        Index("uq_people_mailbox", "fingerprint", "mailbox", unique=True),
        # See ``queries.is_at_domain``.
        Index(
            "ix_people_domain",
            text(REVERSED_DOMAIN),
            "created_at",
            postgresql_ops={REVERSED_DOMAIN: "text_pattern_ops"},
        ),
    )

    id: Mapped[UUID] = uuid_key()
    # Keyed hash of the canonical address: what makes one person one person.
    fingerprint: Mapped[bytes]
    # As it was typed first.
    address: Mapped[str]
    # The same for all spellings that certainly reach the same reader; see ``rules.Address``.
    mailbox: Mapped[str]
    locale: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Consent(Model):
    """One answer to one question, with its wording of then; the newest for a purpose counts."""

    __tablename__ = "consents"
    __table_args__ = (Index(None, "person_id", "purpose", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id, ondelete="CASCADE"))
    purpose: Mapped[str]
    granted: Mapped[bool]
    wording_version: Mapped[int]
    locale: Mapped[str]
    given_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # Where an answer that staff brought in was given, and with which import; None for our own questions.
    source: Mapped[str | None]
    import_id: Mapped[UUID | None] = mapped_column(ForeignKey("supporter_imports.id"), index=True)


class SupporterImport(Model):
    """A file of past supporters: what its columns mean, where its people said yes, what came of it.

    It outlives its rows, and has no personal data of its own.
    """

    __tablename__ = "supporter_imports"
    __table_args__ = (actor_constraint(),)

    id: Mapped[UUID] = uuid_key()
    actor: Mapped[Actor] = actor_columns()
    file_name: Mapped[str]
    # The cells of the first row, and the ``Column`` that each is; None for one that is left out.
    headers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    columns: Mapped[list[str | None]] = mapped_column(JSONB)
    # Where and when everyone in the file said yes to e-mails; without it nobody of them is written to.
    consent_source: Mapped[str | None]
    consent_on: Mapped[date | None]
    # Of people whose row names no language that the site speaks.
    locale: Mapped[str]
    # By kind of problem and by what the cell says: what it stands for.
    decisions: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    rows: Mapped[int]
    # The dry run and the import itself.
    check_id: Mapped[UUID | None] = mapped_column(ForeignKey(Task.id))
    task_id: Mapped[UUID | None] = mapped_column(ForeignKey(Task.id))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # When the rows are removed.
    expires_at: Mapped[datetime]

    check: Mapped[Task | None] = relationship(foreign_keys=[check_id])
    task: Mapped[Task | None] = relationship(foreign_keys=[task_id])


class Outcome(StrEnum):
    """What the dry run says of a row."""

    NEW = "new"
    KNOWN = "known"
    # The same person stands further up in the file.
    REPEATED = "repeated"
    UNDECIDED = "undecided"
    REFUSED = "refused"


class ImportRow(Model):
    """One row of a file of supporters, until the import expires."""

    __tablename__ = "supporter_import_rows"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('new', 'known', 'repeated', 'undecided', 'refused')", name="outcome"
        ),
        Index("ix_supporter_import_rows_outcome", "import_id", "outcome", "problem"),
        Index("ix_supporter_import_rows_person", "fingerprint"),
    )

    import_id: Mapped[UUID] = mapped_column(
        ForeignKey(SupporterImport.id, ondelete="CASCADE"), primary_key=True
    )
    # As a spreadsheet numbers its rows.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cells: Mapped[list[str]] = mapped_column(ARRAY(Text))
    # What the dry run found; None before it.
    fingerprint: Mapped[bytes | None]
    outcome: Mapped[str | None]
    # Why it is undecided or refused, and the cell that is to blame.
    problem: Mapped[str | None]
    detail: Mapped[str | None]


class Supporter(Scoped, Model):
    """A person who supported the campaign before, as staff brought them in. Never a pledge."""

    __tablename__ = "supporters"
    __table_args__ = (
        Index(
            "ix_supporters_name",
            "name_folded",
            postgresql_using="gin",
            postgresql_ops={"name_folded": "gin_trgm_ops"},
        ),
        Index("ix_supporters_import_id", "import_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id, ondelete="CASCADE"), unique=True)
    name: Mapped[str | None]
    name_folded: Mapped[str | None]
    country: Mapped[str | None] = mapped_column(CHAR(2))
    institution_id: Mapped[str | None] = mapped_column(ForeignKey(Institution.id))
    institution_text: Mapped[str | None]
    locale: Mapped[str]
    # What the import says of where they came from.
    source: Mapped[str]
    import_id: Mapped[UUID] = mapped_column(ForeignKey(SupporterImport.id))
    # Whether the import brought the person, too, so that undoing it removes them again.
    added_person: Mapped[bool]
    imported_at: Mapped[datetime] = mapped_column(server_default=func.now())

    person: Mapped[Person] = relationship()


class Suppression(Model):
    """An address that is never written to of our own accord. It outlives its person, hence no foreign key."""

    __tablename__ = "suppressions"
    __table_args__ = (actor_constraint(),)

    # As that of a person: all spellings of the address.
    fingerprint: Mapped[bytes] = mapped_column(primary_key=True)
    reason: Mapped[str]
    actor: Mapped[Actor] = actor_columns()
    suppressed_at: Mapped[datetime] = mapped_column(server_default=func.now())
