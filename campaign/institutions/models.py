"""Tables of the registry: the institutions, and what finds them by name."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import REAL, CheckConstraint, ForeignKey, Index, SmallInteger, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from campaign import topics
from campaign.db import Model

REGISTRY = topics.register("registry")


class Status(StrEnum):
    """What ROR says of a record: it lives, has closed, or was a mistake."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    WITHDRAWN = "withdrawn"


class Institution(Model):
    """One record of the Research Organization Registry, reduced to what a campaign needs."""

    __tablename__ = "institutions"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'inactive', 'withdrawn')", name="status"),
        Index(None, "domains", postgresql_using="gin"),
        Index(None, "website_host", postgresql_where=text("website_host IS NOT NULL")),
        Index(None, "country"),
    )

    # The ROR id without its address: nine characters, the last two are check digits.
    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    country: Mapped[str]
    subdivision: Mapped[str | None]
    city: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    name: Mapped[str]
    # By language tag, as ROR has it: mostly two letters.
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
    # How well known the institution is likely to be; ranks what a search finds.
    weight: Mapped[float] = mapped_column(REAL)
    # Tells whether the record of another dump says anything new.
    digest: Mapped[bytes]
    imported_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def ror_url(self) -> str:
        return f"https://ror.org/{self.id}"


class InstitutionName(Model):
    """One name of an institution as it is searched; kind is name, alias or acronym.

    ``terms`` holds all spellings of its words (see ``folding``), each once more marked with the country
    ("ch word"), and once more for the well known ("# word"); see ``search``.
    """

    __tablename__ = "institution_names"
    __table_args__ = (Index(None, "terms", postgresql_using="gin"), Index(None, "folded"))

    institution_id: Mapped[str] = mapped_column(
        ForeignKey(Institution.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    kind: Mapped[str]
    value: Mapped[str]
    # Collation C: beginnings are found in the index whatever the language of the database.
    folded: Mapped[str] = mapped_column(Text(collation="C"))
    terms: Mapped[str] = mapped_column(TSVECTOR)
    # How many of its words tell it from others; a search that has them all has found the name.
    words: Mapped[int] = mapped_column(SmallInteger)
    country: Mapped[str]
    weight: Mapped[float] = mapped_column(REAL)


class InstitutionWord(Model):
    """A word that occurs in names, and in how many: what a mistyped word can be corrected to."""

    __tablename__ = "institution_words"
    __table_args__ = (
        Index(None, "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    )

    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    frequency: Mapped[int]
