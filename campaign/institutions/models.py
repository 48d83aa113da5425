"""Tables of the registry: institutions, their names and words as the search needs them, and the imports."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    REAL,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from campaign import topics
from campaign.audit import Actor, actor_columns, actor_constraint
from campaign.db import Model
from campaign.staff.scopes import ScopedChanges

REGISTRY = topics.register("registry")


class Status(StrEnum):
    """Status of a ROR record: the institution exists, it has closed, or the record was a mistake."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    WITHDRAWN = "withdrawn"


# Begins the ids of institutions that ROR does not have; ROR's own begin with 0.
OWN_MARK = "x"


def is_own(id_: str) -> bool:
    """Whether an institution is one that staff added, since ROR does not have it."""
    return id_.startswith(OWN_MARK)


def ror_url(id_: str) -> str | None:
    """Return a ROR id with its address, as ROR writes it; None for an own id, which ROR does not know."""
    return None if is_own(id_) else f"https://ror.org/{id_}"


def written_id(id_: str) -> str:
    """Return an id as no spreadsheet takes it for a number: one of ROR's with its address."""
    return ror_url(id_) or id_


class Institution(ScopedChanges, Model):
    """One record of the Research Organization Registry, reduced to what a campaign needs, as staff corrected it.

    Or an institution that staff added, since ROR does not have it.
    """

    scope_columns = ("country", "id")

    __tablename__ = "institutions"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'inactive', 'withdrawn')", name="status"),
        Index(None, "domains", postgresql_using="gin"),
        Index(None, "website_host", postgresql_where=text("website_host IS NOT NULL")),
        Index(None, "country"),
        Index(None, "successor_id", postgresql_where=text("successor_id IS NOT NULL")),
        Index(None, "name", "id"),
    )

    # The ROR id without its address: nine characters, of which the last two are check digits. Or an own id.
    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    country: Mapped[str]
    subdivision: Mapped[str | None]
    city: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    name: Mapped[str]
    # Names by language tag, as ROR writes it: mostly two letters.
    labels: Mapped[dict[str, str]] = mapped_column(JSONB)
    acronyms: Mapped[list[str]] = mapped_column(ARRAY(Text))
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text))
    domains: Mapped[list[str]] = mapped_column(ARRAY(Text))
    website: Mapped[str | None]
    # Set only where the website is the institution's own host: weaker evidence than a domain.
    website_host: Mapped[str | None]
    established: Mapped[int | None] = mapped_column(SmallInteger)
    # Neither has a foreign key: a dump may bring the other record later, or never.
    parents: Mapped[list[str]] = mapped_column(ARRAY(Text))
    successor_id: Mapped[str | None]
    # An estimate of how well known it is, to rank search results; see ``operations._weight``.
    weight: Mapped[float] = mapped_column(REAL)
    # Of the record as it was imported, so that the next import rewrites only what has changed.
    digest: Mapped[bytes]
    imported_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def ror_url(self) -> str | None:
        return ror_url(self.id)


class InstitutionName(Model):
    """One name of an institution as it is searched; ``kind`` is name, alias or acronym.

    ``terms`` contains each spelling of its words (see ``folding`` and ``words``) twice: as it is and marked with
    the country ("ch word"). Well known institutions have them a third time ("# word"). ``search`` says why.
    """

    __tablename__ = "institution_names"
    __table_args__ = (
        Index(None, "terms", postgresql_using="gin"),
        Index(None, "folded"),
        Index(None, "key"),
    )

    institution_id: Mapped[str] = mapped_column(
        ForeignKey(Institution.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    kind: Mapped[str]
    value: Mapped[str]
    # Collation C, so that the index serves searches by prefix whatever the language of the database.
    folded: Mapped[str] = mapped_column(Text(collation="C"))
    terms: Mapped[str] = mapped_column(TSVECTOR)
    # Its telling words in the order of the alphabet; equal for names that have the same ones. See ``words``.
    key: Mapped[str] = mapped_column(Text(collation="C"))
    # The telling words of the city and the subdivision, and its code: no part of the name, but often typed with it.
    place: Mapped[str]
    country: Mapped[str]
    weight: Mapped[float] = mapped_column(REAL)


class InstitutionWord(Model):
    """A word and the number of names it occurs in: rare ones tell more, mistyped ones are corrected to these."""

    __tablename__ = "institution_words"
    __table_args__ = (
        Index(None, "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    )

    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    frequency: Mapped[int]


# The field that a merge corrects: who has taken the institution's place.
SUCCESSOR = "successor"


class InstitutionCorrection(Model):
    """What staff say of one field of an institution's record, whatever ROR says; see ``corrections``."""

    __tablename__ = "institution_corrections"
    __table_args__ = (actor_constraint(),)

    institution_id: Mapped[str] = mapped_column(
        ForeignKey(Institution.id, ondelete="CASCADE"), primary_key=True
    )
    # "name", "label sw" (one language), "acronyms", "aliases", "domains", "parents", "website", "successor".
    field: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    actor: Mapped[Actor] = actor_columns()
    corrected_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CorrectedRecord(Model):
    """What ROR says of an institution that staff corrected, as of the last import; see ``corrections.Original``."""

    __tablename__ = "corrected_records"

    institution_id: Mapped[str] = mapped_column(
        ForeignKey(Institution.id, ondelete="CASCADE"), primary_key=True
    )
    original: Mapped[dict[str, Any]] = mapped_column(JSONB)


class InstitutionLogo(Model):
    """The logo of an institution, drawn anew as PNG; see ``logos``."""

    __tablename__ = "institution_logos"

    institution_id: Mapped[str] = mapped_column(
        ForeignKey(Institution.id, ondelete="CASCADE"), primary_key=True
    )
    # SHA-256 of the picture, in hexadecimal digits: its address.
    digest: Mapped[str] = mapped_column(index=True)
    png: Mapped[bytes] = mapped_column(deferred=True)
    width: Mapped[int] = mapped_column(SmallInteger)
    height: Mapped[int] = mapped_column(SmallInteger)
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RegistryImport(Model):
    """An import of a dump: which release of ROR it was, and what it changed."""

    __tablename__ = "registry_imports"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # The release as its file is named, such as "2.9"; None where the name does not say.
    version: Mapped[str | None]
    released_on: Mapped[date | None]
    file_name: Mapped[str]
    # SHA-256 of the file.
    digest: Mapped[bytes]
    added: Mapped[int]
    changed: Mapped[int]
    unchanged: Mapped[int]
    refused: Mapped[int]
    imported_at: Mapped[datetime] = mapped_column(server_default=func.now())
