"""Commands about accounts at the desk."""

import click
from flask.cli import AppGroup

from campaign import i18n, jobs
from campaign.cli.common import actor
from campaign.clock import now
from campaign.config import current_settings
from campaign.staff import operations, queries
from campaign.staff.models import Account
from campaign.staff.operations import AddressTaken, LastAdministrator, Rights
from campaign.staff.policy import PRINTED_LIFETIME
from campaign.staff.rules import InvalidAddress, InvalidName, Role

staff = AppGroup(
    "staff", help="Accounts at the desk: the first one is made here, the others at the desk."
)


@staff.command()
@click.argument("address")
@click.option("--name", prompt=True, help="As others see it.")
@click.option("--language", default=i18n.DEFAULT, show_default=True, help="A BCP 47 tag.")
def add(address: str, name: str, language: str) -> None:
    """Add an administrator, and print the link by which they choose how they sign in."""
    if not i18n.is_offered(language):
        raise click.ClickException(f"{language} is not offered: {', '.join(i18n.offered())}.")
    try:
        rights = Rights([Role.ADMINISTRATOR])
        account = operations.add(actor(), address, name, language, rights)
    except AddressTaken:
        raise click.ClickException(
            f"{address} has an account. `lightup staff invite` opens it again."
        ) from None
    except InvalidAddress:
        raise click.ClickException(f"{address} is no e-mail address.") from None
    except InvalidName:
        raise click.ClickException("A name has 1 to 100 characters.") from None
    _print_link(account)


@staff.command()
@click.argument("address")
def invite(address: str) -> None:
    """Print a new link for an account: its passkeys and password are removed. For someone who is locked out."""
    account = _find(address)
    if account.ended_at:
        operations.reopen(actor(), account)
    _print_link(account)


def _print_link(account: Account) -> None:
    secret = operations.invite(actor(), account, now(), PRINTED_LIFETIME)
    jobs.commit()
    click.echo(f"{current_settings().desk_url}/join/{secret}/")
    click.echo(
        "The link is valid for an hour. Who opens it can do everything at the desk.", err=True
    )


@staff.command()
@click.argument("address")
def end(address: str) -> None:
    """End an account and its sessions; the record goes on naming it."""
    try:
        operations.end(actor(), _find(address), now())
    except LastAdministrator:
        raise click.ClickException(
            "This is the last administrator: add another one first."
        ) from None
    jobs.commit()


@staff.command("list")
def list_() -> None:
    """List the accounts with their roles and where these end."""
    for account in queries.accounts():
        state = "ended" if account.ended_at else "" if account.joined_at else "invited"
        where = account.institution_id or ",".join(account.countries or ["everywhere"])
        click.echo(
            "\t".join([account.address, account.name, ",".join(account.roles), where, state])
        )


def _find(address: str) -> Account:
    account = queries.by_address(address)
    if account is None:
        raise click.ClickException(f"{address} has no account; `lightup staff list` lists them.")
    return account
