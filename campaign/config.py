"""All settings in one frozen object, read from the environment and checked once, at start.

``Settings.from_env`` raises ``ConfigError`` with one sentence for each problem, so that an operator can fix all of
them at once instead of one per restart.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import current_app

Value = TypeVar("Value")


class ConfigError(Exception):
    """The environment does not describe a campaign that can run."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(f"- {problem}" for problem in problems))
        self.problems = problems


def _setting(help_text: str, default: Value | None, parse: Callable[[str], Value]) -> Value:
    """A field of Settings. Without a default the setting is required.

    ``parse`` raises ValueError with what the value must be, such as "must be yes or no".
    """
    return cast("Value", field(default=default, metadata={"help": help_text, "parse": parse}))


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if urlsplit(value).scheme not in schemes:
            raise ValueError(
                f"must be a URL that starts with {' or '.join(f'{s}:' for s in schemes)}"
            )
        return value

    return parse


def _site_url(value: str) -> str:
    parts = urlsplit(_url("http", "https")(value))
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be an address without a path, such as https://example.org")
    return value.rstrip("/")


def _issuer(value: str) -> str:
    parts = urlsplit(_url("http", "https")(value))
    if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1"}:
        raise ValueError("must begin with https:")
    return value  # compared as it is, even a slash at its end (OpenID Connect Core, 3.1.3.7)


def _database_url(value: str) -> str:
    value = _url("postgresql", "postgres", "postgresql+psycopg")(value)
    # SQLAlchemy's bare "postgresql" means psycopg2, which is not installed; operators write either.
    return "postgresql+psycopg" + value[value.index(":") :]


def _boolean(value: str) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if value.lower() not in words:
        raise ValueError("must be yes or no")
    return words[value.lower()]


