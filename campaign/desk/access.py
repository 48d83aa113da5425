"""Labels that say who may use a view of the desk; one without a label is used by nobody.

``guard`` reads them before each request. ``http.access.anyone`` marks what comes before signing in.
"""

from collections.abc import Callable
from typing import TypeVar

from campaign.staff.rules import Permission

View = TypeVar("View", bound=Callable[..., object])

SIGNED_IN = "signed in"
# Also someone who has accepted an invitation and has no way to sign in again yet.
SETTING_UP = "setting up"


def signed_in(view: View) -> View:
    """Mark a view as open to every account."""
    view.access = SIGNED_IN  # type: ignore[attr-defined]
    return view


def setting_up(view: View) -> View:
    """Mark a view as open to every account, also before it is set up."""
    view.access = SETTING_UP  # type: ignore[attr-defined]
    return view


def may(*permissions: Permission) -> Callable[[View], View]:
    """Mark a view as open to accounts that have one of these permissions."""

    def mark(view: View) -> View:
        view.access = frozenset(permissions)  # type: ignore[attr-defined]
        return view

    return mark


def freshly(view: View) -> View:
    """Mark a view, besides, as one that wants a sign-in of the last minutes (``policy.FRESH``)."""
    view.wants_fresh = True  # type: ignore[attr-defined]
    return view


def takes_files(most_bytes: int) -> Callable[[View], View]:
    """Mark a view, besides, as one whose form brings a file; ``guard`` lets it be so large."""

    def mark(view: View) -> View:
        view.most_bytes = most_bytes  # type: ignore[attr-defined]
        return view

    return mark
