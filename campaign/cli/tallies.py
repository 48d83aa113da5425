"""Commands for the tallies."""

import sys

import click
from flask.cli import AppGroup

from campaign import jobs
from campaign.clock import now
from campaign.partners.webhooks import fold_and_announce
from campaign.tallies import operations as tally_operations

tallies = AppGroup("tallies", help="Fold the tallies, and check them.")


@tallies.command()
def fold() -> None:
    """Fold all waiting changes into the tallies now, as the worker does."""
    total = 0
    while folded := fold_and_announce(now()):
        jobs.commit()
        total += folded
    click.echo(f"Folded {total:,} changes.")


@tallies.command()
@click.option("--repair/--no-repair", default=True, show_default=True, help="Correct what differs.")
def reconcile(repair: bool) -> None:
    """Compare every tally with a GROUP BY over the pledges. The exit code is 1 if any differed."""
    differences = tally_operations.repair() if repair else tally_operations.differences()
    jobs.commit()
    for difference in differences:
        click.echo(
            f"campaign {difference.campaign_id} {difference.kind} {difference.dimension} {difference.key or '-'}: "
            f"was {difference.is_now:,}, is {difference.should_be:,}"
        )
    click.echo(
        f"{len(differences)} tallies differed." if differences else "All tallies equal the pledges."
    )
    sys.exit(1 if differences else 0)
