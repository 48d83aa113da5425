"""Disciplines: the OECD Fields of Research and Development.

Source: OECD, Frascati Manual 2015, table 2.2 (FORD): 6 broad fields and 42 at the second level,
which is the one a person chooses from. A code, once stored, keeps its meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from flask_babel.speaklater import LazyString

from campaign.i18n import lazy_gettext


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the second level, such as 1.5; its name follows the reader's language."""

    code: str
    name: LazyString


@dataclass(frozen=True, slots=True)
class BroadField:
    """A field of the first level with those below it: one group of a form's menu."""

    code: str
    name: LazyString
    fields: tuple[Field, ...]


def _broad_field(code: str, name: LazyString, *names: LazyString) -> BroadField:
    """The fields below are numbered in the order of the table: 1.1, 1.2 …"""
    fields = (Field(f"{code}.{number}", below) for number, below in enumerate(names, start=1))
    return BroadField(code, name, tuple(fields))


BROAD_FIELDS = (
    _broad_field(
        "1",
        lazy_gettext("Natural sciences"),
        lazy_gettext("Mathematics"),
        lazy_gettext("Computer and information sciences"),
        lazy_gettext("Physical sciences"),
        lazy_gettext("Chemical sciences"),
        lazy_gettext("Earth and related environmental sciences"),
        lazy_gettext("Biological sciences"),
        lazy_gettext("Other natural sciences"),
    ),
    _broad_field(
        "2",
        lazy_gettext("Engineering and technology"),
        lazy_gettext("Civil engineering"),
        lazy_gettext("Electrical engineering, electronic engineering, information engineering"),
        lazy_gettext("Mechanical engineering"),
        lazy_gettext("Chemical engineering"),
        lazy_gettext("Materials engineering"),
        lazy_gettext("Medical engineering"),
        lazy_gettext("Environmental engineering"),
        lazy_gettext("Environmental biotechnology"),
        lazy_gettext("Industrial biotechnology"),
        lazy_gettext("Nanotechnology"),
        lazy_gettext("Other engineering and technologies"),
    ),
    _broad_field(
        "3",
        lazy_gettext("Medical and health sciences"),
        lazy_gettext("Basic medicine"),
        lazy_gettext("Clinical medicine"),
        lazy_gettext("Health sciences"),
        lazy_gettext("Medical biotechnology"),
        lazy_gettext("Other medical sciences"),
    ),
    _broad_field(
        "4",
        lazy_gettext("Agricultural and veterinary sciences"),
        lazy_gettext("Agriculture, forestry and fisheries"),
        lazy_gettext("Animal and dairy science"),
        lazy_gettext("Veterinary science"),
        lazy_gettext("Agricultural biotechnology"),
        lazy_gettext("Other agricultural sciences"),
    ),
    _broad_field(
        "5",
        lazy_gettext("Social sciences"),
        lazy_gettext("Psychology and cognitive sciences"),
        lazy_gettext("Economics and business"),
        lazy_gettext("Education"),
        lazy_gettext("Sociology"),
        lazy_gettext("Law"),
        lazy_gettext("Political science"),
        lazy_gettext("Social and economic geography"),
        lazy_gettext("Media and communications"),
        lazy_gettext("Other social sciences"),
    ),
    _broad_field(
        "6",
        lazy_gettext("Humanities and the arts"),
        lazy_gettext("History and archaeology"),
        lazy_gettext("Languages and literature"),
        lazy_gettext("Philosophy, ethics and religion"),
        lazy_gettext("Arts, history of arts, performing arts, music"),
        lazy_gettext("Other humanities"),
    ),
)

FIELDS: Mapping[str, Field] = MappingProxyType(
    {field.code: field for broad in BROAD_FIELDS for field in broad.fields}
)


def is_field(code: str) -> bool:
    return code in FIELDS
