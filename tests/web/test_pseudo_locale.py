"""The site in two languages that nobody speaks: every sentence replaced by longer nonsense of another script.

What still shows a Latin letter was never given to the translators. One of the two is written from the right.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from campaign import i18n, jobs
from campaign.app import create_site
from campaign.catalogues import compile_catalogues
from campaign.cli.content import extract_messages
from campaign.clock import now
from campaign.config import Settings
from campaign.db import db
from campaign.demo import pledges
from campaign.mail.compose import compose
from campaign.mail.models import OutgoingEmail
from campaign.paths import TEMPLATES
from campaign.pledges import emails
from campaign.pledges.emails import CONFIRM, MINE, SENT
from campaign.pledges.models import Kind
from campaign.tallies import operations as tallies
from tests.factories import (
    CAMPAIGN,
    accepted,
    confirmed,
    institution,
    policy,
    prepare,
    submitted,
    text,
)
from tests.mail.conftest import STAFF_FACTS
from tests.web.browsing import (
    Element,
    Page,
    code_in,
    form_token,
    letter_text,
    link_in,
    open_page,
    parse,
    press,
)

# Languages that CLDR knows, so that numbers, days and countries have words, and that the site does not speak.
PSEUDO = {"el": "αβγδεζηθικλμνξοπρστυφχψωάέή", "he": "אבגדהוזחטיכלמנסעפצקרשתםןףץך"}
ADDRESS = "jina@example.org"
AUTONYM = "English"  # offered to everybody under its own name
SLUGS = (CAMPAIGN, "haikou-initiative")
_KEPT = re.compile(r"(%\(\w+\)[sd]|\{\w+\})")
_LATIN = re.compile("[A-Za-z]")
# Attributes that are read out or shown.
_SPOKEN = ("aria-label", "alt", "title", "placeholder", "content")


def pseudo(sentence: str, alphabet: str) -> str:
    """Nonsense in another alphabet, half as long again, its placeholders untouched."""
    parts = _KEPT.split(sentence)
    for index in range(0, len(parts), 2):
        parts[index] = _LATIN.sub(lambda letter: alphabet[ord(letter[0]) % 26], parts[index])
    return "".join(parts) + " " + alphabet[: len(sentence) // 2]


@pytest.fixture(scope="module")
def translations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of catalogues made from the messages as they are now."""
    folder = tmp_path_factory.mktemp("translations")
    extract_messages(folder / "messages.pot")
    for tag, alphabet in PSEUDO.items():
        catalogue = Catalog(locale=Locale.parse(tag))
        with (folder / "messages.pot").open("rb") as template:
            catalogue.update(read_po(template))
        for message in catalogue:
            if isinstance(message.id, tuple | list):
                forms = (message.id[0], *[message.id[1]] * (catalogue.num_plurals - 1))
                message.string = tuple(pseudo(form, alphabet) for form in forms)
            elif message.id:
                message.string = pseudo(message.id, alphabet)
        path = folder / tag / "LC_MESSAGES" / "messages.po"
        path.parent.mkdir(parents=True)
        with path.open("wb") as target:
            write_po(target, catalogue)
    return folder


