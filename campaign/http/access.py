"""Who may use a view. Every route states it; a test walks all routes and refuses one that does not."""

from collections.abc import Callable
from typing import TypeVar

View = TypeVar("View", bound=Callable[..., object])

ANYONE = "anyone"
# Whoever holds a signed link proved to read the mailbox it was sent to.
LINK_HOLDER = "link holder"
# A partner's program, by the key that staff gave it.
KEY_HOLDER = "key holder"


def anyone(view: View) -> View:
    view.access = ANYONE  # type: ignore[attr-defined]
    return view


def link_holder(view: View) -> View:
    view.access = LINK_HOLDER  # type: ignore[attr-defined]
    return view


def key_holder(view: View) -> View:
    view.access = KEY_HOLDER  # type: ignore[attr-defined]
    return view
