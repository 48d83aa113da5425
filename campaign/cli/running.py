"""Commands that run the site, or prepare it to run."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import text

from campaign import jobs
from campaign.campaigns.drafts import count_proposals
from campaign.campaigns.operations import publish_shipped
from campaign.cli.common import actor
from campaign.clock import now
from campaign.config import ONE_KEY_ADVICE, Settings, current_settings
from campaign.db import db, lock_number
from campaign.demo import pledges as invented
from campaign.institutions import queries as institution_queries
from campaign.institutions.names import index_names_of_before
from campaign.institutions.operations import import_dump
from campaign.paths import TRANSLATIONS
from campaign.pledges import queries as pledge_queries
from campaign.staff import operations as staff_operations
from campaign.tallies.operations import fold_all, repair
from campaign.tallies.publishing import publish

WORKER_THREADS = 4
# For what a worker is doing when it is told to stop; the supervisor waits for 10. Its queue may be away meanwhile.
STOP_SECONDS = 8
# One preparation at a time: two hosts may start at once.
_PREPARE_LOCK = lock_number("prepare database")
DEMO_PLEDGES = 4_000


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("var"),
    show_default=True,
    help="Where everything is kept.",
)
@click.option("--port", default=8000, show_default=True, help="Port of the site.")
@click.option("--desk-port", default=8001, show_default=True, help="Port of the desk.")
@click.option("--mail-port", default=8025, show_default=True, help="SMTP port of the mail catcher.")
@click.option(
    "--mailbox-port", default=8026, show_default=True, help="Port of the caught mail's web page."
)
@click.option(
    "--demo/--no-demo",
    default=lambda: not os.environ.get("DATABASE_URL"),
    show_default="--demo, but --no-demo with a DATABASE_URL",
    help="Add demonstration data to a new instance.",
)
def up(
    folder: Path, port: int, desk_port: int, mail_port: int, mailbox_port: int, demo: bool
) -> None:
    """Run everything on this machine: database, site, desk, worker, scheduler, mail catcher.

    Ctrl-C stops all of it. What dies is restarted. Where DATABASE_URL, BROKER_URL or SMTP_URL is set, that
    server is used instead of the built-in one. Their output goes to FOLDER/log: see `lightup logs`.
    """
    from campaign.cli import stack
    from campaign.local.processes import FolderInUseError

    try:
        sys.exit(
            stack.run(stack.Ports(port, desk_port, mail_port, mailbox_port), folder, with_demo=demo)
        )
    except (FolderInUseError, stack.MissingExtraError, stack.PortInUseError) as error:
        raise click.ClickException(str(error)) from None


@click.command()
@click.argument("program", required=False)
@click.option("--follow", is_flag=True, help="Keep showing new lines until Ctrl-C.")
@click.option("--lines", default=50, show_default=True, help="How many lines of each program.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("var"),
    show_default=True,
    help="That of `lightup up`.",
)
def logs(program: str | None, follow: bool, lines: int, folder: Path) -> None:
    """Show the last output of the programs that `lightup up` runs, or of one PROGRAM. Times are in UTC."""
    from campaign.cli.stack import logs_of
    from campaign.local import logs as files
    from campaign.local.console import Prefixes

    programs = files.programs(logs_of(folder))
    if not programs:
        raise click.ClickException(f"There are no logs in {folder}. `lightup up` writes them.")
    if program and program not in programs:
        known = ", ".join(programs)
        raise click.ClickException(f"{program} has no log. These have one: {known}.")
    names = [program] if program else programs
    prefixes = Prefixes(names)
    with suppress(KeyboardInterrupt):
        for line in files.read(logs_of(folder), names, lines, follow=follow):
            click.echo(prefixes.put_before(line.program, line.content), nl=False)


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port.")
@with_appcontext
def web(bind: str) -> None:
    """Serve the site, with gunicorn and waitress."""
    settings = current_settings()
    _advise(settings)
    os.execv(sys.executable, gunicorn("campaign.wsgi:app", bind, settings))


@click.command()
@click.option("--bind", default="127.0.0.1:8001", show_default=True, help="Address and port.")
@with_appcontext
def desk(bind: str) -> None:
    """Serve the desk, where staff work, as the site is served. It has an origin of its own: DESK_URL."""
    # A handful of people: one process has threads enough, and keeps what one of them has just changed in sight.
    settings = replace(current_settings(), web_workers=1)
    os.execv(sys.executable, gunicorn("campaign.wsgi_desk:app", bind, settings))


def gunicorn(app: str, bind: str, settings: Settings) -> list[str]:
    """The command line that serves an application as the site is served; see ``campaign.server``."""
    return [
        sys.executable,
        "-m",
        "gunicorn",
        app,
        f"--bind={bind}",
        "--worker-class=campaign.server.BufferingWorker",
        f"--workers={settings.web_workers}",
        f"--threads={settings.web_threads}",
        "--keep-alive=15",
        "--graceful-timeout=10",
        "--max-requests=200000",
        "--max-requests-jitter=20000",
        "--no-control-socket",
    ]


@click.command()
@with_appcontext
def worker() -> None:
    """Work on what the site queues: letters and tallies."""
    settings = current_settings()
    os.execv(
        sys.executable,
        [
            sys.executable,
            "-m",
            "dramatiq",
            "worker.main:broker",
            f"--processes={settings.worker_processes}",
            f"--threads={WORKER_THREADS}",
            f"--worker-shutdown-timeout={STOP_SECONDS * 1000}",
            "--skip-logging",
        ],
    )


@click.command()
@with_appcontext
def migrate() -> None:
    """Bring the database to this version: schema, counts, texts that have changed. Safe to repeat."""
    _advise(current_settings())
    with _alone():
        _upgrade()


@click.command()
@click.option(
    "--demo/--no-demo",
    default=False,
    show_default=True,
    help="Add demonstration data, if the instance is new.",
)
@click.option(
    "--demo-link",
    type=click.Path(path_type=Path),
    help="Write a link that opens the desk to this file, if the instance is a demonstration.",
)
@with_appcontext
def setup(demo: bool, demo_link: Path | None) -> None:
    """Migrate; give a new instance its starter registry and, if asked, demonstration data. Safe to repeat."""
    with _alone():
        _upgrade()
        if institution_queries.is_empty():
            _import_starter_registry()
            if demo:
                _invent_pledges()
            jobs.commit()
    if demo_link and pledge_queries.has_demo():
        _open_desk(demo_link)


def _open_desk(path: Path) -> None:
    """Write the address that signs in the administrator of the demonstration; only its owner can read the file."""
    secret = staff_operations.demonstrate(actor(), "Demonstration", now())
    jobs.commit()
    path.touch(mode=0o600)
    path.write_text(f"{current_settings().desk_url}/join/{secret}/")


def _import_starter_registry() -> None:
    click.echo("A new instance: importing the starter registry …")
    summary = import_dump(institution_queries.starter_path())
    click.echo(f"Registry: {summary.added:,} institutions")


def _invent_pledges() -> None:
    def say(number: int) -> None:
        click.echo(f"Invented pledges: {number:,} of {DEMO_PLEDGES:,} …")

    invented.add(DEMO_PLEDGES, now(), progress=say)
    click.echo("Invented pledges: counting …")
    fold_all()  # or the first visitor would see a site that is still counting
    publish(now())
    click.echo(f"Invented pledges: {DEMO_PLEDGES:,}")


def _advise(settings: Settings) -> None:
    """Say how to get two keys, where an instance has one."""
    if not settings.hash_key:
        click.echo(ONE_KEY_ADVICE, err=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Let one node at a time prepare the database: of two that start together, the second finds everything done."""
    # Across commits, hence on a connection of its own, with which the lock ends.
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _PREPARE_LOCK})
        yield


def _upgrade() -> None:
    """Migrate, publish, and bring up to date what an earlier version stored."""
    import flask_migrate

    flask_migrate.upgrade()
    publish_shipped_texts()
    if names := index_names_of_before():
        click.echo(f"Indexed {names:,} names of institutions for the new search.")
    if changed := repair():
        click.echo(f"Brought {len(changed):,} tallies in line with the pledges.")
    jobs.commit()


def publish_shipped_texts() -> None:
    """Publish every campaign that ships with the program, where its files have changed.

    What has changed in one that staff manage is proposed to them.
    """
    for folder in sorted((TRANSLATIONS / "campaigns").iterdir()):
        if version := publish_shipped(folder):
            click.echo(f"Published version {version} of {folder.name}.")
        if waiting := count_proposals(folder.name):
            click.echo(f"{folder.name}: {waiting} proposed passages wait at the desk.")
    jobs.commit()


@click.command()
def settings() -> None:
    """Explain every setting; each is an environment variable."""
    for setting in fields(Settings):
        default = "required" if setting.default is None else f"default: {setting.default!r}"
        click.echo(f"{setting.name.upper()}\n    {setting.metadata['help']} ({default})")
