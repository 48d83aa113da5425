"""Commands that run the site, or prepare it to run."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import text

from campaign import jobs
from campaign.campaigns.operations import publish_shipped
from campaign.clock import now
from campaign.config import ONE_KEY_ADVICE, Settings, current_settings
from campaign.db import db
from campaign.demo import pledges as invented
from campaign.institutions import queries as institution_queries
from campaign.institutions.operations import import_dump
from campaign.paths import TRANSLATIONS
from campaign.tallies.operations import fold_all, repair

WORKER_THREADS = 4
# The number only has to be ours.
_PREPARE_LOCK = 4_861_005
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
def up(folder: Path, port: int, mail_port: int, mailbox_port: int, demo: bool) -> None:
    """Run everything on this machine: database, site, worker, scheduler, mail catcher.

    Ctrl-C stops all of it. What dies is restarted. Where DATABASE_URL, BROKER_URL or SMTP_URL is set, that
    server is used instead of an own one.
    """
    from campaign.cli import stack
    from campaign.local.processes import FolderInUseError

    try:
        sys.exit(stack.run(stack.Ports(port, mail_port, mailbox_port), folder, with_demo=demo))
    except FolderInUseError as error:
        raise click.ClickException(str(error)) from None


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port.")
@with_appcontext
def web(bind: str) -> None:
    """Serve the site with gunicorn."""
    settings = current_settings()
    _advise(settings)
    os.execv(
        sys.executable,
        [
            sys.executable,
            "-m",
            "gunicorn",
            "campaign.wsgi:app",
            f"--bind={bind}",
            "--worker-class=gthread",
            f"--workers={settings.web_workers}",
            f"--threads={settings.web_threads}",
            "--keep-alive=15",
            "--graceful-timeout=10",
            "--max-requests=200000",
            "--max-requests-jitter=20000",
            "--no-control-socket",
        ],
    )


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
@with_appcontext
def setup(demo: bool) -> None:
    """Migrate; give a new instance its starter registry and, if asked, demonstration data. Safe to repeat."""
    with _alone():
        _upgrade()
        if institution_queries.is_empty():
            import_dump(institution_queries.starter_path())
            if demo:
                invented.add(DEMO_PLEDGES, now())
                fold_all()  # the first visitor shall not see a site that is still counting
            jobs.commit()
            click.echo("A new instance: the starter registry is in place.")


def _advise(settings: Settings) -> None:
    """Say how to get two keys, where an instance has one."""
    if not settings.hash_key:
        click.echo(ONE_KEY_ADVICE, err=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Two nodes that start at once must not prepare the database at once: the second finds all done."""
    # Across commits, hence on a connection of its own, with which the lock ends.
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _PREPARE_LOCK})
        yield


def _upgrade() -> None:
    """Migrate, publish, and count what an earlier version did not count."""
    import flask_migrate

    flask_migrate.upgrade()
    publish_shipped_texts()
    if changed := repair():
        click.echo(f"Brought {len(changed):,} tallies in line with the pledges.")
    jobs.commit()


def publish_shipped_texts() -> None:
    """Publish every campaign that ships with the program, where its files have changed."""
    for folder in sorted((TRANSLATIONS / "campaigns").iterdir()):
        if version := publish_shipped(folder):
            click.echo(f"Published version {version} of {folder.name}.")
    jobs.commit()


@click.command()
def settings() -> None:
    """Explain every setting; each is an environment variable."""
    for setting in fields(Settings):
        default = "required" if setting.default is None else f"default: {setting.default!r}"
        click.echo(f"{setting.name.upper()}\n    {setting.metadata['help']} ({default})")
