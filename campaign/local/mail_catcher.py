"""Catch every mail instead of delivering it, and show them on a web page. For developers only.

    python -m campaign.local.mail_catcher SMTP_PORT HTTP_PORT FOLDER

Scripts read `GET /messages.json?to=ADDRESS`: the newest hundred mails to that envelope recipient,
newest first, each with `id`, `to`, `subject`, `date` (when it came, ISO 8601), `text` and `html`;
`GET /messages/ID/source` is the mail as it came.
"""

import asyncio
import email
import email.policy
import re
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask, Response, abort, render_template, request
from werkzeug.serving import WSGIRequestHandler, make_server

KEPT = 20_000
"""Mails; older ones are removed."""
LARGEST = 32 * 1024 * 1024
"""Bytes of a mail."""
LONGEST_LINE = 998
"""Bytes of a line without its end; servers out there refuse longer ones, so that we do, too."""
SHOWN = 100
"""Mails on one page, and in one JSON answer."""

_HOST = "127.0.0.1"
_ENVELOPE_HEADERS = (b"Return-Path: ", b"Delivered-To: ")  # RFC 5321, 4.4; RFC 9228
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src http: https: data:; frame-ancestors 'self'"
)


@dataclass(frozen=True)
class Entry:
    """A mail in the box: `id` is the nanosecond when it came, `to` its envelope recipients."""

    id: str
    to: tuple[str, ...]

    @property
    def received(self) -> datetime:
        """When the mail came, in UTC."""
        return datetime.fromtimestamp(int(self.id) / 1e9, UTC)


@dataclass(frozen=True)
class Mail:
    """A mail as people read it; `text` and `html` are None when it has no such part."""

    sender: str
    subject: str
    text: str | None
    html: str | None


