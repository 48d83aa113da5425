"""The mail catcher: keeps what it acknowledged, and shows it without running it."""

import json
import smtplib
import socket
import urllib.parse
import urllib.request
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from campaign.local.mail_catcher import Mailbox, create_app
from campaign.local.supervisor import answers, listening
from tests.ports import free_port


class Catcher:
    """A mail catcher in a process of its own."""

    def __init__(self, folder: Path, spawn, eventually) -> None:
        self.folder, self.smtp, self.http = folder, free_port(), free_port()
        self._spawn, self._eventually = spawn, eventually

    def start(self) -> None:
        module = "campaign.local.mail_catcher"
        self.process = self._spawn("-m", module, self.smtp, self.http, self.folder)
        page = f"http://127.0.0.1:{self.http}/"
        self._eventually(lambda: listening(self.smtp) and answers(page))

    def send(self, message: EmailMessage) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp) as client:
            client.send_message(message)

    def talk(self, *lines: str) -> list[str]:
        """Send everything in one write, as RFC 2920 allows; return the answers."""
        said = "".join(f"{line}\r\n" for line in ("EHLO test", *lines, "QUIT"))
        with socket.create_connection(("127.0.0.1", self.smtp), timeout=10) as connection:
            connection.sendall(said.encode())
            return connection.makefile(encoding="utf-8", newline="\r\n").read().splitlines()

    def mails_to(self, address: str) -> list[dict]:
        query = urllib.parse.urlencode({"to": address})
        url = f"http://127.0.0.1:{self.http}/messages.json?{query}"
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory, spawn_for_all, eventually) -> Catcher:
    catcher = Catcher(tmp_path_factory.mktemp("mail"), spawn_for_all, eventually)
    catcher.start()
    return catcher


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "mail", kept=3)


@pytest.fixture
def page(mailbox: Mailbox) -> FlaskClient:
    return create_app(mailbox).test_client()


def letter(to: str = "amina@example.org", subject: str = "أضئ قلب العلم") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "site@example.org", to, subject
    message.set_content("أكّد: http://127.0.0.1:8000/ar/confirm/abc?x=1&y=2\n")
    message.add_alternative("<html><head></head><body><h1>وعد</h1></body></html>", subtype="html")
    return message


def store(mailbox: Mailbox, message: EmailMessage) -> str:
    return mailbox.store("site@example.org", [message["To"]], message.as_bytes())


def test_a_mail_is_caught_and_read_by_a_script(catcher: Catcher) -> None:
    catcher.send(letter())

    (mail,) = catcher.mails_to("Amina@example.org")

    assert mail["subject"] == "أضئ قلب العلم"
    assert mail["to"] == ["amina@example.org"]
    assert "http://127.0.0.1:8000/ar/confirm/abc?x=1&y=2" in mail["text"]
    assert "<h1>وعد</h1>" in mail["html"]
    assert mail["date"].endswith("+00:00")


def test_addresses_and_headers_in_utf8_are_caught(catcher: Catcher) -> None:
    catcher.send(letter(to="पता@उदाहरण.example", subject="वचन"))

    (mail,) = catcher.mails_to("पता@उदाहरण.example")

    assert (mail["to"], mail["subject"]) == (["पता@उदाहरण.example"], "वचन")


def test_what_was_acknowledged_survives_a_kill(catcher: Catcher) -> None:
    catcher.send(letter(to="survivor@example.org"))
    catcher.process.kill()
    catcher.process.wait()

    catcher.start()

    assert len(catcher.mails_to("survivor@example.org")) == 1


