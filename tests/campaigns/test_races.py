"""Two who write in one campaign at the same moment, on connections of their own."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete

from campaign.campaigns import operations, writing
from campaign.campaigns.models import Campaign, DraftPassage
from campaign.campaigns.writing import Clash
from campaign.db import db
from tests.conftest import Elsewhere
from tests.factories import STAFF


@pytest.fixture
def campaign_id(committing: None) -> Iterator[int]:
    """A campaign that is gone after the test: those of other tests stay."""
    id_ = operations.create(STAFF, "race").id
    db.session.commit()
    yield id_
    db.session.rollback()
    db.session.execute(delete(DraftPassage).where(DraftPassage.campaign_id == id_))
    db.session.execute(delete(Campaign).where(Campaign.id == id_))
    db.session.commit()


def test_of_two_who_save_over_the_same_version_one_is_told(
    campaign_id: int, elsewhere: Elsewhere, until_blocked: Any
) -> None:
    writing.save(STAFF, None, campaign_id, "en", "title", "Mine", 0)
    other = elsewhere(lambda: writing.save(STAFF, None, campaign_id, "en", "title", "Theirs", 0))
    until_blocked()
    db.session.commit()

    with pytest.raises(Clash) as clash:
        other.result()
    assert (clash.value.theirs.text, clash.value.mine) == ("Mine", "Theirs")