class Mailbox:
    """A folder with one file per mail, the envelope in front of it as headers.

    A mail that was stored survives a kill -9 of this process, but not a power cut.
    """

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        self._folder = folder
        self._kept = kept
        self._lock = threading.Lock()  # mails are stored in one thread and read in others
        folder.mkdir(parents=True, exist_ok=True)
        for unfinished in folder.glob("*.new"):
            unfinished.unlink()
        self._entries = deque(map(_entry_of, sorted(folder.glob("*.eml"))))

    def store(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Store a mail and return its id. Raises OSError, and then nothing was stored."""
        entry = Entry(self._new_id(), tuple(recipients))
        path = self._path(entry.id)
        envelope = [f"Return-Path: <{sender}>", *(f"Delivered-To: {to}" for to in recipients)]
        head = "\r\n".join([*envelope, ""]).encode(errors="surrogateescape")
        unfinished = path.with_suffix(".new")
        unfinished.write_bytes(head + content)
        unfinished.rename(path)
        self._add(entry)
        return entry.id

    def newest(self, *, to: str = "", before: str = "") -> list[Entry]:
        """The newest SHOWN mails, newest first: to the recipient `to`, older than the id `before`.

        Case does not matter in an address.
        """
        with self._lock:
            entries = list(self._entries)
        wanted = to.casefold()
        found = (
            entry
            for entry in reversed(entries)
            if (not before or entry.id < before)
            and (not wanted or wanted in map(str.casefold, entry.to))
        )
        return list(islice(found, SHOWN))

    def entry(self, mail_id: str) -> Entry | None:
        """The mail with this id."""
        with self._lock:
            return next((entry for entry in self._entries if entry.id == mail_id), None)

    def source(self, mail_id: str) -> bytes:
        """The mail as it came, after the lines of its envelope. Raises FileNotFoundError."""
        return self._path(mail_id).read_bytes()

    def _new_id(self) -> str:
        last = int(self._entries[-1].id) if self._entries else 0
        return f"{max(time.time_ns(), last + 1):020}"

    def _path(self, mail_id: str) -> Path:
        return self._folder / f"{mail_id}.eml"

    def _add(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)
            old = [self._entries.popleft() for _ in range(len(self._entries) - self._kept)]
        for forgotten in old:
            self._path(forgotten.id).unlink(missing_ok=True)


def _entry_of(path: Path) -> Entry:
    with path.open("rb") as file:
        recipients = [
            line.removeprefix(_ENVELOPE_HEADERS[1]).decode(errors="replace").strip()
            for line in _envelope_lines(file)
            if line.startswith(_ENVELOPE_HEADERS[1])
        ]
    return Entry(path.stem, tuple(recipients))


def _envelope_lines(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        if not line.startswith(_ENVELOPE_HEADERS):
            return
        yield line


def read_mail(source: bytes) -> Mail:
    """Read a mail; if Python's parser fails on it, show its source."""
    message = email.message_from_bytes(source, policy=email.policy.default)
    try:
        return Mail(
            sender=str(message.get("From", "")),
            subject=str(message.get("Subject", "")),
            text=_body(message, "plain"),
            html=_body(message, "html"),
        )
    except Exception:  # headers are parsed when read, and the parser has many ways to fail
        return Mail("", "(unreadable)", source.decode(errors="replace"), None)


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # an unknown charset or encoding
        payload = part.get_payload(decode=True)
        return payload.decode(errors="replace") if isinstance(payload, bytes) else ""


def create_app(mailbox: Mailbox) -> Flask:
    """The web page over a mailbox."""
    app = Flask(__name__, static_url_path="/static")
    app.config["TRUSTED_HOSTS"] = [_HOST, "localhost"]  # else a web site could rebind its name

    @lru_cache(maxsize=512)
    def read(mail_id: str) -> Mail:
        return read_mail(mailbox.source(mail_id))

    def find(mail_id: str) -> tuple[Entry, Mail]:
        entry = mailbox.entry(mail_id)
        if entry is None:
            abort(404)
        return entry, read(mail_id)

    @app.get("/")
    def index() -> str:
        to = request.args.get("to", "").strip()
        entries = mailbox.newest(to=to, before=request.args.get("before", ""))
        older = entries[-1].id if len(entries) == SHOWN else None
        mails = [(entry, read(entry.id)) for entry in entries]
        return render_template("mail_catcher/index.html", mails=mails, to=to, older=older)

    @app.get("/messages.json")
    def messages() -> list[dict[str, Any]]:
        entries = mailbox.newest(to=request.args.get("to", "").strip())
        return [_as_json(entry, read(entry.id)) for entry in entries]

    @app.get("/messages/<mail_id>")
    def message(mail_id: str) -> str:
        entry, mail = find(mail_id)
        return render_template("mail_catcher/message.html", entry=entry, mail=mail)

    @app.get("/messages/<mail_id>/html")
    def html(mail_id: str) -> Response:
        _, mail = find(mail_id)
        if mail.html is None:
            abort(404)
        return Response(_with_links_outside(mail.html), content_type="text/html; charset=utf-8")

    @app.get("/messages/<mail_id>/source")
    def source(mail_id: str) -> Response:
        entry, _ = find(mail_id)
        return Response(mailbox.source(entry.id), content_type="text/plain; charset=utf-8")

    @app.after_request
    def protect(response: Response) -> Response:
        shows_mail = request.endpoint in ("html", "source")
        response.headers["Content-Security-Policy"] = _MAIL_POLICY if shows_mail else _PAGE_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return app


def _as_json(entry: Entry, mail: Mail) -> dict[str, Any]:
    return {
        "id": entry.id,
        "to": entry.to,
        "subject": mail.subject,
        "date": entry.received.isoformat(),
        "text": mail.text,
        "html": mail.html,
    }


def _with_links_outside(html: str) -> str:
    """Open links in a new tab: the sites they lead to refuse to stand in our frame."""
    base = '<base target="_blank">'
    changed, count = re.subn(r"<head(\s[^>]*)?>", rf"\g<0>{base}", html, count=1, flags=re.I)
    return changed if count else base + html


class _Server(SMTP):
    """aiosmtpd, but it reads a mail in one go: line by line took three quarters of its time."""

    line_length_limit = LARGEST  # what may wait in the buffer; lines are measured below

    async def smtp_DATA(self, _arg: str) -> None:  # noqa: N802 - aiosmtpd looks for this name
        """RFC 5321, 4.1.1.4."""
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 RCPT first")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        try:
            self.envelope.original_content = await self._read_content()
        except asyncio.LimitOverrunError:
            await self.push("552 5.3.4 Too much mail data")
            self._writer.close()  # what follows is the middle of a mail
            return
        answer = await self.event_handler.handle_DATA(self, self.session, self.envelope)
        self.envelope = Envelope()
        await self.push(answer)

    async def _read_content(self) -> bytes:
        """Read to the lone dot and undo dot-stuffing (RFC 5321, 4.5.2)."""
        content = bytearray(b"\r\n")
        while not content.endswith(b"\r\n.\r\n"):
            content += await self._reader.readuntil(b".\r\n")
            if len(content) > LARGEST:
                raise asyncio.LimitOverrunError("too much mail data", len(content))
        return bytes(content[:-3]).replace(b"\r\n.", b"\r\n")[2:]


class _Catcher:
    """What aiosmtpd calls."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_EHLO(  # noqa: N802 - aiosmtpd looks for this name
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        """Offer what aiosmtpd can do but does not offer: it answers every command in turn."""
        session.host_name = name
        return [answers[0], "250-PIPELINING", *answers[1:]]

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Store the mail, then say so."""
        content = envelope.original_content or b""
        if any(len(line) > LONGEST_LINE for line in content.split(b"\r\n")):
            return "500 5.6.0 Line too long (RFC 5321, 4.5.3.1.6)"
        try:
            self._mailbox.store(envelope.mail_from or "", envelope.rcpt_tos, content)
        except OSError as error:
            return f"451 4.3.0 The mail could not be stored: {error.strerror}"
        return "250 2.0.0 Caught"


async def _serve_smtp(port: int, mailbox: Mailbox) -> None:
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)

    def protocol() -> SMTP:
        catcher = _Catcher(mailbox)
        return _Server(catcher, data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="localhost")

    server = await loop.create_server(protocol, _HOST, port, backlog=1024)
    await stop.wait()
    server.close()


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a script may ask many times a second."""


def run(smtp_port: int, http_port: int, folder: Path) -> None:
    """Catch mails into `folder` until SIGINT or SIGTERM. Only for the main thread.

    Raises OSError when the SMTP port is taken and exits with a sentence when the other is.
    """
    mailbox = Mailbox(folder)
    page = make_server(
        _HOST, http_port, create_app(mailbox), threaded=True, request_handler=_Silent
    )
    threading.Thread(target=page.serve_forever, daemon=True).start()
    try:
        asyncio.run(_serve_smtp(smtp_port, mailbox))
    finally:
        page.shutdown()
        page.server_close()


if __name__ == "__main__":
    try:
        run(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
    except OSError as problem:
        sys.exit(str(problem))
