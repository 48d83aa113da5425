"""What `lightup migrate` does with texts: it publishes those that ship, and never over those of staff."""

from pathlib import Path

import pytest

from campaign.campaigns import drafts
from campaign.cli import running
from campaign.paths import TRANSLATIONS
from tests.campaigns.tools import campaign, passage, save
from tests.factories import text

pytestmark = pytest.mark.usefixtures("session")


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a release whose title of the first campaign is another one."""
    for path in (TRANSLATIONS / "campaigns").rglob("*.toml"):
        target = tmp_path / path.relative_to(TRANSLATIONS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text("utf-8").replace('"Light Up the Heart', '"Light All'))
    monkeypatch.setattr(running, "TRANSLATIONS", tmp_path)
    return tmp_path


def test_a_release_is_published_where_staff_have_changed_nothing(
    release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running.publish_shipped_texts()

    assert text().title == "Light All of Science"
    assert "Published version 2 of heart-of-science." in capsys.readouterr().out
    running.publish_shipped_texts()
    assert capsys.readouterr().out == ""


def test_a_release_waits_for_staff_where_they_have(
    release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save("Ours")
    running.publish_shipped_texts()

    assert (text().version, passage().text) == (1, "Ours")
    assert "heart-of-science: 2 proposed passages wait at the desk." in capsys.readouterr().out
    waiting = [one.passage for one in drafts.proposals(campaign().id)]
    assert waiting == ["theme", "title"]
