"""The commands that publish and check, as an operator meets them."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo

from campaign.main import lightup
from tests.factories import confirmed


@pytest.fixture(autouse=True)
def folder(app: Flask, committing: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for the datasets of each test."""
    settings = replace(app.config["SETTINGS"], data_folder=str(tmp_path))
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    return tmp_path


def run(app: Flask, command: str) -> Result:
    info = ScriptInfo(create_app=lambda: app)
    return CliRunner(catch_exceptions=False).invoke(lightup, ["records", command], obj=info)


def test_a_day_is_published_once_and_checked(app: Flask) -> None:
    confirmed()

    said = [run(app, command).output for command in ("publish", "publish", "verify")]

    assert said[0].startswith("Published ")
    assert said[1].startswith("Nothing to do")
    assert said[2].splitlines()[-1] == "Everything agrees."


def test_checking_tells_what_is_wrong(app: Flask, folder: Path) -> None:
    run(app, "publish")
    (bundle,) = folder.glob("*/*.zip")
    bundle.write_bytes(b"something else")

    checked = run(app, "verify")

    assert checked.exit_code == 1
    assert "cannot be read as a dataset" in checked.output


def test_without_a_dataset_there_is_nothing_to_check(app: Flask) -> None:
    checked = run(app, "verify")

    assert (checked.exit_code, "No dataset was published" in checked.output) == (1, True)
