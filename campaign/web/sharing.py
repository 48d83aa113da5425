"""What other sites show of a page: its picture with the count, its QR code, its facts as schema.org names them."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from flask import Response

from campaign import i18n, typesetting
from campaign.config import current_settings
from campaign.http.access import anyone
from campaign.http.caching import by_tally
from campaign.http.lookup import current_texts, text_or_404
from campaign.http.rate_limits import rate_limited
from campaign.http.rendering import people_have_pledged
from campaign.i18n import gettext
from campaign.links import absolute
from campaign.qr import qr_svg
from campaign.tallies import queries as tallies
from campaign.web.pages import blueprint

# As large as the networks show it (Open Graph: 1.91 to 1).
CARD_WIDTH, CARD_HEIGHT = 1200, 630
# A picture keeps a core busy for some hundredths of a second; a crawler may ask for one on each page.
CARD_LIMIT = "300 per minute"
Crumb = tuple[str, str]


@blueprint.get("/card.png")
@anyone
@rate_limited(CARD_LIMIT)
@by_tally(max_age=3600)
def front_card() -> Response:
    text = next(iter(current_texts()), None)
    people = tallies.counts(text.campaign_id).people if text else 0
    return card(gettext("Light Up the Heart of Science"), people)


@blueprint.get("/campaigns/<slug>/card.png")
@anyone
@rate_limited(CARD_LIMIT)
@by_tally(max_age=3600)
def campaign_card(slug: str) -> Response:
    text = text_or_404(slug)
    return card(text.title, tallies.counts(text.campaign_id).people, locale=text.locale)


def card(title: str, people: int, *, caption: str = "", locale: str = "") -> Response:
    """A picture of a page with the number of its people; ``locale`` is the language of the title."""
    site = gettext("Light Up the Heart of Science")
    invitation = gettext("The first light can be yours.")
    data = {
        "lang": i18n.current(),
        "title": title,
        "title_lang": locale or i18n.current(),
        "caption": caption,
        "count": people_have_pledged(people) if people else [invitation],
        "site": "" if title == site else site,
        "url": current_settings().site_url,
        "host": urlsplit(current_settings().site_url).netloc,
        # A light for each, as long as they can be told apart.
        "lights": min(people, 400),
    }
    return _picture(_drawn(json.dumps(data, ensure_ascii=False)), "image/png")


@lru_cache(64)
def _drawn(data: str) -> bytes:
    """Drawn once for what it shows: most tallies that change leave it as it is."""
    return typesetting.png("share.typ", json.loads(data), width=CARD_WIDTH)


def qr(path: str) -> Response:
    """The QR code of one of our pages."""
    return _picture(qr_svg(absolute(path)).encode(), "image/svg+xml")


def _picture(content: bytes, mimetype: str) -> Response:
    answer = Response(content, mimetype=mimetype)
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # made to be shown elsewhere
    return answer


def graph(*things: Mapping[str, Any]) -> dict[str, Any]:
    """A document of JSON-LD in the vocabulary of schema.org."""
    return {"@context": "https://schema.org", "@graph": list(things)}


def breadcrumb(trail: Sequence[Crumb]) -> dict[str, Any]:
    """The way to a page as (name, path); the page itself, at the end, has no path."""
    items: list[dict[str, Any]] = [
        {"@type": "ListItem", "position": number, "name": name}
        | ({"item": absolute(path)} if path else {})
        for number, (name, path) in enumerate(trail, start=1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}
