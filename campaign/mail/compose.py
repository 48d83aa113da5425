"""Composing a letter in its reader's language, as text and as HTML."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from flask import render_template

from campaign.config import current_settings
from campaign.hostnames import ascii_domain
from campaign.i18n import in_language
from campaign.mail.models import Letter


def compose(letter: Letter) -> EmailMessage:
    """The message (RFC 5322): its Message-ID is the row's, so a copy sent twice is known as one.

    Runs in an application context, never a request's: all it knows of the reader stands in the row.
    """
    assert letter.recipient is not None, "a sent letter has no recipient any more"
    settings = current_settings()
    message = EmailMessage()
    with in_language(letter.locale):
        message["Subject"] = " ".join(_render(letter, "subject.txt").split())
        message.set_content(_render(letter, "body.txt"), cte="quoted-printable")
        message.add_alternative(
            _render(letter, "body.html"), subtype="html", cte="quoted-printable"
        )
    message["From"] = _mailbox(settings.mail_from)
    message["To"] = _deliverable(letter.recipient)
    message["Date"] = format_datetime(letter.queued_at)
    message["Message-ID"] = f"<{letter.id}@{settings.site_host}>"
    message["Content-Language"] = letter.locale
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notes, please
    return message


def _render(letter: Letter, part: str) -> str:
    return render_template(f"mail/{letter.template}/{part}", **_facts(letter))


def _facts(letter: Letter) -> dict[str, Any]:
    return {"message_id": str(letter.id), **letter.facts}


def _deliverable(address: str) -> Address:
    """The address with its domain in A-labels (RFC 5891), which every mail server understands."""
    local, _, domain = address.rpartition("@")
    return Address(username=local, domain=ascii_domain(domain))


def _mailbox(mailbox: str) -> Address:
    name, address = parseaddr(mailbox)
    return Address(display_name=name, addr_spec=address)
