"""What commands share: the actor whom they record, and the institution that an argument names."""

import os
import pwd

import click

from campaign.audit import Actor, ActorKind
from campaign.institutions.models import Institution
from campaign.institutions.queries import resolve


def actor() -> Actor:
    """Return the account at the terminal: only staff can run commands.

    The account is that of the process. What LOGNAME says, everyone can change.
    """
    return Actor(ActorKind.STAFF, _account(os.getuid()))


def _account(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # as in a container
        return f"uid-{number}"


def find_institution(ror_id: str) -> Institution:
    """Return the institution, or its successor. Raises ClickException for an unknown id."""
    institution = resolve(ror_id)
    if institution is None:
        raise click.ClickException(
            f"{ror_id} is not in the registry; `lightup institutions search` finds ids."
        )
    return institution
