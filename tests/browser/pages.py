"""Every page of the site that shows HTML, for tests that look at all of them."""

from dataclasses import dataclass
from typing import Any

from campaign.pledges.letters import CONFIRM, MINE, SENT
from campaign.web.pledging import THANKS
from tests.scripted_person import CAMPAIGN, FIELDS, fetch
from tests.stacks import Stack

INSTITUTION = "01km6p862"  # United Arab Emirates University, of the starter registry
COUNTRY = "AE"
PUBLIC = {
    "front": "",
    "campaign": f"campaigns/{CAMPAIGN}/",
    "countries": f"campaigns/{CAMPAIGN}/countries/",
    "country": f"countries/{COUNTRY}/",
    "institutions": f"campaigns/{CAMPAIGN}/institutions/",
    "institution": f"institutions/{INSTITUTION}/",
    "signatories": f"campaigns/{CAMPAIGN}/signatories/",
    "text": f"campaigns/{CAMPAIGN}/text/1/",
    "about": "about/",
    "privacy": "privacy/",
    "form": f"campaigns/{CAMPAIGN}/pledge/",
    "institution form": f"campaigns/{CAMPAIGN}/pledge/institution/",
    "ask": "my/",
}


@dataclass(frozen=True)
class Pledged:
    """The ids behind the links that one person got."""

    pledge: str
    person: str
    submission: str


def pages(stack: Stack, locale: str) -> dict[str, str]:
    """The path of every page by its name: the public ones, a missing one, and those of two people with links."""
    paths = PUBLIC | {"missing": "nothing/here/"} | private_pages(stack, locale)
    return {name: f"/{locale}/{path}" for name, path in paths.items()}


def private_pages(stack: Stack, locale: str) -> dict[str, str]:
    """What someone sees who has just pledged in this language, and someone who has confirmed."""
    new, old = pledged(stack, locale, "new"), pledged(stack, locale, "old")
    sign = stack.signer.sign
    confirm, mine = sign(CONFIRM, new.pledge), sign(MINE, old.person)
    url = f"{stack.site}/{locale}/pledges/confirm/{sign(CONFIRM, old.pledge)}/"
    fetch(url, {"submission": old.submission})
    return {
        "sent": f"pledges/sent/{sign(SENT, new.submission)}/",
        "confirm": f"pledges/confirm/{confirm}/",
        "not me": f"pledges/not-me/{confirm}/",
        "thanks": f"pledges/thanks/{sign(THANKS, old.pledge)}/",
        "my page": f"my/{mine}/",
        "edit": f"my/{mine}/pledges/{old.pledge}/",
        "withdraw": f"my/{mine}/pledges/{old.pledge}/withdraw",
        "erase": f"my/{mine}/erase",
    }


def pledged(stack: Stack, locale: str, who: str) -> Pledged:
    """Someone of the institution above who has sent the form in this language; once only."""
    address = f"{who}-{locale}@example.org".lower()
    if not (found := _find(stack, address)):
        fetch(stack.pledge_url(locale), _fields(stack, locale, address))
        found = _find(stack, address)
    return Pledged(*map(str, found[0]))


def _fields(stack: Stack, locale: str, address: str) -> dict[str, str]:
    return FIELDS | {
        "form_token": stack.form_opened_before(locale),
        "name": "ليلى الحسن",
        "email": address,
        "affiliation": "institution",
        "institution": INSTITUTION,
        "role": "researcher",
        "country": COUNTRY,
        "words": "May you inherit a land whose rivers we kept clean.",
        "disciplines": "1.5",
    }


def _find(stack: Stack, address: str) -> list[Any]:
    query = """SELECT p.id, person_id, submission FROM pledges p JOIN people ON people.id = person_id
        WHERE address = %s"""
    return stack.rows(query, address)
