"""The commands of the audit log."""

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy import text

from campaign import audit
from campaign.audit import SYSTEM
from campaign.db import db
from campaign.main import lightup
from tests.factories import STAFF

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, committing: None) -> Iterator[Run]:
    """Run a command of the group on a log with three lines."""
    db.session.execute(text("ALTER TABLE audit_events ALTER COLUMN id RESTART"))
    audit.record(STAFF, "accepted", "pledge:1", {})
    audit.record(STAFF, "merged", "institution:05jxf0p38", {"into": "02y9nww90"})
    audit.record(SYSTEM, "accepted", "pledge:2", {})
    db.session.commit()

    def invoke(*arguments: str) -> Result:
        info = ScriptInfo(create_app=lambda: app)
        return CliRunner(catch_exceptions=False).invoke(lightup, ["audit", *arguments], obj=info)

    return invoke


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ([], [3, 2, 1]),
        (["--limit", "2"], [3, 2]),
        (["--before", "3"], [2, 1]),
        (["--actor", "staff:ada"], [2, 1]),
        (["--action", "accepted"], [3, 1]),
        (["--subject", "pledge"], [3, 1]),
        (["--subject", "pledge:1"], [1]),
        (["--since", "2100-01-01"], []),
        (["--until", "2100-01-01", "--subject", "institution"], [2]),
    ],
)
def test_lines_are_shown_newest_first(run: Run, options: list[str], numbers: list[int]) -> None:
    lines = run("show", *options).output.splitlines()
    assert [int(line.split()[0]) for line in lines] == numbers


def test_a_line_says_who_did_what_to_what(run: Run) -> None:
    shown = run("show", "--subject", "institution").output
    assert shown.rstrip().endswith(
        'staff:ada  merged  institution:05jxf0p38  {"into": "02y9nww90"}'
    )


def test_an_actor_that_cannot_be_is_refused(run: Run) -> None:
    assert "no actor" in run("show", "--actor", "kim").output


def test_the_log_is_exported_as_json_lines_oldest_first(run: Run) -> None:
    lines = [json.loads(line) for line in run("export", "--actor", "staff:ada").output.splitlines()]
    assert [line["subject"] for line in lines] == ["pledge:1", "institution:05jxf0p38"]
    assert lines[1]["details"] == {"into": "02y9nww90"}


def test_a_sealed_log_is_verified(run: Run) -> None:
    assert run("seal").output == "Sealed 3 lines.\n"
    verified = run("verify")
    assert verified.exit_code == 0
    assert "3 lines are sealed, up to line 3." in verified.output
    digest = verified.output.split()[-1]
    assert run("verify", digest).exit_code == 0
    assert run("verify", "00").exit_code == 1


def test_lines_that_were_changed_are_named(run: Run) -> None:
    run("seal")
    db.session.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
    db.session.execute(text("UPDATE audit_events SET action = 'slept' WHERE id = 2"))
    db.session.execute(text("DELETE FROM audit_events WHERE id = 3"))
    db.session.execute(text("ALTER TABLE audit_events ENABLE TRIGGER USER"))
    db.session.commit()
    verified = run("verify")
    assert verified.exit_code == 1
    assert verified.output.splitlines()[:2] == [
        "Line 2 was changed after it was sealed.",
        "Line 3 was removed after it was sealed.",
    ]
