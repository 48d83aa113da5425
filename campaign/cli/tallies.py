"""Commands for the counts."""

import sys

import click
from flask.cli import AppGroup

from campaign import jobs
from campaign.clock import now
from campaign.partners.webhooks import fold_and_announce
from campaign.tallies import operations

tallies = AppGroup("tallies", help="Fold the counts, and prove them right.")


@tallies.command()
def fold() -> None:
    """Fold all waiting changes into the tallies now, as the worker does."""
    total = 0
    while folded := fold_and_announce(now()):
        jobs.commit()
        total += folded
    click.echo(f"Folded {total:,} changes.")


@tallies.command()
@click.option(
    "--repair/--no-repair", default=True, show_default=True, help="Set right what differs."
)
def reconcile(repair: bool) -> None:
    """Compare every tally with a GROUP BY over the pledges. Exit code 1 where something differed."""
    wrong = operations.repair() if repair else operations.differences()
    jobs.commit()
    for difference in wrong:
        click.echo(
            f"campaign {difference.campaign_id} {difference.kind} {difference.dimension} {difference.key or '-'}: "
            f"was {difference.is_now:,}, is {difference.should_be:,}"
        )
    click.echo(f"{len(wrong)} tallies differed." if wrong else "All tallies equal the pledges.")
    sys.exit(1 if wrong else 0)
