"""Drafts: what is missing and stale, who writes over whom, what must not be broken, what releases propose."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from campaign.audit import Actor, ActorKind, AuditEvent
from campaign.campaigns import drafts, operations, writing
from campaign.campaigns.drafts import PassageState
from campaign.campaigns.rules import ForeignLanguage, InvalidName, InvalidPassage, Problem
from campaign.campaigns.writing import Clash, UnknownCommitment, UnknownPassage
from campaign.clock import now
from campaign.db import db
from campaign.i18n import offered
from campaign.paths import TRANSLATIONS
from tests.campaigns.tools import campaign, draft, passage, save
from tests.factories import CAMPAIGN, STAFF, text

pytestmark = pytest.mark.usefixtures("session")

YUSUF = Actor(ActorKind.STAFF, "yusuf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped texts of a campaign, to be changed."""
    return Path(shutil.copytree(TRANSLATIONS / "campaigns" / CAMPAIGN, tmp_path / CAMPAIGN))


def reword(folder: Path, before: str, after: str, locale: str = "en") -> None:
    path = folder / f"{locale}.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def proposed() -> list[tuple[str, str, str]]:
    return [(one.locale, one.passage, one.text) for one in drafts.proposals(campaign().id)]


# What is written


def test_the_first_edit_takes_a_campaign_in_hand_with_all_that_was_published() -> None:
    assert not campaign().managed_by_staff
    before = draft().columns("ar")

    save("Another title")

    assert campaign().managed_by_staff
    assert draft().columns("ar") == before
    assert passage().text == "Another title"
    assert text().title != "Another title", "nothing is published yet"


def test_only_looking_takes_nothing_in_hand() -> None:
    assert draft().progress("ar").is_complete
    assert not campaign().managed_by_staff


def test_a_changed_source_makes_its_translations_stale_until_they_are_confirmed() -> None:
    before = passage().text
    save("Another title")

    stale = passage("ar")
    assert stale.state is PassageState.STALE
    assert stale.source is not None
    assert stale.source_read is not None
    assert (stale.source.text, stale.source_read.text) == ("Another title", before)
    assert (draft().progress("ar").stale, draft().progress("en").stale) == (1, 0)

    save(stale.text, "ar")
    assert passage("ar").state is PassageState.DONE


def test_a_source_that_is_changed_back_needs_no_new_translation() -> None:
    before = passage().text
    save("Another title")
    save(before)

    assert passage("ar").state is PassageState.DONE


def test_a_translation_of_an_older_source_is_saved_and_stays_stale() -> None:
    save("Another title")
    writing.save(STAFF, None, campaign().id, "ar", "title", "عنوان", 1, source_version=1)

    assert (passage("ar").text, passage("ar").state) == ("عنوان", PassageState.STALE)


def test_who_saves_over_a_newer_version_gets_both_texts() -> None:
    base = passage("fr").version
    writing.save(YUSUF, None, campaign().id, "fr", "title", "Le titre de Yusuf", base)

    with pytest.raises(Clash) as clash:
        writing.save(STAFF, None, campaign().id, "fr", "title", "Mon titre", base)
    assert (clash.value.theirs.text, clash.value.mine) == ("Le titre de Yusuf", "Mon titre")
    assert clash.value.theirs.actor == YUSUF

    save("Mon titre", "fr")  # over the newest version, now that it was seen
    texts = [one.text for one in drafts.history(campaign().id, "fr", "title")]
    assert texts[:2] == ["Mon titre", "Le titre de Yusuf"]


def test_a_button_pressed_twice_saves_once() -> None:
    first = writing.save(STAFF, None, campaign().id, "en", "title", "Another title", 1)
    second = writing.save(STAFF, None, campaign().id, "en", "title", "Another title", 1)

    assert (first.version, second.version) == (2, 2)


