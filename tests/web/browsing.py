"""What a reader without scripts does: reads a page, fills in its form, presses a button, opens the mail."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.i18n import offered
from campaign.mail.compose import compose
from campaign.mail.models import OutgoingEmail
from campaign.pledges.emails import FORM
from tests.factories import CAMPAIGN, policy, take_forms, text

LANGUAGES = offered()
FORM_PATH = f"/en/campaigns/{CAMPAIGN}/pledge/"
INSTITUTION_FORM_PATH = f"{FORM_PATH}institution/"

_VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "wbr",
}
Fields = dict[str, list[str]]


@dataclass
class Element:
    """An element of a page, with what is inside it in order."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    def all(self, *tags: str, **attributes: str) -> list["Element"]:
        """Every element below with one of these tags and all these attributes; ``data_x`` means ``data-x``."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [e for e in self.below() if e.tag in tags and wanted.items() <= e.attributes.items()]

    def below(self) -> Iterator["Element"]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.below()

    @property
    def text(self) -> str:
        parts = (c if isinstance(c, str) else c.text for c in self.children)
        return " ".join("".join(parts).split())

    def get(self, name: str) -> str:
        return self.attributes.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self.attributes


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str) -> Element:
    builder = _Builder()
    builder.feed(html)
    return builder.open[0]


class Page:
    """An answer as its reader sees it."""

    def __init__(self, answer: TestResponse) -> None:
        self.status, self.headers, self.path = (
            answer.status_code,
            answer.headers,
            answer.request.path,
        )
        assert "Set-Cookie" not in self.headers, "this site sets no cookies"
        self.html = answer.get_data(as_text=True)

    @cached_property
    def root(self) -> Element:
        return parse(self.html)

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        return self.root.all(*tags, **attributes)

    def one(self, *tags: str, **attributes: str) -> Element:
        (found,) = self.all(*tags, **attributes)
        return found

    @property
    def text(self) -> str:
        return self.one("main").text

    @property
    def title(self) -> str:
        return self.one("h1").text

    @property
    def ids(self) -> list[str]:
        return [e.get("id") for e in self.root.below() if "id" in e]

    @property
    def problems(self) -> dict[str, str]:
        """What the error summary says, by the id that it leads to."""
        return {
            link.get("href").removeprefix("#"): link.text
            for summary in self.all("section", class_="error-summary")
            for link in summary.all("a")
        }

    def form(self, number: int = 0) -> Element:
        return self.one("main").all("form")[number]


def filled_in(form: Element) -> Fields:
    """What a browser would send of the form as it stands, without its buttons (HTML, "form data set")."""
    fields: Fields = {}
    for control in form.all("input", "select", "textarea"):
        for value in _values(control):
            fields.setdefault(control.get("name"), []).append(value)
    return fields


def _values(control: Element) -> list[str]:
    if control.tag == "textarea":
        return ["".join(c for c in control.children if isinstance(c, str)).removeprefix("\n")]
    if control.tag == "select":
        options = control.all("option")
        return [o.get("value") for o in options if "selected" in o] or [options[0].get("value")]
    if control.get("type") in {"radio", "checkbox"}:
        return [control.get("value")] if "checked" in control else []
    return [control.get("value")]


def open_page(client: FlaskClient, path: str, **request: Any) -> Page:
    return Page(client.get(path, follow_redirects=True, **request))


def press(
    client: FlaskClient, page: Page, typed: Mapping[str, Any] = {}, form: int = 0, **request: Any
) -> Page:
    """Send one of the page's forms as it stands, with what was typed into it, and see where that leads."""
    sheet = page.form(form)
    fields = filled_in(sheet) | {name: _list(value) for name, value in typed.items()}
    target = sheet.get("action") or page.path
    led_to = Page(client.post(target, data=fields, follow_redirects=True, **request))
    take_forms()  # as the worker does, while its person reads the page
    jobs.commit()
    return led_to


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def form_token(
    slug: str = CAMPAIGN, locale: str = "en", age: timedelta = timedelta(minutes=1)
) -> str:
    """The token of a form that somebody opened a while ago, since whoever sends at once is held."""
    opened_at = int((now() - age).timestamp())
    return policy().signer.sign(FORM, [str(uuid4()), text(slug, locale).id, opened_at])


def newest_letter(address: str) -> OutgoingEmail | None:
    letters = (
        select(OutgoingEmail)
        .where(OutgoingEmail.recipient == address)
        .order_by(OutgoingEmail.id.desc())
    )
    return db.session.scalars(letters).first()


def letter_text(address: str) -> str:
    """The newest letter to an address, as its reader's mail program shows the plain text."""
    letter = newest_letter(address)
    assert letter is not None, f"no letter to {address}"
    body = compose(letter).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(letter: str, part: str) -> str:
    """The path of the letter's link that has this in it."""
    (url,) = {url for url in re.findall(r"https?://\S+", letter) if part in url}
    return urlsplit(url).path


def code_in(letter: str) -> str:
    (code,) = re.findall(r"^\d{6}\s*$", letter, re.MULTILINE)
    return str(code.strip())
