"""A real SMTP server that remembers what it got and can be told to misbehave."""

import email
import email.policy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from campaign.mail.transport import Transport
from campaign.paths import TEMPLATES
from tests.ports import free_port

# The names of all letters.
LETTERS = sorted(folder.name for folder in (TEMPLATES / "mail").iterdir() if folder.is_dir())

# What letters to staff say besides.
STAFF_FACTS = {
    "desk_url": "https://desk.example.org",
    "secret": "SECRET",
    "inviter": "Ingrid Solheim",
    "change": "passkey added",
}


@dataclass
class Postbox:
    """What aiosmtpd calls. ``at_rcpt`` and ``at_data`` say what to answer; by default all is taken."""

    messages: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    connections: int = 0
    at_rcpt: Callable[[str], str | None] = lambda _: None
    at_data: Callable[[SMTP], str | None] = lambda _: None
    url: str = ""

    async def handle_EHLO(  # noqa: N802 (aiosmtpd looks for these names)
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = name
        return answers

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, to: str, *_: Any
    ) -> str:
        if refusal := self.at_rcpt(to):
            return refusal
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        message = email.message_from_bytes(
            envelope.original_content or b"", policy=email.policy.default
        )
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.envelopes.append(envelope)
        return self.at_data(server) or "250 OK"


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    box = Postbox()
    server = Controller(box, "127.0.0.1", free_port(), enable_SMTPUTF8=True)
    server.start()
    box.url = f"smtp://127.0.0.1:{server.port}"
    yield box
    server.stop(no_assert=True)


@pytest.fixture
def transport(postbox: Postbox) -> Iterator[Transport]:
    with Transport(postbox.url) as connected:
        yield connected
