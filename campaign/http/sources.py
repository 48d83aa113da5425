"""Where a visitor comes from: ``?via=card&host=https://www.uni.ac.ke&page=/science/`` in a link to a form.

A form is posted to its own address, so these parameters survive the POST. Anyone can write them by hand: they show
which posters and widgets work, and decide nothing.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from campaign.partners.rules import InvalidOrigin, parse_origin

SITE, FORM = "site", "form"
ON_PAPER_OR_PICTURE = frozenset({"poster", "badge"})
WIDGETS = ("button", "counter", "card", FORM)
PARAMETERS = ("via", "host", "page")
PAGE_LENGTH = 200
_PAGE = re.compile(r"/[^?#\s\x00-\x1f\x7f]*")


def source_of(arguments: Mapping[str, str]) -> tuple[str, str | None]:
    """Return ``Pledge.source`` and ``source_page``: ("card@www.uni.ac.ke", "https://www.uni.ac.ke/science/")."""
    via = arguments.get("via", "")
    if via in ON_PAPER_OR_PICTURE:
        return via, None
    if via not in WIDGETS:
        return SITE, None
    return source_at(via, origin_in(arguments.get("host", "")), arguments.get("page", ""))


def source_at(widget: str, origin: str | None, page: str) -> tuple[str, str | None]:
    """The same for a kind of widget on a page of an origin; without an origin, the kind is all there is."""
    if origin is None:
        return widget, None
    is_path = _PAGE.fullmatch(page)
    return f"{widget}@{urlsplit(origin).hostname}", f"{origin}{page}"[
        :PAGE_LENGTH
    ] if is_path else None


def origin_in(text: str) -> str | None:
    """Return the origin as a browser writes it, or None if the text is not an origin."""
    try:
        return parse_origin(text[:300])
    except InvalidOrigin:
        return None
