"""An e-mail as its reader gets it: in their language, from one sender, recognisable when it comes twice."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from uuid import UUID

import pytest

from campaign import i18n
from campaign.mail.compose import compose
from campaign.mail.models import OutgoingEmail
from campaign.pledges import emails
from tests.factories import policy, submitted
from tests.mail.conftest import LETTERS, STAFF_FACTS

pytestmark = pytest.mark.usefixtures("session")

LANGUAGES = i18n.offered()
ID = UUID("018f0000-0000-7000-8000-000000000001")


def email(
    template="confirm", locale="en", recipient="wanjiru@example.org", name="Wanjiru Kamau", **more
):
    facts = emails.facts(policy().signer, submitted(), locale, policy().unconfirmed_days)
    return OutgoingEmail(
        id=ID, template=template, locale=locale, recipient=recipient,
        facts=STAFF_FACTS | {"reason": "Not a name."} | facts | {"name": name} | more,
        queued_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    )  # fmt: skip


def body(message, kind):
    return message.get_body((kind,)).get_content()


class Root(HTMLParser):
    """The attributes of the html element, and all words."""

    def __init__(self, html):
        super().__init__()
        self.attributes, self.words = {}, ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "html":
            self.attributes = dict(attrs)

    def handle_data(self, data):
        self.words += data


def all_emails(locale):
    """Each kind of e-mail to the same person."""
    written = email(locale=locale)
    for template in LETTERS:
        written.template = template
        yield template, compose(written)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_email_can_be_written_in_every_language(locale):
    for template, message in all_emails(locale):
        html = Root(body(message, "html"))

        assert message["Content-Language"] == html.attributes["lang"] == locale, template
        assert html.attributes["dir"] == i18n.direction(locale), template
        assert message["Subject"].strip(), template
        assert "\n" not in message["Subject"], template
        assert not re.search(
            r"%\(|\{\{|\{%", message["Subject"] + body(message, "plain") + html.words
        ), template


@pytest.mark.parametrize("locale", [tag for tag in LANGUAGES if tag != "en"])
def test_no_email_is_in_english_by_mistake(locale):
    for (template, english), (_, message) in zip(all_emails("en"), all_emails(locale), strict=True):
        assert message["Subject"] != english["Subject"], template
        assert body(message, "plain").splitlines()[0] != body(english, "plain").splitlines()[0], (
            template
        )


@pytest.mark.parametrize("locale", ["en", "ar", "zh-Hans"])
def test_links_stay_in_the_language_of_the_email(locale):
    message = compose(email(locale=locale))

    for kind in ("plain", "html"):
        links = re.findall(r"http://localhost/[^\s\"<]+", body(message, kind))
        assert any("/pledges/confirm/" in link for link in links)
        assert all(link.startswith(f"http://localhost/{locale}/") for link in links)


def test_both_bodies_hold_the_code_and_the_link():
    written = email()

    message = compose(written)

    for kind in ("plain", "html"):
        assert written.facts["code"] in body(message, kind)
        assert written.facts["confirm_token"] in body(message, kind)


def test_an_email_is_the_same_one_each_time_it_is_sent():
    first, second = compose(written := email()), compose(written)

    assert first["Message-ID"] == second["Message-ID"] == f"<{ID}@localhost>"
    assert first["Date"] == second["Date"]


def test_an_email_says_that_a_machine_wrote_it_and_when():
    message = compose(email())

    assert message["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(message["Date"]) == datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["屠呦呦", "مریم میرزاخانی", "𠮷野家 👩🏽‍🔬", "Þórunn <b>& Co", "%(name)s {{ 7*7 }}"]
)
def test_names_of_any_script_stay_what_they_are(name):
    message = compose(email(name=name))

    assert name in body(message, "plain")
    assert name in Root(body(message, "html")).words


def test_a_name_cannot_write_html():
    html = body(compose(email(name="Wanjiru <img src=x> Kamau")), "html")

    assert "<img" not in html


def test_a_name_stands_apart_from_the_direction_around_it():
    html = body(compose(email(locale="ar")), "html")

    assert "<bdi>Wanjiru Kamau</bdi>" in html


def test_a_reason_of_several_lines_is_told_whole():
    message = compose(email("refused", reason="Not a name.\n\nTry again."))

    assert "Not a name." in body(message, "plain")


@pytest.mark.parametrize(
    ("address", "to"),
    [
        ("josé@bücher.example.org", "josé@xn--bcher-kva.example.org"),
        ("用户@例子.中国", "用户@xn--fsqu00a.xn--fiqs8s"),
    ],
)
def test_a_domain_is_written_as_every_mail_server_understands_it(address, to):
    assert compose(email(recipient=address))["To"].addresses[0].addr_spec == to


@pytest.mark.parametrize("locale", ["en", "ar", "ur", "hi", "zh-Hans"])
def test_a_message_can_travel_as_seven_bits_with_short_lines(locale):
    """So that no server on its way has to change it (RFC 5321, 4.5.3.1.6; RFC 2045)."""
    sent = compose(email(locale=locale)).as_bytes()

    assert sent.isascii()
    assert max(map(len, sent.splitlines())) <= 998


def test_the_language_spoken_before_is_spoken_again():
    with i18n.in_language("fr"):
        compose(email(locale="ar"))

        assert i18n.current() == "fr"
