"""There is one way from an empty database to the newest schema."""

from alembic.script import ScriptDirectory

from campaign.paths import MIGRATIONS


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1
