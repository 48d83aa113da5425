"""What is published, when, and over what: never over another's words."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from campaign.campaigns import queries
from campaign.campaigns.models import CampaignText
from campaign.campaigns.operations import IncompleteTexts, publish, publish_shipped
from campaign.db import db
from campaign.paths import TRANSLATIONS
from tests.factories import CAMPAIGN

pytestmark = pytest.mark.usefixtures("session")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped texts of a campaign, to be changed."""
    return Path(shutil.copytree(TRANSLATIONS / "campaigns" / CAMPAIGN, tmp_path / CAMPAIGN))


def reword(folder: Path, before: str, after: str) -> None:
    path = folder / "en.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def campaign():
    found = queries.get(CAMPAIGN)
    assert found is not None
    return found


def publish_edited(title: str) -> int | None:
    """Publish another title in every language, as somebody does who edits a text in the database."""
    version = queries.current_version(campaign().id)
    rows = db.session.scalars(
        select(CampaignText).where(
            CampaignText.campaign_id == campaign().id, CampaignText.version == version
        )
    )
    kept = ("theme", "summary", "introduction", "pledge", "pledge_institution", "commitments",
            "commitments_institution")  # fmt: skip
    texts = {row.locale: {name: getattr(row, name) for name in kept} for row in rows}
    return publish(campaign(), {tag: text | {"title": title} for tag, text in texts.items()})


def shown_title() -> str:
    text = queries.current_text(CAMPAIGN, "en")
    assert text is not None
    return text.title


def test_an_edited_text_survives_the_next_release(folder: Path) -> None:
    assert publish_edited("Another title") == 2

    assert publish_shipped(folder) is None
    assert shown_title() == "Another title"


def test_a_changed_file_of_an_untouched_campaign_is_published(folder: Path) -> None:
    reword(folder, shown_title(), "A better title")

    assert publish_shipped(folder) == 2
    assert shown_title() == "A better title"
    assert publish_shipped(folder) is None


def test_a_changed_file_is_not_published_over_a_campaign_that_staff_manage(folder: Path) -> None:
    campaign().managed_by_staff = True
    title = shown_title()
    reword(folder, title, "A better title")

    assert publish_shipped(folder) is None
    assert shown_title() == title


def test_an_instance_from_before_the_digest_takes_what_it_has_published_for_shipped(
    folder: Path,
) -> None:
    publish_edited("Another title")
    campaign().shipped_digest = None

    assert publish_shipped(folder) is None
    assert shown_title() == "Another title"
    assert campaign().shipped_digest is not None


def test_an_instance_from_before_the_digest_publishes_what_is_new(folder: Path) -> None:
    campaign().shipped_digest = None
    reword(folder, shown_title(), "A better title")

    assert publish_shipped(folder) == 2


def test_a_language_that_lacks_a_commitment_is_refused(folder: Path) -> None:
    path = folder / "fr.toml"
    lines = [
        line for line in path.read_text("utf-8").splitlines() if not line.startswith("network")
    ]
    path.write_text("\n".join(lines), "utf-8")

    with pytest.raises(IncompleteTexts, match=r"fr\.toml lacks"):
        publish_shipped(folder)
