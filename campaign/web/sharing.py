"""What other sites and paper show of a page: its picture with the count, and its QR code."""

import json
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Response

from campaign import i18n, typesetting
from campaign.config import current_settings
from campaign.http.access import anyone
from campaign.http.caching import cached
from campaign.http.lookup import current_texts, text_or_404
from campaign.http.rate_limits import rate_limited
from campaign.http.rendering import people_have_pledged
from campaign.i18n import gettext
from campaign.links import absolute
from campaign.qr import qr_svg
from campaign.tallies import queries as tally_queries
from campaign.web.blueprint import blueprint
from campaign.web.places import PlaceKind, counts_in, place_or_moved

# As large as the networks show it (Open Graph: 1.91 to 1).
CARD_WIDTH, CARD_HEIGHT = 1200, 630
# A picture keeps a core busy for some hundredths of a second; a crawler may ask for one on each page.
CARD_LIMIT = "300 per minute"
CARD_MAX_AGE = 3600
QR_MAX_AGE = 86_400
# More lights than these cannot be told apart on a card.
MOST_LIGHTS = 400


@blueprint.get("/card.png")
@anyone
@rate_limited(CARD_LIMIT)
@cached(max_age=CARD_MAX_AGE)
def front_card() -> Response:
    text = next(iter(current_texts()), None)
    people = tally_queries.counts(text.campaign_id).people if text else 0
    return _card(gettext("Light Up the Heart of Science"), people)


@blueprint.get("/campaigns/<slug>/card.png")
@anyone
@rate_limited(CARD_LIMIT)
@cached(max_age=CARD_MAX_AGE)
def campaign_card(slug: str) -> Response:
    text = text_or_404(slug)
    people = tally_queries.counts(text.campaign_id).people
    return _card(text.title, people, title_locale=text.locale)


@blueprint.get("/<any(countries, regions, institutions):kind>/<code>/card.png")
@anyone
@rate_limited(CARD_LIMIT)
@cached(max_age=CARD_MAX_AGE)
def place_card(kind: PlaceKind, code: str) -> Response:
    place = place_or_moved(kind, code)
    text = next(iter(current_texts()), None)
    people = counts_in(text.campaign_id, place).people if text else 0
    return _card(place.name, people, caption=place.home)


@blueprint.get("/<any(countries, regions, institutions):kind>/<code>/qr.svg")
@anyone
@rate_limited(CARD_LIMIT)
@cached(max_age=QR_MAX_AGE)
def place_qr(kind: PlaceKind, code: str) -> Response:
    url = absolute(place_or_moved(kind, code).url)
    return _picture(qr_svg(url).encode(), "image/svg+xml")


def _card(title: str, people: int, *, caption: str = "", title_locale: str = "") -> Response:
    """The picture of a page: its title, and how many people have pledged there.

    ``title_locale`` is the language of the title, where it is not the reader's.
    """
    site = gettext("Light Up the Heart of Science")
    invitation = gettext("The first light can be yours.")
    data = {
        "lang": i18n.current(),
        "title": title,
        "title_lang": title_locale or i18n.current(),
        "caption": caption,
        "count": people_have_pledged(people) if people else [invitation],
        "site": "" if title == site else site,
        "url": current_settings().site_url,
        "host": urlsplit(current_settings().site_url).netloc,
        "lights": min(people, MOST_LIGHTS),
    }
    return _picture(_card_png(json.dumps(data, ensure_ascii=False)), "image/png")


@lru_cache(64)
def _card_png(data: str) -> bytes:
    """The card drawn from this JSON. Kept by what it shows, since most changes of a tally leave it as it is."""
    return typesetting.png("share.typ", json.loads(data), width=CARD_WIDTH)


def _picture(content: bytes, mimetype: str) -> Response:
    response = Response(content, mimetype=mimetype)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # made to be shown elsewhere
    return response
