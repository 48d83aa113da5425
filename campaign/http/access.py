"""Labels that say who may use a view. Every route has one; a test walks all routes and refuses one without."""

from collections.abc import Callable
from typing import TypeVar

View = TypeVar("View", bound=Callable[..., object])

ANYONE = "anyone"
# A person with a signed link, who thereby proves to read the mailbox that it was sent to.
LINK_HOLDER = "link holder"
# A partner's program, with the key that staff created for it.
KEY_HOLDER = "key holder"


def anyone(view: View) -> View:
    """Mark a view as open to everyone."""
    view.access = ANYONE  # type: ignore[attr-defined]
    return view


def link_holder(view: View) -> View:
    """Mark a view as one person's, who has a signed link; see ``headers.PRIVATE``."""
    view.access = LINK_HOLDER  # type: ignore[attr-defined]
    return view


def key_holder(view: View) -> View:
    """Mark a view as one for programs with an API key."""
    view.access = KEY_HOLDER  # type: ignore[attr-defined]
    return view
