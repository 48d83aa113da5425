"""``lightup up``: database, mail catcher, site, desk, worker and scheduler on this machine, supervised."""

import os
import platform
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from campaign.config import local_keys
from campaign.local.console import Steps, shown, write
from campaign.local.postgres import EmbeddedPostgres, PostgresError, find_binaries
from campaign.local.supervisor import Child, Supervisor, answers, listening

_LIGHTUP = [sys.executable, "-m", "campaign.main"]
_LOGS = "log"


class MissingExtraError(Exception):
    """A built-in server is not installed; the sentence says how to get it."""


class PortInUseError(Exception):
    """Another program has a port that a server needs; the sentence says how to name another."""


@dataclass(frozen=True)
class Ports:
    """Where the servers listen, on this machine only."""

    site: int
    desk: int
    mail: int
    mailbox: int


def run(ports: Ports, folder: Path, *, with_demo: bool) -> int:
    """Run until Ctrl-C; return the exit code. Servers named in the environment are used, not started.

    Raises MissingExtraError, PortInUseError, and FolderInUseError when another one runs in the folder.
    """
    _check_extra()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    postgres = None if os.environ.get("DATABASE_URL") else EmbeddedPostgres(folder / "postgres")
    environment = _environment(ports, folder, postgres)
    children = list(_children(ports, folder, postgres, environment, with_demo))
    console = Steps([child.name for child in children], logs_of(folder))
    supervisor = Supervisor(
        folder, children, all_ready=lambda: _announce(ports, folder, console), console=console
    )

    def before() -> None:
        _check_ports(ports)
        _describe(console)

    return supervisor.run(before)


def logs_of(folder: Path) -> Path:
    """Where the logs of the instance in `folder` are."""
    return folder / _LOGS


def demo_link_of(folder: Path) -> Path:
    """Where the link that opens the desk of a demonstration in `folder` is."""
    return folder / "desk_link"


def _check_extra() -> None:
    """Check what the built-in servers need: they are an extra, since a public site has its own servers."""
    advice = "The extra has it: pip install 'lightup[local]'. Or name a server in"
    if not os.environ.get("SMTP_URL") and not find_spec("aiosmtpd"):
        raise MissingExtraError(f"The built-in mail catcher is not installed. {advice} SMTP_URL.")
    if not os.environ.get("DATABASE_URL"):
        try:
            find_binaries()
        except PostgresError as error:
            raise MissingExtraError(f"{error} {advice} DATABASE_URL.") from None


def _check_ports(ports: Ports) -> None:
    """Refuse a port that another program has: a server that cannot have it would be started again and again."""
    options = {"--port": ports.site, "--desk-port": ports.desk}
    if not os.environ.get("SMTP_URL"):
        options |= {"--mail-port": ports.mail, "--mailbox-port": ports.mailbox}
    for option, port in options.items():
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError as error:
            raise PortInUseError(
                f"Port {port} cannot be had ({error.strerror}). Name another one with {option}."
            ) from None


def _environment(
    ports: Ports, folder: Path, postgres: EmbeddedPostgres | None
) -> Mapping[str, str]:
    """Settings for the children; what the operator set wins."""
    defaults = {
        **local_keys(folder),
        "SITE_URL": f"http://localhost:{ports.site}",
        "DESK_URL": f"http://localhost:{ports.desk}",
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
        yield Child(
            "postgres",
            postgres.prepare,
            title="Database",
            ready=postgres.ready,
            stop_signal=signal.SIGINT,
        )
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
            "mail",
            catcher,
            title="Mail catcher",
            ready=lambda: listening(ports.mail) and listening(ports.mailbox),
        )
    link = demo_link_of(folder)
    link.unlink(missing_ok=True)
    demo = "--demo" if with_demo else "--no-demo"
    setup = [*_LIGHTUP, "setup", demo, f"--demo-link={link}"]
    yield Child("setup", setup, title="Setup", env=environment, once=True)
    yield _server("web", "Site", ports.site, "/ready", environment)
    yield _server("desk", "Desk", ports.desk, "/sign-in/", environment)
    yield Child("worker", [*_LIGHTUP, "worker"], title="Worker", env=environment)
    yield Child("scheduler", [*_LIGHTUP, "scheduler"], title="Scheduler", env=environment)


def _server(
    command: str, title: str, port: int, path: str, environment: Mapping[str, str]
) -> Child:
    """Return a program that serves pages, and is ready once it answers at a path."""
    return Child(
        command,
        [*_LIGHTUP, command, f"--bind=127.0.0.1:{port}"],
        title=title,
        env=environment,
        ready=lambda: answers(f"http://127.0.0.1:{port}{path}"),
    )


def _describe(console: Steps) -> None:
    """Say what is used as it is."""
    python = f"Python {platform.python_version()} in {shown(Path(sys.prefix))}"
    console.line("Environment", python)
    servers = {"Database": "DATABASE_URL", "Queue": "BROKER_URL", "Mail server": "SMTP_URL"}
    for title, name in servers.items():
        if os.environ.get(name):
            console.line(title, f"the one in {name}")


def _announce(ports: Ports, folder: Path, console: Steps) -> None:
    """Say where everything is and what to try first."""
    site, desk, mailbox = (
        f"http://localhost:{port}/" for port in (ports.site, ports.desk, ports.mailbox)
    )
    link = demo_link_of(folder)
    if link.exists():
        desk = f"{link.read_text()}  (signs you in as its administrator)"
    has_catcher = not os.environ.get("SMTP_URL")
    logs = f"{shown(Path(sys.prefix))}/bin/lightup logs --follow"
    if folder != Path("var").resolve():
        logs += f" --folder {shown(folder)}"
    lines = [
        f"Ready after {console.seconds():.0f} s.",
        "",
        f"The site     {site}",
        f"The desk     {desk}",
        *([f"Caught mail  {mailbox}"] if has_catcher else []),
        "",
        "Try this first: make a pledge on the site, open the mail that it sends"
        + (" (among the caught mail)," if has_catcher else ","),
        "and follow its link to confirm. Then you are counted. To read on: README.md and docs/.",
        f"The programs' output is in {shown(logs_of(folder))}. To watch it: {logs}",
        "",
        "Ctrl-C stops everything.",
    ]
    write(("\n" + "".join(f"  {line}".rstrip() + "\n" for line in lines) + "\n").encode())
