"""What commands ask for: who acts, and which institution they mean."""

import getpass

import click

from campaign.audit import Actor, ActorKind
from campaign.institutions.models import Institution
from campaign.institutions.queries import resolve


def actor() -> Actor:
    """The account at the terminal: whoever may run commands is staff."""
    return Actor(ActorKind.STAFF, getpass.getuser())


def find_institution(ror_id: str) -> Institution:
    """The institution, or the one that followed it. Raises ClickException."""
    institution = resolve(ror_id)
    if institution is None:
        raise click.ClickException(
            f"{ror_id} is not in the registry; `lightup institutions search` finds ids."
        )
    return institution
