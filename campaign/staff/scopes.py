"""Where an account's rights end: in some countries, or at one institution.

Two walls keep an account inside. Queries and operations take a ``Scope`` and apply it. ``enclose`` adds it to all
that the session's ORM reads, updates and deletes, and refuses to flush a row from outside. The second wall is blind
to ``text()`` and to Core tables, so a structure test lets the desk call only functions that take a scope where
these are used.

Institutions are named by their ids as plain text: this domain knows no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, and_, event, true
from sqlalchemy.orm import (
    InstrumentedAttribute,
    ORMExecuteState,
    Session,
    UOWTransaction,
    with_loader_criteria,
)

from campaign.db import Base, db


class OutOfScope(Exception):
    """What was asked for is outside the countries, or the institution, that an account looks after."""


@dataclass(frozen=True)
class Scope:
    """What part of the world an account looks after; None stands for all of it."""

    countries: frozenset[str] | None = None
    institution_id: str | None = None

    @property
    def is_everything(self) -> bool:
        return self.countries is None and self.institution_id is None

    def covers(self, country: str | None, institution_id: str | None = None) -> bool:
        """Whether what belongs to this country and this institution is inside."""
        in_country = self.countries is None or country in self.countries
        return in_country and (self.institution_id is None or self.institution_id == institution_id)

    def check(self, country: str | None, institution_id: str | None = None) -> None:
        """Raises OutOfScope for what is outside."""
        if not self.covers(country, institution_id):
            raise OutOfScope

    def criterion(
        self, country: InstrumentedAttribute[Any], institution_id: InstrumentedAttribute[Any]
    ) -> ColumnElement[bool]:
        """Return the condition that a row with these columns is inside."""
        in_country = true() if self.countries is None else country.in_(sorted(self.countries))
        is_theirs = true() if self.institution_id is None else institution_id == self.institution_id
        return and_(in_country, is_theirs)

    def to_json(self) -> dict[str, Any]:
        """Return what a row stores of it."""
        countries = None if self.countries is None else sorted(self.countries)
        stored = {"countries": countries, "institution_id": self.institution_id}
        return {name: value for name, value in stored.items() if value is not None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Scope":
        countries = stored.get("countries")
        return cls(
            None if countries is None else frozenset(countries), stored.get("institution_id")
        )


EVERYTHING = Scope()


class ScopedChanges:
    """A model whose rows everyone may read, and only those who look after them may change."""

    # The columns with the country and the institution that a row belongs to.
    scope_columns: ClassVar[tuple[str, str]] = ("country", "institution_id")

    def is_within(self, scope: Scope) -> bool:
        """Whether this row is inside."""
        country, institution_id = (getattr(self, name) for name in self.scope_columns)
        return scope.covers(country, institution_id)


class Scoped(ScopedChanges):
    """A model whose rows are read, too, only by those who look after them."""

    @classmethod
    def within(cls, scope: Scope) -> ColumnElement[bool]:
        """Return the condition that a row is inside."""
        country, institution_id = (getattr(cls, name) for name in cls.scope_columns)
        return scope.criterion(country, institution_id)


def enclose(scope: Scope) -> None:
    """Keep the current session within the scope until it is removed; the desk does so before each view."""
    db.session().info["scope"] = scope


@event.listens_for(Session, "do_orm_execute")
def _add_scope(state: ORMExecuteState) -> None:
    scope = state.session.info.get("scope", EVERYTHING)
    if scope.is_everything or state.is_column_load or state.is_relationship_load:
        return
    state.statement = state.statement.options(
        *(
            with_loader_criteria(model, model.within(scope), include_aliases=True)
            for model in _scoped_models()
        )
    )


@event.listens_for(Session, "before_flush")
def _refuse_foreign_rows(session: Session, _context: UOWTransaction, _instances: object) -> None:
    """Refuse to write a row outside the scope, whichever way it came into the session. Raises OutOfScope."""
    scope = session.info.get("scope", EVERYTHING)
    if scope.is_everything:
        return
    changed = (row for row in session.dirty if session.is_modified(row))
    for row in (*session.new, *session.deleted, *changed):
        if isinstance(row, ScopedChanges) and not row.is_within(scope):
            raise OutOfScope


@cache
def _scoped_models() -> tuple[type[Any], ...]:
    models = (mapper.class_ for mapper in Base.registry.mappers)
    return tuple(model for model in models if issubclass(model, Scoped))
