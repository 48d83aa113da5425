"""Every page of the site that shows HTML, for tests that look at all of them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from campaign.http.pledge_flow import THANKS
from campaign.pledges.certificates import number_of
from campaign.pledges.emails import CONFIRM, MINE, SENT
from tests.scripted_person import CAMPAIGN, FIELDS, fetch
from tests.stacks import Stack

INSTITUTION = "01km6p862"  # United Arab Emirates University, of the starter registry
COUNTRY = "AE"
PUBLIC = {
    "front": "",
    "campaign": f"campaigns/{CAMPAIGN}/",
    "countries": f"campaigns/{CAMPAIGN}/countries/",
    "country": f"countries/{COUNTRY}/",
    "people of a country": f"countries/{COUNTRY}/signatories/",
    "institutions of a country": f"countries/{COUNTRY}/institutions/",
    "directory": "countries/",
    "region": "regions/145/",
    "institutions": f"campaigns/{CAMPAIGN}/institutions/",
    "institution": f"institutions/{INSTITUTION}/",
    "signatories": f"campaigns/{CAMPAIGN}/signatories/",
    "text": f"campaigns/{CAMPAIGN}/text/1/",
    "about": "about/",
    "privacy": "privacy/",
    "numbers": "numbers/",
    "open data": "data/",
    "reference": "api/",
    "form": f"campaigns/{CAMPAIGN}/pledge/",
    "institution form": f"campaigns/{CAMPAIGN}/pledge/institution/",
    "ask": "my/",
    "composer": "embed/",
    "check": "verify/",
}
PRIVATE = {
    "sent": "pledges/sent/{sent}/",
    "confirm": "pledges/confirm/{confirm}/",
    "not me": "pledges/not-me/{confirm}/",
    "thanks": "pledges/thanks/{thanks}/",
    "certificate": "verify/{number}/",
    "my page": "my/{mine}/",
    "edit": "my/{mine}/pledges/{pledge}/",
    "withdraw": "my/{mine}/pledges/{pledge}/withdraw",
    "erase": "my/{mine}/erase",
}
MISSING = {"missing": "nothing/here/"}
ALL = PUBLIC | PRIVATE | MISSING


@dataclass(frozen=True)
class Pledged:
    """The ids behind the links that one person got."""

    pledge: str
    person: str
    submission: str


def links(stack: Stack, locale: str) -> dict[str, str]:
    """What fills in the private paths: the tokens of someone who has just sent the form in this language, and of
    someone who has confirmed."""
    new, old = pledged(stack, locale, "new"), pledged(stack, locale, "old")
    sign = stack.signer.sign
    fetch(
        f"{stack.site}/{locale}/pledges/confirm/{sign(CONFIRM, old.pledge)}/",
        {"submission": old.submission},
    )
    return {
        "sent": sign(SENT, new.submission),
        "confirm": sign(CONFIRM, new.pledge),
        "thanks": sign(THANKS, old.pledge),
        "number": number_of(stack.signer, UUID(old.pledge)),
        "mine": sign(MINE, old.person),
        "pledge": old.pledge,
    }


def pledged(stack: Stack, locale: str, who: str) -> Pledged:
    """Someone of the institution above who sends the form in this language."""
    address = f"{who}-{locale}@example.org".lower()
    fetch(stack.pledge_url(locale), _fields(stack, locale, address))
    query = """SELECT pledges.id, person_id, submission FROM pledges
        JOIN people ON people.id = person_id WHERE address = %s"""
    (found,) = stack.rows(query, address)
    return Pledged(*map(str, found))


def _fields(stack: Stack, locale: str, address: str) -> dict[str, Any]:
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
