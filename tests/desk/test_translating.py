"""Translation at the desk: side by side, by passage, nothing lost when two write at once, the page as a preview."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign.campaigns import drafts, writing
from campaign.campaigns.drafts import PassageState
from campaign.clock import now
from campaign.db import db
from campaign.staff.rules import Role
from tests.campaigns.tools import campaign, draft, passage, save
from tests.desk.conftest import Desk
from tests.factories import CAMPAIGN, account
from tests.statements import statements

SignIn = Callable[..., Desk]
PATH = f"/campaigns/{CAMPAIGN}/text/"


@pytest.fixture
def yusuf(sign_in: SignIn) -> Desk:
    return sign_in(Role.TRANSLATOR, languages=["ar"], name="Yusuf Karroumi")


@pytest.fixture
def leila(sign_in: SignIn) -> Desk:
    return sign_in(Role.TRANSLATOR, languages=["ar", "fr"], name="Leila Benhaddou")


def send(
    browser: FlaskClient, words: str, locale: str = "ar", name: str = "title", **more: Any
) -> TestResponse:
    """Save one passage, as the form showed it before."""
    shown = more.pop("base", None) or f"{passage(locale, name).version}.{_source(locale, name)}"
    fields = {f"text:{name}": words, f"base:{name}": shown, **more}
    return browser.post(f"{PATH}{locale}/", data=fields)


def _source(locale: str, name: str) -> str:
    source = passage(locale, name).source
    return str(source.version) if source else ""


def test_what_the_source_changed_is_shown_and_the_translation_saved(leila: Desk) -> None:
    save("Light Up the Soul of Science")
    db.session.commit()

    page = leila.get(f"{PATH}ar/").text
    assert "<del> Heart</del><ins> Soul</ins>" in page
    assert "English has changed" in page
    assert 'lang="ar" dir="rtl"' in page
    answer = send(leila, "عنوان آخر", next="title")
    assert (answer.status_code, answer.location) == (303, f"{PATH}ar/#p-title")
    assert (passage("ar").text, passage("ar").state) == ("عنوان آخر", PassageState.DONE)


def test_a_translation_that_needs_no_change_is_confirmed(leila: Desk) -> None:
    save("Light Up the Soul of Science")
    db.session.commit()
    words = passage("ar").text

    assert send(leila, words).status_code == 303
    assert passage("ar").state is PassageState.STALE, "saving what is there says nothing"
    send(leila, words, confirm="title")
    assert passage("ar").state is PassageState.DONE


def test_only_what_was_changed_is_saved(leila: Desk) -> None:
    page = leila.get(f"{PATH}fr/?show=all").text
    fields = dict(re.findall(r'name="(base:[^"]+)" value="([^"]+)"', page))
    for one in draft().passages("fr"):
        fields[f"text:{one.name}"] = one.text.replace("\n", "\r\n")
    assert len(fields) == 2 * len(draft().names())

    leila.post(f"{PATH}fr/", data=fields | {"text:theme": "Un autre thème"})
    changed = [one.name for one in draft().passages("fr") if one.version > 1]
    assert changed == ["theme"]


def test_the_second_of_two_sees_both_texts_and_may_take_either(yusuf: Desk, leila: Desk) -> None:
    base = f"{passage('ar').version}.1"
    send(yusuf, "عنوان يوسف", base=base)
    clash = send(leila, "عنوان ليلى", base=base)

    assert clash.status_code == 409
    for words in ("عنوان يوسف", "عنوان ليلى", "Take the text of Yusuf Karroumi", "Keep mine"):
        assert words in clash.text
    assert passage("ar").text == "عنوان يوسف"
    shown = re.search(r'name="base:title" value="([^"]+)"', clash.text)
    assert shown is not None

    send(leila, "عنوان ليلى", base=shown[1], take="title")
    history = [one.text for one in drafts.history(campaign().id, "ar", "title")]
    assert history[:3] == ["عنوان يوسف", "عنوان ليلى", "عنوان يوسف"]


def test_mine_is_kept_by_saving_over_what_was_shown(yusuf: Desk, leila: Desk) -> None:
    base = f"{passage('ar').version}.1"
    send(yusuf, "عنوان يوسف", base=base)
    clash = send(leila, "عنوان ليلى", base=base)
    shown = re.search(r'name="base:title" value="([^"]+)"', clash.text)
    assert shown is not None

    assert send(leila, "عنوان ليلى", base=shown[1]).status_code == 303
    assert passage("ar").text == "عنوان ليلى"
    page = leila.get(f"{PATH}ar/history/title/").text
    assert "Yusuf Karroumi" in page
    assert "Write this again" in page


def test_a_broken_placeholder_is_said_at_its_passage_and_the_others_are_saved(leila: Desk) -> None:
    save("%(people)s people", name="summary")
    db.session.commit()
    base = f"{passage('ar', 'theme').version}.1"
    others = {"text:theme": "موضوع", "base:theme": base}

    answer = send(leila, "أشخاص", name="summary", **others)
    assert answer.status_code == 422
    assert "%(people)s" in answer.text
    assert 'id="e-summary"' in answer.text
    assert "أشخاص" in answer.text
    assert passage("ar", "theme").text == "موضوع"


def test_the_script_sends_one_passage_and_gets_its_version(leila: Desk) -> None:
    fields = {"text:title": "عنوان", "base:title": "1.1"}
    answer = leila.post(f"{PATH}ar/", data=fields, headers={"Accept": "application/json"})
    assert answer.json is not None
    assert answer.json["saved"] == {"title": {"state": "done", "version": 2}}
    again = {"text:title": "عنوان ثالث", "base:title": "1.1"}
    clash = leila.post(f"{PATH}ar/", data=again, headers={"Accept": "application/json"})
    assert (clash.status_code, clash.json and clash.json["clashes"]) == (409, ["title"])


def test_a_translator_of_hindi_cannot_read_the_form_of_arabic_nor_save_it(sign_in: SignIn) -> None:
    browser = sign_in(Role.TRANSLATOR, languages=["hi"])
    before = passage("ar").text

    assert browser.get(f"{PATH}ar/").status_code == 404
    assert send(browser, "عنوان").status_code == 404
    assert browser.post(f"{PATH}ar/here/", data={"passage": "title"}).status_code == 404
    assert browser.get(f"{PATH}ar/history/title/").status_code == 404
    assert passage("ar").text == before
    assert browser.get(f"{PATH}hi/").status_code == 200


@pytest.mark.parametrize("languages", [None, ["en", "hi"]])
def test_the_source_is_for_those_who_edit_texts(sign_in: SignIn, languages: list[str]) -> None:
    browser = sign_in(Role.TRANSLATOR, languages=languages)
    assert browser.get(f"{PATH}en/").status_code == 404
    assert send(browser, "A title", "en").status_code == 404
    assert sign_in(Role.EDITOR).get(f"{PATH}en/").status_code == 200


def test_an_unknown_language_has_no_page(sign_in: SignIn) -> None:
    browser = sign_in(Role.ADMINISTRATOR)
    for path in ("xx/", "xx/preview/", "xx/preview/page/"):
        assert browser.get(PATH + path).status_code == 404, path


def test_a_passage_of_no_text_is_not_saved(leila: Desk) -> None:
    assert send(leila, "…", name="title/none", base="0.1").status_code == 303
    assert campaign().managed_by_staff is False


def test_others_are_seen_by_name(yusuf: Desk, leila: Desk) -> None:
    seen = yusuf.post(f"{PATH}ar/here/", data={"passage": "title"})
    assert seen.json == {"others": {}}
    answer = leila.post(f"{PATH}ar/here/", data={"passage": "pledge"})
    assert answer.json == {"others": {"title": "Yusuf Karroumi"}}
    assert "Yusuf Karroumi is here, too" in leila.get(f"{PATH}ar/?show=all").text


def test_terms_of_the_glossary_stand_beside_the_passages(leila: Desk) -> None:
    page = leila.get(f"{PATH}fr/?show=all").text
    assert "sécurité écologique" in page


def test_today_says_how_many_passages_wait(leila: Desk, sign_in: SignIn) -> None:
    assert "Nothing is waiting" in leila.get("/").text
    save("Another title")
    db.session.commit()
    assert "2 passages wait for words." in leila.get("/").text
    assert "1 passage waits for words." in sign_in(Role.TRANSLATOR, languages=["hi"]).get("/").text


# The preview


def test_the_preview_is_the_public_page_in_a_frame_from_which_nothing_gets_out(
    leila: Desk,
) -> None:
    save("العنوان الجديد", "ar")
    db.session.commit()

    outer = leila.get(f"{PATH}ar/preview/")
    assert "frame-src 'self'" in outer.headers["Content-Security-Policy"]
    assert 'sandbox="allow-same-origin"' in outer.text
    inner = leila.get(f"{PATH}ar/preview/page/")
    policy = inner.headers["Content-Security-Policy"]
    assert "sandbox allow-same-origin" in policy
    assert "allow-scripts" not in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert inner.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "العنوان الجديد" in inner.text
    assert '<html lang="ar" dir="rtl">' in inner.text
    assert 'action="' not in inner.text


def test_any_language_can_be_previewed_and_english_stands_in(sign_in: SignIn) -> None:
    browser = sign_in(Role.TRANSLATOR, languages=["hi"])
    writing.add_commitment(
        account().actor(), None, campaign().id, "commitments", "field-work", "Go to the field"
    )
    db.session.commit()
    page = browser.get(f"{PATH}sw/preview/page/").text
    assert "Go to the field" in page


def test_what_was_written_long_ago_is_read_and_written_again(leila: Desk) -> None:
    first = passage("fr").text
    send(leila, "Deuxième", "fr")
    send(leila, "Troisième", "fr")
    page = leila.get(f"{PATH}fr/history/title/").text
    assert page.count("Write this again") == 2

    send(leila, first, "fr", show="all", next="title")
    assert passage("fr").text == first
    assert len(drafts.history(campaign().id, "fr", "title")) == 4
    assert drafts.readers(campaign().id, "fr", "", now()) == {}


def test_a_signed_sentence_cannot_be_edited_in_the_source(sign_in: SignIn) -> None:
    page = sign_in(Role.EDITOR).get(f"{PATH}en/").text
    fields = re.findall(r'<textarea[^>]*name="text:([^"]+)"[^>]*readonly', page)
    assert fields == [name for name in draft().names() if "/" in name]


@pytest.mark.parametrize(
    ("path", "most"), [("text/ar/", 7), ("", 10), ("publish/", 12), ("text/ar/preview/page/", 8)]
)
def test_a_page_asks_the_database_little(sign_in: SignIn, path: str, most: int) -> None:
    save("Another title")
    db.session.commit()
    browser = sign_in(Role.ADMINISTRATOR)
    with statements() as asked:
        assert browser.get(f"/campaigns/{CAMPAIGN}/{path}").status_code == 200
    assert len([one for one in asked if "SAVEPOINT" not in one]) <= most