@pytest.fixture(scope="module")
def app(settings: Settings, translations: Path) -> Iterator[Flask]:
    """An application that offers English and the two of them; ``client`` and ``session`` take it from here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(i18n, "TRANSLATIONS", translations)
        compile_catalogues(translations)
        made = create_site(settings)
        i18n.offered.cache_clear()
        with made.app_context():
            prepare()
        yield made
        with made.app_context():
            db.engine.dispose()
    i18n.offered.cache_clear()


@pytest.fixture
def paths(session: object) -> list[str]:
    """Every page that can be opened, on a site where something happened."""
    home = institution(name="湖畔大学", city="基苏木")
    mine = confirmed(ADDRESS, institution=home.id, role="researcher", words="Kwa watoto.")
    details = {"kind": Kind.INSTITUTION, "office": "Rector", "support_letters": {"en": "We will."}}
    rector = f"rector@{home.domains[0]}"
    official = accepted(rector, institution=home.id, commitments=["hosting"], **details)
    waiting = submitted("mwingine@example.org")
    pledges.add(3, now())
    tallies.fold()
    sign = policy().signer.sign
    my, campaign = f"my/{sign(MINE, str(mine.person_id))}/", f"campaigns/{CAMPAIGN}/"
    officials, confirm = (
        f"my/{sign(MINE, str(official.person_id))}/",
        sign(CONFIRM, str(waiting.id)),
    )
    found = [
        *("", "about/", "privacy/", "my/", "countries/KE/", f"institutions/{home.id}/", campaign),
        *(f"{campaign}{part}/" for part in ("countries", "institutions", "signatories", "text/1")),
        *(f"{campaign}pledge/{part}" for part in ("", "institution/", f"?institution={home.id}")),
        *(
            f"{campaign}signatories/?q=nobody",
            f"pledges/sent/{sign(SENT, str(waiting.submission))}/",
        ),
        *(f"pledges/confirm/{confirm}/", f"pledges/not-me/{confirm}/"),
        f"pledges/thanks/{sign('thanks-page', str(mine.id))}/",
        *(my, f"{my}?saved=1", f"{my}erase", officials),
        *(f"{my}pledges/{mine.id}/", f"{my}pledges/{mine.id}/withdraw"),
        *(f"{officials}pledges/{official.id}/", "nowhere", "pledges/confirm/forged/"),
    ]
    jobs.commit()
    return found


def left(page: Page) -> list[str]:
    """What is shown or read out and still has a Latin letter: names and other languages apart.

    Title and description of a page cannot be marked as English, which a campaign's own words may be.
    """
    english = [words for slug in SLUGS for words in (text(slug).title, text(slug).summary)]
    allowed = re.compile("|".join([AUTONYM, _KEPT.pattern, *map(re.escape, english)]))
    html = page.one("html")
    return [
        words for words in visible(html, html.get("lang")) if _LATIN.search(allowed.sub("", words))
    ]


def visible(element: Element, language: str) -> Iterator[str]:
    """Texts of an element that are in the page's language. Whatever is typed by people stands in ``bdi``."""
    for child in element.children:
        if isinstance(child, str):
            yield child.strip()
        elif child.get("lang") in {"", language} and child.tag not in {
            "bdi",
            "script",
            "style",
            "svg",
        }:
            yield from (child.get(name) for name in spoken(child))
            if not written_by_people(child):
                yield from visible(child, language)


def spoken(element: Element) -> tuple[str, ...]:
    if element.tag == "meta":
        return ("content",) if element.get("name") == "description" else ()
    return (*_SPOKEN, *(name for name in element.attributes if is_sentence(name)))


def is_sentence(attribute: str) -> bool:
    """Words for the script, which has none of its own; the others are addresses."""
    return attribute.startswith("data-") and attribute not in {
        "data-search", "data-proposals", "data-country", "data-persons",
    }  # fmt: skip


def written_by_people(element: Element) -> bool:
    return element.tag == "textarea" or element.get("dir") == "auto"


@pytest.mark.parametrize("tag", PSEUDO)
def test_no_sentence_of_any_page_is_left_in_english(
    client: FlaskClient, paths: list[str], tag: str
) -> None:
    for path in paths:
        page = open_page(client, f"/{tag}/{path}")
        assert page.status in {200, 404}, path
        assert left(page) == [], path


@pytest.mark.parametrize("tag", PSEUDO)
def test_the_direction_is_the_one_of_the_script(client: FlaskClient, tag: str) -> None:
    html = open_page(client, f"/{tag}/").one("html")
    assert html.get("dir") == {"el": "ltr", "he": "rtl"}[tag]


@pytest.mark.parametrize("tag", PSEUDO)
def test_placeholders_survive(client: FlaskClient, paths: list[str], tag: str) -> None:
    for path in paths:
        html = open_page(client, f"/{tag}/{path}").html
        assert "%(" not in html, path
        assert "%s" not in html, path
    thanks = next(path for path in paths if "thanks" in path)
    assert "Wanjiru Kamau" in open_page(client, f"/{tag}/{thanks}").text


@pytest.mark.parametrize("tag", PSEUDO)
def test_texts_of_the_campaign_say_that_they_are_in_another_language(
    client: FlaskClient, tag: str
) -> None:
    """No text is published in this language: the English one is shown, marked as such."""
    page = open_page(client, f"/{tag}/campaigns/{CAMPAIGN}/")
    quote = page.all("blockquote")[0]
    assert (quote.get("lang"), quote.get("dir")) == ("en", "ltr")


