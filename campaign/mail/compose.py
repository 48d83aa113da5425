"""The composition of an e-mail in its reader's language, as text and as HTML."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from flask import render_template

from campaign.config import current_settings
from campaign.hostnames import ascii_domain
from campaign.i18n import in_language
from campaign.mail.models import OutgoingEmail


def compose(email: OutgoingEmail) -> EmailMessage:
    """Return the message (RFC 5322) of an e-mail that has not been sent. Needs an application context, no request.

    Its Message-ID is derived from the row, so mail programs recognise a duplicate.
    """
    assert email.recipient is not None, "the recipient is cleared once an e-mail is sent"
    settings = current_settings()
    message = EmailMessage()
    with in_language(email.locale):
        message["Subject"] = " ".join(_render(email, "subject.txt").split())
        message.set_content(_render(email, "body.txt"), cte="quoted-printable")
        message.add_alternative(_render(email, "body.html"), subtype="html", cte="quoted-printable")
    message["From"] = _mailbox(settings.mail_from)
    message["To"] = _deliverable(email.recipient)
    message["Date"] = format_datetime(email.queued_at)
    message["Message-ID"] = f"<{email.id}@{settings.site_host}>"
    message["Content-Language"] = email.locale
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notes, please
    return message


def _render(email: OutgoingEmail, part: str) -> str:
    facts = {"message_id": str(email.id), **email.facts}
    return render_template(f"mail/{email.template}/{part}", **facts)


def _deliverable(address: str) -> Address:
    """Return the address with its domain in A-labels (RFC 5891), which every mail server understands."""
    local, _, domain = address.rpartition("@")
    return Address(username=local, domain=ascii_domain(domain))


def _mailbox(mailbox: str) -> Address:
    name, address = parseaddr(mailbox)
    return Address(display_name=name, addr_spec=address)
