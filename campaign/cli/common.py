"""What commands share: the actor whom they record, and the institution that an argument names."""

import getpass

import click

from campaign.audit import Actor, ActorKind
from campaign.institutions.models import Institution
from campaign.institutions.queries import resolve


def actor() -> Actor:
    """Return the account at the terminal: only staff can run commands."""
    return Actor(ActorKind.STAFF, getpass.getuser())


def find_institution(ror_id: str) -> Institution:
    """Return the institution, or its successor. Raises ClickException for an unknown id."""
    institution = resolve(ror_id)
    if institution is None:
        raise click.ClickException(
            f"{ror_id} is not in the registry; `lightup institutions search` finds ids."
        )
    return institution