PROBLEMS = (
    {},
    {"name": "x" * 200, "email": "x", "affiliation": "none", "country": "ZZ", "listed": "none"},
    {"name": "=1", "email": "a@b.test", "affiliation": "unlisted", "role": "none", "orcid": "1"},
    {"name": "12", "email": f"{'a' * 65}@b.org", "commitments": "none", "disciplines": "none"},
    {"name": "www.a.org", "affiliation": "institution", "institution": "0", "words": "x" * 501},
    {"institution_query": "nowhere at all", "disciplines": ["1.1"] + [f"{n}.1" for n in range(9)]},
    {"letter_1": "x" * 5001, "letter_2": "x", "office": "", "affiliation": "unlisted"},
)


@pytest.mark.parametrize("tag", PSEUDO)
@pytest.mark.parametrize("form", ["pledge/", "pledge/institution/"])
def test_every_problem_is_told_in_the_language(client: FlaskClient, form: str, tag: str) -> None:
    page = open_page(client, f"/{tag}/campaigns/{CAMPAIGN}/{form}")
    for typed in PROBLEMS:
        answer = press(client, page, typed | {"action": "pledge"})
        assert (answer.status, left(answer)) == (422, []), typed
        assert answer.problems


@pytest.mark.parametrize("tag", PSEUDO)
def test_refusals_are_told_in_the_language(client: FlaskClient, tag: str) -> None:
    form = f"/{tag}/campaigns/{CAMPAIGN}/pledge/"
    answers = [
        client.post(form, data={"form_token": "forged"}),
        client.post(form, data={"words": "x" * 300_000}),
        client.post(form, headers={"Sec-Fetch-Site": "cross-site"}),
        client.post(f"/{tag}/about/"),
        client.post(f"/{tag}/my/", data={"email": "x"}),
        client.post(f"/{tag}/my/", data={"email": "someone@example.org"}),
    ]
    pages = [Page(answer) for answer in answers]
    assert [page.status for page in pages] == [400, 413, 403, 405, 422, 200]
    assert [left(page) for page in pages] == [[]] * 6


@pytest.mark.parametrize("tag", PSEUDO)
def test_a_pledge_goes_from_form_to_thanks_in_the_language(client: FlaskClient, tag: str) -> None:
    page = open_page(client, f"/{tag}/campaigns/{CAMPAIGN}/pledge/")
    typed = {"name": "Jina", "email": ADDRESS, "affiliation": "independent", "country": "KE"}
    token = {"form_token": form_token(locale=tag), "listed": "name", "action": "pledge"}

    sent = press(client, page, typed | token)
    letter = letter_text(ADDRESS)
    wrong = press(client, sent, {"code": "1"})
    confirm = open_page(client, link_in(letter, "/confirm/"))
    thanks = press(client, sent, {"code": code_in(letter)})

    assert [left(p) for p in (sent, wrong, confirm, thanks)] == [[]] * 4
    assert "/thanks/" in thanks.path


def facts() -> dict[str, str | int]:
    """All that any letter's template may ask for."""
    pledge = submitted(name="Jina")
    return emails.facts(policy().signer, pledge, "en", 30) | {"reason": "REASON"} | STAFF_FACTS


@pytest.mark.parametrize("tag", PSEUDO)
@pytest.mark.parametrize(
    "template", sorted(p.name for p in (TEMPLATES / "mail").iterdir() if p.is_dir())
)
def test_no_sentence_of_any_letter_is_left_in_english(
    session: Session, template: str, tag: str
) -> None:
    known = facts()
    letter = OutgoingEmail(
        template=template, locale=tag, recipient=ADDRESS, recipient_hash=b"", facts=known
    )
    session.add(letter)
    session.flush()
    message = compose(letter)
    text = message.get_body(("plain",)).get_content() + message["Subject"]
    names = [r"https?://\S+", r"\S+@\S+", *(str(value) for value in known.values())]

    assert not _LATIN.search(re.sub("|".join(names), "", text))
    page = parse(message.get_body(("html",)).get_content())
    shown = [re.sub("|".join(names), "", words) for words in visible(page, "")]
    assert [words for words in shown if _LATIN.search(words)] == []
