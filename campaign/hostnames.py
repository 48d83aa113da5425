"""Read domain names: the part below which anyone can register, the part with one owner, and free mail.

The Public Suffix List comes with its library; nothing here uses the network.
"""

from functools import cache
from pathlib import Path

import idna
from publicsuffixlist import PublicSuffixList

# They are on the list only so that browsers keep the sites below them apart; all mail there is one university's.
_ONE_OWNER = ("rub.de", "ruhr-uni-bochum.de")


class InvalidDomain(ValueError):
    """The text is not a valid domain name."""


def ascii_domain(text: str) -> str:
    """Return the name as the DNS has it: lowercase, A-labels, no dot at the end (UTS #46, RFC 5891).

    Raises InvalidDomain.
    """
    try:
        return idna.encode(text.strip().strip("."), uts46=True, transitional=False).decode().lower()
    except idna.IDNAError as error:
        raise InvalidDomain(str(error)) from error


def public_suffix(domain: str) -> str | None:
    """Return the part below which anyone can register ("ac.uk"); None if the top-level domain is unknown.

    Includes suffixes of private registries (wroc.pl, ac.ru). ``domain`` is as ``ascii_domain`` returns it.
    """
    suffix: str | None = _suffixes().publicsuffix(domain)
    return suffix


def registrable_domain(domain: str) -> str | None:
    """Return the part that has one owner ("ox.ac.uk" of "maths.ox.ac.uk"); None for a public suffix."""
    for owned in _ONE_OWNER:
        if domain == owned or domain.endswith(f".{owned}"):
            return owned
    registrable: str | None = _suffixes().privatesuffix(domain)
    return registrable


def is_free_mail(domain: str) -> bool:
    """Whether anyone can have an address at this domain or at its registrable one ("163.com" of "vip.163.com")."""
    return bool({domain, registrable_domain(domain)} & _free_mail_domains())


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


@cache
def _free_mail_domains() -> frozenset[str]:
    lines = Path(__file__).with_name("free_mail_domains.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