def test_mails_may_be_sent_without_waiting_for_answers(catcher: Catcher) -> None:
    envelope = ("MAIL FROM:<site@example.org>", "RCPT TO:<a@example.org>", "DATA")

    said = catcher.talk(*envelope, ".", *envelope, "Subject: dots", "", "..", "...", "last.", ".")

    assert "250-PIPELINING" in said
    assert said.count("250 2.0.0 Caught") == 2
    dotted, empty = catcher.mails_to("a@example.org")
    assert dotted["text"] == ".\r\n..\r\nlast.\r\n"
    assert empty["text"] == ""


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (("MAIL FROM:<a@example.org>", "DATA"), "503 5.5.1 RCPT first"),
        (
            ("MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA", "x" * 999, "."),
            "500 5.6.0 Line too long (RFC 5321, 4.5.3.1.6)",
        ),
        (
            ("MAIL FROM:<> SIZE=99999999",),
            "552 Error: message size exceeds fixed maximum message size",
        ),
    ],
)
def test_what_other_servers_refuse_is_refused(catcher: Catcher, lines, answer) -> None:
    assert answer in catcher.talk(*lines)


def test_only_the_newest_are_kept(mailbox: Mailbox, tmp_path: Path) -> None:
    ids = [store(mailbox, letter()) for _ in range(5)]

    assert [entry.id for entry in mailbox.newest()] == ids[:1:-1]
    assert len(list((tmp_path / "mail").iterdir())) == 3
    assert Mailbox(tmp_path / "mail").newest() == mailbox.newest()


def test_an_unfinished_file_is_no_mail(tmp_path: Path) -> None:
    (tmp_path / "1.new").write_bytes(b"Subject: ha")

    assert Mailbox(tmp_path).newest() == []
    assert list(tmp_path.iterdir()) == []


def test_pages_list_the_newest_first(mailbox: Mailbox, page: FlaskClient) -> None:
    for subject in ("first", "second"):
        store(mailbox, letter(subject=subject))
    store(mailbox, letter(to="other@example.org", subject="third"))

    everything = page.get("/").text
    hers = page.get("/?to=amina@example.org").text

    assert everything.index("third") < everything.index("second") < everything.index("first")
    assert "third" not in hers


def test_a_mail_shows_its_links_and_nothing_of_it_runs(mailbox: Mailbox, page: FlaskClient) -> None:
    shown = page.get(f"/messages/{store(mailbox, letter(subject='<script>x</script>'))}")

    assert '<a href="http://127.0.0.1:8000/ar/confirm/abc?x=1&amp;y=2"' in shown.text
    assert "<script" not in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert "script-src" not in shown.headers["Content-Security-Policy"]


def test_the_html_of_a_mail_stands_in_a_sandbox(mailbox: Mailbox, page: FlaskClient) -> None:
    mail_id = store(mailbox, letter())

    html = page.get(f"/messages/{mail_id}/html")

    assert f'src="/messages/{mail_id}/html"' in page.get(f"/messages/{mail_id}").text
    assert html.headers["Content-Security-Policy"].startswith("sandbox allow-popups ")
    assert "allow-scripts" not in html.headers["Content-Security-Policy"]
    assert '<head><base target="_blank">' in html.text


def test_the_source_is_the_mail_as_it_came(mailbox: Mailbox, page: FlaskClient) -> None:
    mail_id = mailbox.store("a@example.org", ["b@example.org"], b"Subject: x\r\n\r\n<b>\r\n")

    source = page.get(f"/messages/{mail_id}/source")

    assert source.mimetype == "text/plain"
    assert source.data.endswith(b"Delivered-To: b@example.org\r\nSubject: x\r\n\r\n<b>\r\n")


def test_a_broken_mail_is_shown_all_the_same(mailbox: Mailbox, page: FlaskClient) -> None:
    broken = b"Subject: \xff\r\nContent-Type: text/plain; charset=martian\r\n\r\nhe\xffllo\r\n"
    mail_id = mailbox.store("", ["b@example.org"], broken)

    assert "he�llo" in page.get(f"/messages/{mail_id}").text


@pytest.mark.parametrize("path", ["/messages/1", "/messages/..%2f1/source", "/messages/1/html"])
def test_an_unknown_mail_is_not_found(page: FlaskClient, path: str) -> None:
    assert page.get(path).status_code == 404


def test_a_name_bound_to_this_machine_by_a_stranger_is_refused(page: FlaskClient) -> None:
    assert page.get("/", headers={"Host": "stranger.example"}).status_code == 400
