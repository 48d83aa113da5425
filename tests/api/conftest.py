"""A small world to read about."""

import pytest

from campaign.pledges.models import Kind
from tests.api.reading import World, fold
from tests.factories import accepted, confirmed, institution


@pytest.fixture
def world(session: object) -> World:
    home = institution(name="University of the Lake", labels={"fr": "Université du Lac"})
    at_home = {"institution": home.id, "role": "researcher"}
    confirmed("listed@example.org", name="Listed Lakeside", words="Lit for you.", **at_home)
    confirmed("hidden@example.org", name="Hidden Hillside", listed=False, **at_home)
    confirmed("chad@example.org", name="Zara Far", country="TD")
    rector = {"kind": Kind.INSTITUTION, "name": "Rector Riverside", "office": "Rector"}
    accepted(f"r@{home.domains[0]}", institution=home.id, commitments=["hosting"], **rector)
    fold()
    return World(home)
