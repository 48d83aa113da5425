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
    """An e-mail address: as its owner spells it, as one person is recognised by, and its domain.

    ``original`` keeps the capitals and Unicode of what was typed; write to this one. ``canonical``
    is for comparing only, mail sent there may reach somebody else. ``domain`` is in A-labels.
    """

    original: str
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
    return Address(valid.normalized, _canonical(valid.local_part, domain), domain)


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


def _canonical(local: str, domain: str) -> str:
    """One form for all spellings that reach one mailbox, so that a person pledges once.

    Case-folded, as every large provider does; without the detail after "+" (RFC 5233, 4); for
    Gmail, whose two domains share their mailboxes, also without dots. It errs towards one person:
    rare hosts that tell "a" from "A" or "a+b" from "a" lose the second pledge, not the first.
    """
    user = re.sub(r"(?<=.)\+.*", "", local.casefold())
    if domain in ("gmail.com", "googlemail.com"):
        user, domain = user.replace(".", ""), "gmail.com"
    return f"{user}@{domain}"