@pytest.mark.parametrize(
    ("source", "translation", "broken"),
    [
        ("%(people)s people", "people", ("%(people)s",)),
        ("People", "%(people)s people", ("%(people)s",)),
        ("{name} and {name}", "{name}", ("{name}",)),
        ("<em>now</em>", "<em>now", ("</em>",)),
        ("See https://example.org/a.", "See https://example.org/b.",
         ("https://example.org/a", "https://example.org/b")),
    ],
)  # fmt: skip
def test_a_broken_placeholder_is_refused_by_the_name_of_its_passage(
    source: str, translation: str, broken: tuple[str, ...]
) -> None:
    save(source, name="summary")

    with pytest.raises(InvalidPassage) as refused:
        save(translation, "sw", "summary")
    assert (refused.value.passage, refused.value.problem) == ("summary", Problem.PLACEHOLDERS)
    assert refused.value.broken == broken


@pytest.mark.parametrize(
    ("typed", "problem"), [(" \u200b ", Problem.REQUIRED), ("x" * 121, Problem.TOO_LONG)]
)
def test_a_passage_has_a_text_of_some_length(typed: str, problem: Problem) -> None:
    with pytest.raises(InvalidPassage) as refused:
        save(typed)
    assert refused.value.problem is problem


def test_a_passage_keeps_what_its_language_needs_and_nothing_invisible() -> None:
    save("Qui\u202f? «\u202fNous\u202f»\r\nensemble\u202e", "fr", "title")
    assert passage("fr").text == "Qui\u202f? «\u202fNous\u202f» ensemble"

    save("Un\r\n\r\n\r\n\r\nDeux  mots", "fr", "pledge")
    assert passage("fr", "pledge").text == "Un\n\nDeux mots"


def test_a_translator_writes_in_their_languages_only() -> None:
    arguments = (campaign().id, "ar", "title", "عنوان", 1)

    with pytest.raises(ForeignLanguage):
        writing.save(STAFF, {"hi"}, *arguments)
    with pytest.raises(ForeignLanguage):
        writing.add_commitment(STAFF, {"hi"}, campaign().id, "commitments", "new-one", "New")
    assert not campaign().managed_by_staff
    assert writing.save(STAFF, {"ar"}, *arguments).version == 2


def test_there_is_nothing_to_translate_without_a_source() -> None:
    operations.create(STAFF, "empty")

    for name in ("title", "commitments/none", "id"):
        with pytest.raises(UnknownPassage):
            save("Titre", "fr", name, slug="empty")


def test_every_edit_is_in_the_record_with_before_and_after() -> None:
    before = passage().text
    save("Another title")

    events = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(2)).all()
    assert [event.action for event in events] == ["passage written", "campaign taken in hand"]
    assert events[0].subject == f"campaign:{CAMPAIGN}"
    assert events[0].details["before"] == before
    assert events[0].details["after"] == "Another title"


# Commitments


def add(code: str = "field-work", sentence: str = "Take students to the field") -> None:
    writing.add_commitment(STAFF, None, campaign().id, "commitments", code, sentence)


def test_a_new_commitment_is_missing_in_every_other_language() -> None:
    add()

    assert passage("en", "commitments/field-work").state is PassageState.DONE
    left = draft().left_to_do()
    assert set(left) == set(offered()) - {"en"}
    assert left["ar"] == ["commitments/field-work"]


def test_a_retired_commitment_is_not_offered_and_its_code_is_never_given_again() -> None:
    writing.retire_commitment(STAFF, None, campaign().id, "lectures", now())

    assert "lectures" not in dict(draft().columns("en")["commitments"])
    with pytest.raises(InvalidName, match=Problem.TAKEN):
        add("lectures")
    with pytest.raises(UnknownCommitment):
        writing.retire_commitment(STAFF, None, campaign().id, "lectures", now())

    writing.reinstate_commitment(STAFF, None, campaign().id, "lectures")
    assert not draft().changes()


@pytest.mark.parametrize("code", ["", "Field", "field_work", "field-", "1st", "x" * 41])
def test_a_code_has_the_form_of_a_code(code: str) -> None:
    with pytest.raises(InvalidName):
        add(code)


def test_what_people_have_signed_is_never_rewritten_but_its_translation_can_be_mended() -> None:
    with pytest.raises(InvalidPassage) as refused:
        save("Give one lecture", name="commitments/lectures")
    assert refused.value.problem is Problem.SIGNED

    save("Donner des conférences", "fr", "commitments/lectures")
    add()
    save("Take students outside", name="commitments/field-work")  # nobody has seen it yet


