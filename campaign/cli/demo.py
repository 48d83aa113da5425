"""Commands for demonstration data."""

import click
from flask.cli import AppGroup

from campaign import jobs
from campaign.cli.common import actor
from campaign.cli.running import DEMO_PLEDGES
from campaign.clock import now
from campaign.demo import pledges as demo_pledges
from campaign.pledges.queries import has_demo
from campaign.staff import operations
from campaign.tallies.operations import fold_all
from campaign.tallies.publishing import publish

demo = AppGroup(
    "demo", help="Add or remove invented pledges. While they are there, every page says so."
)


@demo.command()
@click.option(
    "--pledges",
    type=click.IntRange(min=1),
    default=DEMO_PLEDGES,
    show_default=True,
    help="How many to invent.",
)
def add(pledges: int) -> None:
    """Add invented pledges in all languages, spread over the institutions of the registry and many months."""
    if has_demo():
        raise click.ClickException("This instance has demonstration data already.")
    added = demo_pledges.add(pledges, now())
    _count()
    click.echo(f"Added {added:,} invented pledges.")


@demo.command()
def remove() -> None:
    """Remove all invented pledges and people, and end the administrator of the demonstration; nothing else."""
    removed = demo_pledges.remove()
    operations.end_demonstration(actor(), now())
    _count()
    click.echo(f"Removed {removed:,} invented pledges.")


def _count() -> None:
    """Count and publish at once what readers of real pledges see within a day."""
    fold_all()
    publish(now())
    jobs.commit()
