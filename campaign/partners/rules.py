"""What may be registered for a partner: origins, names of keys, milestones and events of webhooks."""

import re
from urllib.parse import urlsplit

from campaign.hostnames import InvalidDomain, ascii_domain, registrable_domain

KEY_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?")
# The reader's own machine, for trials: no page of anyone else can come from there.
_OWN_MACHINE = {"localhost", "127.0.0.1"}
_DEFAULT_PORTS = {"https": 443, "http": 80}

MILESTONE, DAILY, TEST = "tally.milestone", "tally.daily", "webhook.test"
EVENTS = (MILESTONE, DAILY)
# 10, 25, 50, 100, 250, 500, 1,000 … up to 50 million.
MILESTONES = tuple(step * 10**power // 10 for power in range(1, 8) for step in (10, 25, 50))


class InvalidOrigin(ValueError):
    """The text is not an origin that may frame a form; the message says why."""


class InvalidKeyName(ValueError):
    """The name of a key is not short and plain, as it must be to stand in the counts."""


def parse_origin(text: str) -> str:
    """The origin as a browser writes it (RFC 6454, 6.2): scheme, host in A-labels, port if unusual.

    Only https, and http for the local machine. Raises InvalidOrigin.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise InvalidOrigin("this is not an address") from None
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise InvalidOrigin("give scheme and host only, such as https://www.example.edu")
    host = _host(parts.hostname or "")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _OWN_MACHINE):
        raise InvalidOrigin("the address must begin with https://")
    usual = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" if usual else f"{parts.scheme}://{host}:{port}"


def _host(name: str) -> str:
    if name in _OWN_MACHINE:
        return name
    try:
        host = ascii_domain(name)
    except InvalidDomain:
        raise InvalidOrigin("the host is not a name that the DNS can have") from None
    if registrable_domain(host) is None:
        raise InvalidOrigin(
            "the host must have an owner: not a number, not a part of the DNS for all"
        )
    return host


def check_key_name(name: str) -> str:
    """Return the name unchanged. Raises InvalidKeyName."""
    if not KEY_NAME.fullmatch(name):
        raise InvalidKeyName(
            "use up to 40 lowercase letters, digits, hyphens and dots, such as uni-nairobi"
        )
    return name
