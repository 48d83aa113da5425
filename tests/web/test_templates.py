"""What every template and style sheet keeps to, whoever writes the next one."""

import re
from collections.abc import Iterator
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Environment, FileSystemLoader, nodes

from campaign.app import create_desk
from campaign.config import Settings
from campaign.paths import STATIC, TEMPLATES
from campaign.pledges.rules import Draft

ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES), extensions=["jinja2.ext.i18n"], autoescape=True
)
NAMES = sorted(ENVIRONMENT.list_templates(extensions=["html", "txt"]))
PAGES = [name for name in NAMES if not name.startswith("mail/")]
STYLE_SHEETS = sorted(STATIC.rglob("*.css"))

# A macro may give attributes alone, for its caller to put into a tag.
ATTRIBUTE = r' [a-z-]+="[^"]*"'
READ_ALOUD = {"alt", "aria-label", "placeholder", "title"}
# How many leading arguments are sentences, in the functions that translate.
SENTENCES = {"_": 1, "gettext": 1, "ngettext": 2}


def parsed(name: str) -> nodes.Template:
    source, _, _ = FileSystemLoader(TEMPLATES).get_source(ENVIRONMENT, name)
    return ENVIRONMENT.parse(source)


def literal_markup(name: str) -> str:
    """What stands in the template as such; each expression is replaced by a digit."""
    return "0".join(data.data for data in parsed(name).find_all(nodes.TemplateData))


class Tags(HTMLParser):
    """The tags of a piece of markup with their attributes, and the text between them."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._inside = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.text[self._inside] = self.text.get(self._inside, "") + data


def has_letters(text: str | None) -> bool:
    return any(character.isalpha() for character in text or "")


def declarations(style_sheet: str) -> Iterator[tuple[str, str]]:
    without_comments = re.sub(r"/\*.*?\*/", "", style_sheet, flags=re.DOTALL)
    for name, value in re.findall(r"([a-z-]+)\s*:\s*([^;{}]+);", without_comments):
        yield name, value.strip()


@pytest.fixture(scope="module")
def desk(settings: Settings) -> Flask:
    return create_desk(settings)


@pytest.mark.parametrize("name", NAMES)
def test_every_template_compiles(app: Flask, desk: Flask, name: str) -> None:
    environment = desk.jinja_env if name.startswith("desk/") else app.jinja_env
    assert environment.get_template(name)


@pytest.mark.parametrize("name", NAMES)
def test_no_word_is_left_untranslated(name: str) -> None:
    page = Tags(literal_markup(name))
    sentences = {tag: re.sub(ATTRIBUTE, "", text) for tag, text in page.text.items()}
    kept = {"style", "kbd"}  # keys are named as they are on the keyboard
    words = [text for tag, text in sentences.items() if tag not in kept and has_letters(text)]
    spoken = [a for _, attrs in page.tags for key, a in attrs.items() if key in READ_ALOUD]
    assert words == []
    assert not any(map(has_letters, spoken))


@pytest.mark.parametrize("name", NAMES)
def test_sentences_to_translate_are_plain_strings(name: str) -> None:
    """A sentence that is put together at run time is never found by those who translate."""
    for call in parsed(name).find_all(nodes.Call):
        function = call.node.name if isinstance(call.node, nodes.Name) else ""
        sentences = call.args[: SENTENCES.get(function, 0)]
        assert all(isinstance(sentence, nodes.Const) for sentence in sentences)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_needs_a_weaker_content_security_policy(name: str) -> None:
    page = Tags(literal_markup(name))
    assert "style" not in {tag for tag, _ in page.tags}
    assert not has_letters(page.text.get("script"))
    for _, attributes in page.tags:
        assert not [key for key in attributes if key == "style" or key.startswith("on")]
        assert not (attributes.get("href") or "").startswith("javascript:")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    """Neither a page nor a letter may tell a third party that it is being read."""
    for tag, attributes in Tags(literal_markup(name)).tags:
        fetched = attributes.get("src") or (attributes.get("href") if tag == "link" else "") or ""
        assert not fetched.startswith(("http:", "https:", "//"))


PHYSICAL_NAME = re.compile(
    r"(min-|max-)?(width|height)|(.+-)?(left|right|top|bottom)(-.+)?|overflow-[xy]"
)
PHYSICAL_VALUES = {"text-align", "float", "clear"}


def is_physical(name: str, value: str) -> bool:
    sides = value.split() if name in {"margin", "padding", "inset"} else []
    return bool(
        PHYSICAL_NAME.fullmatch(name)
        or (name in PHYSICAL_VALUES and value in {"left", "right"})
        or (len(sides) == 4 and sides[1] != sides[3])
    )


@pytest.mark.parametrize("path", STYLE_SHEETS, ids=lambda path: path.name)
def test_style_sheets_know_no_left_and_right(path: Path) -> None:
    """So one style sheet serves both writing directions. `overflow-y` has no logical twin yet."""
    used = [d for d in declarations(path.read_text()) if d[0] != "overflow-y"]
    assert [declaration for declaration in used if is_physical(*declaration)] == []


def test_people_read_every_answer_that_they_confirm() -> None:
    """Letters of support are too long for a summary; the institution's page shows them whole."""
    macros = (TEMPLATES / "macros/pledges.html").read_text("utf-8")
    summary = macros.partition("{% macro summary(")[2].partition("{%- endmacro %}")[0]
    shown = set(re.findall(r"pledge\.(\w+)", summary))
    assert {field.name for field in fields(Draft)} - shown == {"support_letters"}
