"""Every string a person reads is there in every offered language, with every plural and every placeholder."""

import gettext
import re
import shutil
from functools import cache
from pathlib import Path

import polib
import pytest

from campaign import i18n
from campaign.cli.content import extract_messages, update_catalogue
from campaign.paths import TRANSLATIONS

# Each is a translation of the source language.
LANGUAGES = tuple(tag for tag in i18n.offered() if tag != i18n.DEFAULT)
# Words that are the same in some languages, or are names.
SAME_AS_SOURCE = re.compile(r"ORCID|ROR|GeoNames|CC0|^E-?mail$|^%\(\w+\)s$", re.IGNORECASE)


@cache
def catalogue(tag: str) -> polib.POFile:
    return polib.pofile(str(TRANSLATIONS / tag.replace("-", "_") / "LC_MESSAGES/messages.po"))


def placeholders(sentence: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]", sentence))


def forms(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_the_template_is_up_to_date(tmp_path: Path) -> None:
    """`lightup languages update` was run after the last change of a string."""
    extract_messages(tmp_path / "messages.pot")
    fresh, kept = (
        {(e.msgid, e.msgid_plural, e.msgctxt) for e in polib.pofile(str(path))}
        for path in (tmp_path / "messages.pot", TRANSLATIONS / "messages.pot")
    )
    assert fresh == kept


def copied_catalogue(tag: str, folder: Path) -> Path:
    path = Path(tag.replace("-", "_"), "LC_MESSAGES", "messages.po")
    (folder / path).parent.mkdir(parents=True)
    return Path(shutil.copy(TRANSLATIONS / path, folder / path))


def untranslated(path: Path) -> int:
    return len([entry for entry in polib.pofile(str(path)) if not all(forms(entry))])


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_catalogue_without_changes_stays_as_it_is(tag: str, tmp_path: Path) -> None:
    path = copied_catalogue(tag, tmp_path)
    before = path.read_bytes()
    assert update_catalogue(path) == untranslated(path)
    assert path.read_bytes() == before


def test_a_new_message_changes_nothing_else(tmp_path: Path) -> None:
    path, template = copied_catalogue("sw", tmp_path), tmp_path / "messages.pot"
    before = path.read_text()
    added = '\nmsgid "一 a new message"\nmsgstr ""\n'  # sorted last
    template.write_text((TRANSLATIONS / "messages.pot").read_text() + added)
    assert update_catalogue(path, template) == untranslated(path)
    assert path.read_text() == before + added


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_message_is_translated(tag: str) -> None:
    template = polib.pofile(str(TRANSLATIONS / "messages.pot"))
    done = {
        (e.msgid, e.msgctxt)
        for e in catalogue(tag)
        if all(forms(e)) and not e.fuzzy and not e.obsolete
    }
    assert [e.msgid for e in template if (e.msgid, e.msgctxt) not in done] == []


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_plural_form_is_there(tag: str) -> None:
    number = int(re.search(r"nplurals=(\d)", catalogue(tag).metadata["Plural-Forms"])[1])  # type: ignore[index]
    rules = {i18n.babel_locale(tag).plural_form(n) for n in [*range(200), 1_000_000]}
    assert number >= len(rules) - 1  # "many" of es, fr and pt, for millions, has no slot in gettext
    assert all(len(e.msgstr_plural) == number for e in catalogue(tag) if e.msgid_plural)


def speaks_of_one_number(tag: str, slot: int) -> bool:
    """Whether a plural form is for one number only (or the singular), so that a word can stand for the figure."""
    rule = gettext.c2py(catalogue(tag).metadata["Plural-Forms"].partition("plural=")[2].rstrip(";"))
    return slot == 0 or sum(rule(number) == slot for number in range(1_000)) == 1


@pytest.mark.parametrize("tag", LANGUAGES)
def test_placeholders_survive_translation(tag: str) -> None:
    for entry in catalogue(tag):
        source = set(placeholders(entry.msgid_plural or entry.msgid))
        for slot, form in enumerate(forms(entry)):
            missing = source - set(placeholders(form))
            allowed = (
                {"%(count)s", "%(limit)s", "%(number)s"}
                if entry.msgid_plural and speaks_of_one_number(tag, slot)
                else set()
            )
            assert missing <= allowed, entry.msgid
            assert set(placeholders(form)) <= source | set(placeholders(entry.msgid)), entry.msgid


@pytest.mark.parametrize("tag", LANGUAGES)
def test_no_message_was_left_in_english(tag: str) -> None:
    same = [e.msgid for e in catalogue(tag) if e.msgstr == e.msgid and len(e.msgid.split()) > 2]
    assert [m for m in same if not SAME_AS_SOURCE.search(m)] == []


@pytest.mark.parametrize("tag", LANGUAGES)
def test_no_invisible_marks_hide_in_a_translation(tag: str) -> None:
    """Direction comes from dir and <bdi>, never from control characters that nobody sees when editing."""
    assert not [
        e.msgid
        for e in catalogue(tag)
        for form in forms(e)
        if re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", form)
    ]
