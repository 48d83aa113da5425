"""Which e-mail addresses are accepted, and when two of them are one person."""

import re
from dataclasses import dataclass

from email_validator import (
    SPECIAL_USE_DOMAIN_NAMES,
    EmailNotValidError,
    ValidatedEmail,
    validate_email,
)

from campaign.text import InvalidText, clean_line

# RFC 5321, 4.5.3.1, with erratum 1690 of RFC 3696: in octets.
MAX_ADDRESS = 254
MAX_LOCAL_PART = 64

# An input method in full-width mode types "ａ＠ｂ．ｃ"; a Chinese or Japanese one "。" for a dot.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord("。"): "."}


class InvalidAddress(ValueError):
    """The text is no address that mail can reach.

    ``reason`` is "syntax", "too-long", or "special-use" for names that are kept off the public
    Internet (RFC 6761: localhost, .test, .invalid, .local, .onion …).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address: as it was typed, the mailbox it reaches, the person it stands for, and its domain.

    ``original`` keeps the capitals and Unicode of what was typed; write to this one. ``mailbox`` and ``canonical``
    are for comparing only. Addresses with one ``mailbox`` reach the same reader; those with one ``canonical``
    most likely do, so they count as one person, but what one of them was sent is none of the other's business.
    ``domain`` is in A-labels.
    """

    original: str
    mailbox: str
    canonical: str
    domain: str


def parse_address(raw: str) -> Address:
    """Check and take apart a typed address, internationalised ones included (RFC 6531).

    Looks at the form only, never at the DNS. Raises InvalidAddress.
    """
    typed = _tidy(raw)
    if len(typed.encode()) > MAX_ADDRESS or len(typed.rpartition("@")[0].encode()) > MAX_LOCAL_PART:
        raise InvalidAddress("too-long")
    valid = _validated(typed)
    domain = valid.ascii_domain.lower()
    mailbox = _mailbox(valid.local_part, domain)
    return Address(valid.normalized, mailbox, canonical(mailbox), domain)


def _tidy(raw: str) -> str:
    """Without the invisible characters that copying from a mail or a page brings along."""
    try:
        return clean_line(raw.translate(_FULL_WIDTH), max_length=len(raw))
    except InvalidText:
        raise InvalidAddress("syntax") from None


def _validated(typed: str) -> ValidatedEmail:
    try:
        return validate_email(typed, check_deliverability=False)
    except EmailNotValidError:
        raise InvalidAddress(_reason(typed)) from None


def _reason(typed: str) -> str:
    """Why the library refused, which it says in an English sentence only."""
    _, at, domain = typed.rpartition("@")
    top = domain.rpartition(".")[2].lower()
    return "special-use" if at and top in SPECIAL_USE_DOMAIN_NAMES else "syntax"


def _mailbox(local: str, domain: str) -> str:
    """One form for all spellings that reach one mailbox for certain.

    Case-folded, as every large provider does; for Gmail, whose two domains share their mailboxes, also without
    dots and without the detail after "+".
    """
    if domain in ("gmail.com", "googlemail.com"):
        return f"{_without_detail(local.casefold()).replace('.', '')}@gmail.com"
    return f"{local.casefold()}@{domain}"


def canonical(mailbox: str) -> str:
    """One form for all mailboxes that stand for one person, so that a person pledges once.

    Without the detail after "+" (RFC 5233, 4), which most hosts deliver to the same mailbox. It errs towards one
    person: where "a+b" and "a" are two people, the one who confirms second loses their pledge, not the first.
    """
    local, _, domain = mailbox.rpartition("@")
    return f"{_without_detail(local)}@{domain}"


def _without_detail(local: str) -> str:
    return re.sub(r"(?<=.)\+.*", "", local)
