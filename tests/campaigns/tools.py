"""Small functions for drafts of the shipped campaign."""

from campaign import i18n
from campaign.campaigns import drafts, queries, writing
from campaign.campaigns.drafts import Draft, Passage
from campaign.campaigns.models import Campaign, DraftPassage
from tests.factories import CAMPAIGN, STAFF


def campaign(slug: str = CAMPAIGN) -> Campaign:
    found = queries.get(slug)
    assert found is not None
    return found


def draft(slug: str = CAMPAIGN) -> Draft:
    return drafts.draft_of(campaign(slug))


def passage(locale: str = "en", name: str = "title", slug: str = CAMPAIGN) -> Passage:
    return draft(slug).passage(locale, name)


def save(text: str, locale: str = "en", name: str = "title", slug: str = CAMPAIGN) -> DraftPassage:
    """Save over whatever is there."""
    base = passage(locale, name, slug).version
    return writing.save(STAFF, None, campaign(slug).id, locale, name, text, base)


def save_in_all(text: str, name: str = "title", slug: str = CAMPAIGN) -> None:
    """Save a passage in every language, the source first; each says which language it is."""
    for locale in i18n.offered():
        save(f"{text} ({locale})", locale, name, slug)