def _integer(minimum: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isdecimal() or int(value) < minimum:
            raise ValueError(f"must be a whole number of at least {minimum}")
        return int(value)

    return parse


def _secret(value: str) -> str:
    if len(value) < 32:
        raise ValueError(
            "must have at least 32 characters; `python -c 'import secrets; print(secrets.token_hex(32))'` makes one"
        )
    return value


def _secrets(value: str) -> tuple[str, ...]:
    return tuple(_secret(part.strip()) for part in value.split(","))


def _hosts(value: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in value.split(","))
    if not all(re.fullmatch(r"[a-z0-9.-]+", host) for host in hosts):
        raise ValueError("must be names of hosts, separated by commas, without scheme and port")
    return hosts


def _mailbox(value: str) -> str:
    _, address = parseaddr(value)
    local, _, domain = address.rpartition("@")
    if not local or not domain or " " in address:
        raise ValueError(
            "must be an address, such as office@example.org or Our Office <office@example.org>"
        )
    return value


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One attribute for each setting; its environment variable is the name in capitals."""

    database_url: str = _setting("PostgreSQL 18 or later", None, _database_url)
    secret_key: str = _setting("signs links; may be changed", None, _secret)
    secret_key_fallbacks: tuple[str, ...] = _setting(
        "earlier values of SECRET_KEY, separated by commas: links that they signed stay valid",
        (),
        _secrets,
    )
    hash_key: str = _setting(
        "keys every hash: known addresses, receipts, certificates, API keys; never changes;"
        " SECRET_KEY serves where it is not set",
        "",
        _secret,
    )
    site_url: str = _setting(
        "address of the site as people see it", "http://localhost:8000", _site_url
    )
    desk_url: str = _setting(
        "address of the desk, where staff work; another origin than SITE_URL",
        "http://localhost:8001",
        _site_url,
    )
    oidc_issuer: str = _setting(
        "a service (OpenID Connect) by which staff can sign in, as it calls itself; none if not set",
        "",
        _issuer,
    )
    oidc_client_id: str = _setting("what that service calls the desk", "", str)
    oidc_client_secret: str = _setting("how the desk proves itself to it", "", str)
    oidc_name: str = _setting("what staff call that service", "single sign-on", str)
    other_hosts: tuple[str, ...] = _setting(
        "further hosts that the site answers for, separated by commas, such as www.example.org",
        (),
        _hosts,
    )
    broker_url: str = _setting(
        "queue of wake-up calls: postgresql: (the database itself), redis: or amqp:",
        "postgresql:",
        _url("postgresql", "redis", "rediss", "amqp", "amqps", "memory"),
    )
    smtp_url: str = _setting(
        "smtp://[user:password@]host:port, smtps: for TLS from the start, smtp+starttls: for STARTTLS",
        "smtp://localhost:8025",
        _url("smtp", "smtps", "smtp+starttls"),
    )
    limiter_url: str = _setting(
        "where rate limits are counted: memory: or redis:",
        "memory://",
        _url("memory", "redis", "rediss"),
    )
    mail_from: str = _setting(
        "sender of every e-mail", "Light Up the Heart of Science <pledges@localhost>", _mailbox
    )
    contact_address: str = _setting(
        "the address of the campaign team, shown on every page", "office@localhost", _mailbox
    )
    trusted_proxies: int = _setting(
        "how many reverse proxies stand before the site", 0, _integer(0)
    )
    web_workers: int = _setting("gunicorn processes", 2, _integer(1))
    web_threads: int = _setting("threads in each of them", 8, _integer(1))
    worker_processes: int = _setting("Dramatiq processes", 1, _integer(1))
    pledges_per_network: int = _setting(
        "pledges an hour from one network before the rest are held for review", 30, _integer(1)
    )
    pledges_per_campus: int = _setting(
        "the same when they are all from one institution", 500, _integer(1)
    )
    mails_per_address: int = _setting(
        "mails a day that anyone may cause to one address with forms, and as many by asking for its link",
        5,
        _integer(1),
    )
    new_mails_per_network: int = _setting(
        "mails a minute to addresses never seen that one network may cause; more wait",
        60,
        _integer(1),
    )
    new_mails_in_all: int = _setting(
        "mails a minute to addresses never seen, whoever causes them; more wait", 6_000, _integer(1)
    )
    unconfirmed_days: int = _setting("days until an unconfirmed pledge is removed", 30, _integer(1))
    network_hash_days: int = _setting(
        "days until keyed network hashes are removed", 30, _integer(1)
    )
    webhooks_to_private_networks: bool = _setting(
        "lets webhooks reach private and loopback addresses, by plain http too", False, _boolean
    )
    data_folder: str = _setting(
        "where datasets and the exports of staff are kept; the worker writes it, site and desk read it",
        "var/data",
        str,
    )
    testing: bool = _setting(
        "relaxes nothing; fails on undefined template variables", False, _boolean
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings; an empty variable counts as not set. Raises ConfigError with all problems at once."""
        values: dict[str, Any] = {}
        problems = []
        for setting in fields(cls):
            raw = environ.get(setting.name.upper(), "").strip()
            if raw:
                try:
                    values[setting.name] = setting.metadata["parse"](raw)
                except ValueError as error:
                    problems.append(f"{setting.name.upper()} {error}.")
            elif setting.default is None:
                problems.append(f"{setting.name.upper()} is not set: {setting.metadata['help']}.")
        if problems:
            raise ConfigError(problems)
        return cls(**values)

    @property
    def permanent_key(self) -> str:
        """The key of every hash: HASH_KEY, or SECRET_KEY in an instance with one key only."""
        return self.hash_key or self.secret_key

    @property
    def has_oidc(self) -> bool:
        return bool(self.oidc_issuer and self.oidc_client_id)

    @property
    def site_host(self) -> str:
        return urlsplit(self.site_url).hostname or "localhost"


def current_settings() -> Settings:
    """Return the settings of the current application."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings


ONE_KEY_ADVICE = (
    "HASH_KEY is not set, so SECRET_KEY keys every hash and can never be changed. To divide them, set HASH_KEY to"
    " today's SECRET_KEY. From then on SECRET_KEY may be changed; keep its earlier value in SECRET_KEY_FALLBACKS"
    " until the links that it signed have expired (UNCONFIRMED_DAYS)."
)


def local_keys(folder: Path) -> dict[str, str]:
    """Return the keys of a one-command instance, by setting: created once, in files that only its owner can read.

    An instance from before there were two keys goes on with one value for both.
    """
    secret_key, hash_key = folder / "secret_key", folder / "hash_key"
    if not hash_key.exists():
        _store(hash_key, secret_key.read_text() if secret_key.exists() else secrets.token_hex(32))
    if not secret_key.exists():
        _store(secret_key, secrets.token_hex(32))
    return {"SECRET_KEY": secret_key.read_text().strip(), "HASH_KEY": hash_key.read_text().strip()}


def _store(path: Path, key: str) -> None:
    """Write the key as a whole or not at all: half a key would lock its owner out."""
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text(key)
    temporary.replace(path)
