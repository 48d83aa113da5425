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
from campaign.records import operations as record_operations
from campaign.records import queries as record_queries

records = AppGroup(
    "records", help="Publish the day's numbers with the list behind them; verify them."
)


@records.command()
def publish() -> None:
    """Publish yesterday's numbers (UTC), as the worker does in the first hour of a day."""
    settings, day = current_settings(), record_operations.last_day(now())
    folder, signer = Path(settings.data_folder), current_policy().signer
    with record_operations.publication(folder, signer, day, settings.site_url) as is_new:
        jobs.commit()
    nothing = f"Nothing to do: {day} or a later day is published, or being published."
    click.echo(f"Published {day}." if is_new else nothing)


@records.command()
def verify() -> None:
    """Check the newest dataset with docs/verify.py, and that its chain of digests is the one in the database."""
    dataset = record_queries.published(Path(current_settings().data_folder), record_queries.LATEST)
    if dataset is None:
        raise click.ClickException("No dataset was published yet.")
    digests = [
        record.digest
        for campaign in list_all()
        for record in record_queries.latest(campaign.id, record_operations.DAYS_KEPT)
        if record.day <= dataset.day
    ]
    process = subprocess.run(
        [sys.executable, VERIFIER, dataset.path, *digests],
        check=False,
        capture_output=True,
        text=True,
    )
    click.echo(process.stdout + process.stderr, nl=False)
    sys.exit(process.returncode)
