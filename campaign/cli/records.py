"""Commands for the published numbers."""

import subprocess
import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from campaign import jobs
from campaign.campaigns.queries import list_all
from campaign.clock import now
from campaign.config import current_settings
from campaign.paths import VERIFIER
from campaign.pledges.policy import current_policy
from campaign.records import operations, queries

records = AppGroup("records", help="Publish the day's numbers with the list behind them; check it.")


@records.command()
def publish() -> None:
    """Publish the numbers of the day that is over now, as the worker does within the first hour of the next."""
    settings, day = current_settings(), operations.last_day(now())
    folder, signer = Path(settings.data_folder), current_policy().signer
    with operations.publication(folder, signer, day, settings.site_url) as is_new:
        jobs.commit()
    nothing = f"Nothing to do: {day} or a later day is published, or being published."
    click.echo(f"Published {day}." if is_new else nothing)


@records.command()
def verify() -> None:
    """Check the newest dataset with docs/verify.py, and that its chain is the one in the database."""
    dataset = queries.published(Path(current_settings().data_folder), queries.LATEST)
    if dataset is None:
        raise click.ClickException("No dataset was published yet.")
    digests = [
        record.digest
        for campaign in list_all()
        for record in queries.latest(campaign.id, operations.DAYS_KEPT)
        if record.day <= dataset.day
    ]
    checked = subprocess.run(
        [sys.executable, VERIFIER, dataset.path, *digests],
        check=False,
        capture_output=True,
        text=True,
    )
    click.echo(checked.stdout + checked.stderr, nl=False)
    sys.exit(checked.returncode)
