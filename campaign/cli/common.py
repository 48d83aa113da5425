"""What commands ask for: the office of the application, who is at it, whom they mean."""

import getpass

import click

from campaign.institutions.models import Institution
from campaign.institutions.queries import resolve


def actor() -> str:
    """The account at the terminal, as trails name it."""
    return f"staff:{getpass.getuser()}"


def find_institution(ror_id: str) -> Institution:
    """The institution, or the one that followed it. Raises ClickException."""
    institution = resolve(ror_id)
    if institution is None:
        raise click.ClickException(
            f"{ror_id} is not in the registry; `lightup institutions search` finds ids."
        )
    return institution