def test_a_commitment_that_an_earlier_version_had_is_retired_from_the_beginning(
    folder: Path,
) -> None:
    for path in folder.glob("*.toml"):
        lines = path.read_text("utf-8").splitlines()
        kept = [line for line in lines if not line.strip().startswith(("lectures", '"lectures"'))]
        path.write_text("\n".join(kept), "utf-8")
    assert operations.publish_shipped(folder) == 2

    retired = [one.code for one in draft().commitments if one.retired_at]
    assert retired == ["lectures"]


# What releases bring


def test_a_release_proposes_to_staff_what_it_changed_and_nothing_else(folder: Path) -> None:
    save("Ours")
    save("La nôtre", "fr")
    reword(folder, 'title = "Light Up the Heart of Science"', 'title = "Theirs"')

    assert operations.publish_shipped(folder) is None
    assert proposed() == [("en", "title", "Theirs")]
    assert (passage().text, text().version) == ("Ours", 1)


def test_a_proposal_is_taken_or_left_and_comes_back_only_if_it_changes(folder: Path) -> None:
    save("Ours")
    reword(folder, 'title = "Light Up the Heart of Science"', 'title = "Theirs"')
    operations.publish_shipped(folder)

    writing.leave_proposal(STAFF, None, campaign().id, "en", "title")
    operations.publish_shipped(folder)
    assert (proposed(), passage().text) == ([], "Ours")

    reword(folder, 'title = "Theirs"', 'title = "Theirs again"')
    operations.publish_shipped(folder)
    writing.take_proposal(STAFF, None, campaign().id, "en", "title")
    assert (proposed(), passage().text) == ([], "Theirs again")
    with pytest.raises(UnknownPassage):
        writing.take_proposal(STAFF, None, campaign().id, "en", "title")


def test_a_release_that_comes_round_to_our_words_has_nothing_to_propose(folder: Path) -> None:
    save("Ours")
    reword(folder, 'title = "Light Up the Heart of Science"', 'title = "Theirs"')
    operations.publish_shipped(folder)
    reword(folder, 'title = "Theirs"', 'title = "Ours"')
    operations.publish_shipped(folder)

    assert proposed() == []


def test_a_commitment_that_a_release_adds_can_be_taken_in_every_language(folder: Path) -> None:
    save("Ours")
    for path in folder.glob("*.toml"):
        raw = path.read_text("utf-8")
        raw = raw.replace("[commitments]\n", f'[commitments]\nfield-work = "Field ({path.stem})"\n')
        raw = raw.replace("\ncommitments = [", '\ncommitments = ["field-work", ')
        path.write_text(raw, "utf-8")
    operations.publish_shipped(folder)

    waiting = proposed()
    assert len(waiting) == len(offered())
    for locale, name, _ in waiting:
        writing.take_proposal(STAFF, None, campaign().id, locale, name)
    assert passage("sw", "commitments/field-work").text == "Field (sw)"
    assert draft().left_to_do().keys() <= {*offered()} - {"en"}


def test_a_release_cannot_rewrite_what_people_have_signed(folder: Path) -> None:
    save("Ours")
    reword(folder, "Give public lectures", "Give no lectures")
    operations.publish_shipped(folder)

    assert proposed() == []


def test_an_untouched_campaign_is_still_published_over(folder: Path) -> None:
    reword(folder, 'title = "Light Up the Heart of Science"', 'title = "Theirs"')

    assert operations.publish_shipped(folder) == 2
    assert (text().title, proposed()) == ("Theirs", [])
    assert passage().text == "Theirs"


# Who is there


def test_others_see_who_has_a_passage_in_front_of_them() -> None:
    moment = now()
    writing.note_reader(campaign().id, "ar", "title", "yusuf", moment)
    writing.note_reader(campaign().id, "ar", "pledge", "yusuf", moment)
    writing.note_reader(campaign().id, "ar", "title", "leila", moment)

    assert drafts.readers(campaign().id, "ar", "leila", moment) == {"yusuf": "pledge"}
    assert drafts.readers(campaign().id, "fr", "leila", moment) == {}
    assert drafts.readers(campaign().id, "ar", "leila", moment + drafts.IN_FRONT) == {}
