"""``lightup up``: database, mail catcher, site, worker and scheduler on this machine, under one supervisor."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from campaign.config import local_keys
from campaign.local.postgres import EmbeddedPostgres
from campaign.local.supervisor import Child, Supervisor, answers, listening

_LIGHTUP = [sys.executable, "-m", "campaign.main"]


@dataclass(frozen=True)
class Ports:
    """Where the three servers listen, on this machine only."""

    site: int
    mail: int
    mailbox: int


def run(ports: Ports, folder: Path, *, with_demo: bool) -> int:
    """Run until Ctrl-C; return the exit code. Servers named in the environment are used, not started."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    postgres = None if os.environ.get("DATABASE_URL") else EmbeddedPostgres(folder / "postgres")
    environment = _environment(ports, folder, postgres)
    children = list(_children(ports, folder, postgres, environment, with_demo))
    return Supervisor(folder, children, all_ready=lambda: _announce(ports)).run()


def _environment(
    ports: Ports, folder: Path, postgres: EmbeddedPostgres | None
) -> Mapping[str, str]:
    """Settings for the children; what the operator set wins."""
    defaults = {
        **local_keys(folder),
        "SITE_URL": f"http://localhost:{ports.site}",
        "SMTP_URL": f"smtp://127.0.0.1:{ports.mail}",
        "DATA_FOLDER": str(folder / "data"),
    }
    if postgres:
        defaults["DATABASE_URL"] = postgres.url
    return {name: os.environ.get(name) or value for name, value in defaults.items()}


def _children(
    ports: Ports,
    folder: Path,
    postgres: EmbeddedPostgres | None,
    environment: Mapping[str, str],
    with_demo: bool,
) -> Iterator[Child]:
    if postgres:
        yield Child("postgres", postgres.prepare, ready=postgres.ready, stop_signal=signal.SIGINT)
    if not os.environ.get("SMTP_URL"):
        catcher = [
            sys.executable,
            "-m",
            "campaign.local.mail_catcher",
            str(ports.mail),
            str(ports.mailbox),
            str(folder / "mail"),
        ]
        yield Child(
            "mail", catcher, ready=lambda: listening(ports.mail) and listening(ports.mailbox)
        )
    setup = [*_LIGHTUP, "setup", "--demo" if with_demo else "--no-demo"]
    yield Child("setup", setup, env=environment, once=True)
    health = f"http://127.0.0.1:{ports.site}/health"
    yield Child(
        "web",
        [*_LIGHTUP, "web", f"--bind=127.0.0.1:{ports.site}"],
        env=environment,
        ready=lambda: answers(health),
    )
    yield Child("worker", [*_LIGHTUP, "worker"], env=environment)
    yield Child("scheduler", [*_LIGHTUP, "scheduler"], env=environment)


def _announce(ports: Ports) -> None:
    mailbox = (
        "" if os.environ.get("SMTP_URL") else f"\n  Caught mail  http://localhost:{ports.mailbox}/"
    )
    print(
        f"\n  The site     http://localhost:{ports.site}/{mailbox}\n\n  Ctrl-C stops everything.\n",
        flush=True,
    )
