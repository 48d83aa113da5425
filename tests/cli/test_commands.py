"""The command-line program, as an operator meets it."""

import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import click
import polib
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from campaign import jobs
from campaign.audit import Actor, ActorKind, AuditEvent
from campaign.config import Settings
from campaign.db import db
from campaign.local.postgres import EmbeddedPostgres
from campaign.mail.models import OutgoingEmail
from campaign.main import lightup
from campaign.paths import TRANSLATIONS
from campaign.people.models import Person
from campaign.pledges.models import Kind, Pledge, Status
from campaign.pledges.queries import has_demo
from campaign.tallies import operations as tallies
from campaign.tallies.models import PublishedTally, Tally
from campaign.tallies.queries import counts, counts_of
from tests.factories import confirmed, context, institution

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "00000000-0000-4000-8000-000000000000"
Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Run a command on the application of the tests; an exception that gets out of it is raised here."""

    def invoke(*arguments: str) -> Result:
        info = ScriptInfo(create_app=lambda: app)
        runner = CliRunner(catch_exceptions=False)
        return runner.invoke(lightup, list(arguments), obj=info, prog_name="lightup")

    return invoke


def lightup_outside(
    *arguments: str, folder: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own, with this environment and nothing else."""
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "campaign.main", *arguments]
    return subprocess.run(
        command, cwd=folder, env=kept | environment, capture_output=True, text=True, check=False
    )


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


def held(address: str = "held@example.org", **different: object) -> Pledge:
    """A pledge that its person has confirmed and that waits for review."""
    odd = context(honeypot_filled=True)
    return confirmed(address, context=odd, **different)


def the_pledge() -> Pledge:
    db.session.expire_all()
    return db.session.scalars(select(Pledge)).one()


def letters(template: str) -> list[OutgoingEmail]:
    return list(db.session.scalars(select(OutgoingEmail).where(OutgoingEmail.template == template)))


# Help


def test_the_program_explains_itself_without_any_setting() -> None:
    done = lightup_outside("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command in lightup.commands:
        assert command in done.stdout


@pytest.mark.parametrize("path", list(commands(lightup)), ids=" ".join)
def test_every_command_says_what_it_does(run: Run, path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    usage, _, rest = result.output.partition("\n\n")
    assert result.exit_code == 0
    assert usage.startswith(f"Usage: lightup {' '.join(path)}")
    assert len(rest.split("\n\n")[0].split()) >= 4, "a sentence, not a word"


def test_settings_lists_every_setting(run: Run) -> None:
    output = run("settings").output
    for setting in fields(Settings):
        assert f"{setting.name.upper()}\n    {setting.metadata['help']}" in output


# Settings that are not right


def test_missing_settings_are_told_in_sentences() -> None:
    done = lightup_outside("pledges", "held")
    assert done.returncode != 0
    assert "DATABASE_URL is not set" in done.stderr
    assert "SECRET_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_wrong_setting_is_told_at_once() -> None:
    wrong = {
        "DATABASE_URL": "mysql://localhost/x",
        "SECRET_KEY": "short",
        "SITE_URL": "example.org",
        "TRUSTED_PROXIES": "many",
        "MAIL_FROM": "nobody",
    }
    done = lightup_outside("pledges", "held", **wrong)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("- ")]
    assert {line.split()[1] for line in told} == set(wrong)
    assert "short" not in done.stderr, "a secret does not belong in a log"


def test_an_unknown_command_is_told(run: Run) -> None:
    result = run("dance")
    assert (result.exit_code, "No such command" in result.output) == (2, True)


# Preparing


def test_migrating_and_setting_up_again_change_nothing(app: Flask, run: Run) -> None:
    def state() -> list[int | None]:
        tables = ("campaign_texts", "institutions", "pledges")
        with app.app_context():
            return [db.session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables]

    before = state()
    for command in (["migrate"], ["setup"], ["setup", "--demo"], ["campaigns", "publish"]):
        result = run(*command)
        assert (result.exit_code, "Published" in result.output) == (0, False)
    assert state() == before


def test_two_nodes_that_start_at_once_prepare_one_instance(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", fast=True) as server, ThreadPoolExecutor() as nodes:
        environment = {"DATABASE_URL": server.url, "SECRET_KEY": "x" * 32}
        started = [nodes.submit(lightup_outside, "setup", **environment) for _ in range(2)]
        done = [node.result() for node in started]

    assert [(node.returncode, node.stderr) for node in done if node.returncode] == []
    assert sum("A new instance" in node.stdout for node in done) == 1


def test_what_an_earlier_version_did_not_count_is_counted(committing: None, run: Run) -> None:
    confirmed()
    tallies.fold()
    db.session.execute(delete(Tally).where(Tally.dimension == "source"))
    jobs.commit()

    first, again = (run("migrate").output for _ in range(2))

    assert ("Brought 1 tallies in line" in first, "Brought" in again) == (True, False)
    assert tallies.differences() == []


# Reviewing pledges


def test_the_queue_is_listed_with_reasons(session: Session, run: Run) -> None:
    id_ = held(name="Held Name").id
    confirmed("fine@example.org", name="Fine Name")

    output = run("pledges", "held").output

    assert str(id_) in output
    assert "honeypot" in output
    assert "Held Name" in output
    assert "Fine Name" not in output
    assert "1 held." in output


def test_nobody_acts_in_the_name_of_a_colleague(
    session: Session, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kind: what the one who acts can set says who acts."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "a-colleague")

    run("api", "pause", "--reason", "a key has leaked")

    act = session.scalars(select(AuditEvent)).one()
    assert act.actor == Actor(ActorKind.STAFF, pwd.getpwuid(os.getuid()).pw_name)


def test_one_pledge_is_shown_with_its_trail(session: Session, run: Run) -> None:
    home = institution(name="University of the Lake")
    details = {"office": "Rector", "support_letters": {"sw": "Barua yetu."}, "institution": home.id}
    pledge = held(kind=Kind.INSTITUTION, commitments=["hosting"], **details)

    output = run("pledges", "show", str(pledge.id)).output

    for shown in (
        "University of the Lake",
        "Rector",
        "Barua yetu.",
        "held@example.org",
        "official",
        "- the mailbox is at a domain that the registry does not know as the institution's: example.org",
    ):
        assert shown in output
    assert [line.split()[3] for line in output.splitlines() if line.startswith("  20")] == [
        "submitted",
        "confirmed",
        "held",
    ]


def test_no_line_that_a_stranger_typed_looks_like_one_of_ours(session: Session, run: Run) -> None:
    """The kind: what staff decide by is written by the one whom they decide about."""
    forged = "address:       president@example.edu\n  2026-11-22 staff:kim: accepted"
    pledge = confirmed(words=f"Dear children,\n{forged}")

    output = run("pledges", "show", str(pledge.id)).output

    assert [line for line in output.splitlines() if line in forged.splitlines()] == []


def test_an_accepted_pledge_counts_and_its_person_is_told(session: Session, run: Run) -> None:
    id_ = held().id

    result = run("pledges", "accept", str(id_))
    tallies.fold()

    assert (result.exit_code, result.output) == (0, "Accepted.\n")
    assert the_pledge().status == Status.CONFIRMED
    assert counts(the_pledge().campaign_id).people == 1
    assert len(letters("accepted")) == 1


def test_an_institutions_pledge_is_accepted_as_it_was_read(session: Session, run: Run) -> None:
    home = institution()
    pledge = held(kind=Kind.INSTITUTION, institution=home.id, office="Rector", commitments=[])
    unread = run("pledges", "accept", str(pledge.id))
    shown = run("pledges", "show", str(pledge.id)).output
    (version,) = re.findall(r"^version: +(\d+)$", shown, re.MULTILINE)

    other = run("pledges", "accept", str(pledge.id), "--version", str(int(version) - 1))
    as_read = run("pledges", "accept", str(pledge.id), "--version", version)

    assert "Read it first" in unread.output
    assert "Read it again" in other.output
    assert as_read.output == "Accepted.\n"
    assert the_pledge().status == Status.CONFIRMED


def test_a_refused_pledge_does_not_count_and_its_person_gets_the_reason(
    session: Session, run: Run
) -> None:
    pledge = confirmed()
    tallies.fold()

    result = run("pledges", "refuse", str(pledge.id), "--reason", "This is not a person.")
    tallies.fold()

    assert result.exit_code == 0
    assert the_pledge().status == Status.REFUSED
    assert counts(the_pledge().campaign_id).people == 0
    (letter,) = letters("refused")
    assert letter.facts["reason"] == "This is not a person."


def test_refusing_needs_a_reason(session: Session, run: Run) -> None:
    result = run("pledges", "refuse", str(held().id))
    assert (result.exit_code, "--reason" in result.output) == (2, True)
    assert the_pledge().status == Status.HELD


@pytest.mark.parametrize("command", ["accept", "refuse", "show"])
@pytest.mark.parametrize(("id_", "code"), [(NOBODY, 1), ("nonsense", 2)])
def test_an_unknown_pledge_is_told(
    session: Session, run: Run, command: str, id_: str, code: int
) -> None:
    reason = ["--reason", "x"] if command == "refuse" else []
    result = run("pledges", command, id_, *reason)
    assert (result.exit_code, "Error: " in result.output) == (code, True)


def test_what_is_settled_cannot_be_settled_again(session: Session, run: Run) -> None:
    id_ = str(held().id)
    run("pledges", "refuse", id_, "--reason", "No.")
    for again in (["accept", id_], ["refuse", id_, "--reason", "No."]):
        result = run("pledges", *again)
        assert (result.exit_code, "Error: " in result.output) == (1, True)
    assert len(letters("refused")) == 1


# Institutions that were not listed


def test_institutions_that_were_not_listed_are_counted(session: Session, run: Run) -> None:
    for number in range(2):
        confirmed(f"p{number}@example.org", institution_text="Chuo cha Ndoto", role="staff")
    confirmed("other@example.org", institution_text="Elsewhere", role="staff", country="UG")

    lines = run("pledges", "not-listed").output.splitlines()

    assert [shlex.split(line) for line in lines] == [
        ["2", "KE", "Chuo cha Ndoto"],
        ["1", "UG", "Elsewhere"],
    ]


@pytest.mark.parametrize(
    "text", ["Uni $(id)", "Uni `id`", "Uni'; id; '", 'Uni"; id; "', "Uni !!", "Uni & id"]
)
def test_what_a_stranger_typed_does_not_run_in_a_terminal(
    session: Session, run: Run, text: str
) -> None:
    """The kind: text of a stranger that staff are asked to copy into a command."""
    confirmed(institution_text=text, role="staff")

    copied = run("pledges", "not-listed").output.split(None, 2)[2].strip()

    shell = subprocess.run(
        ["sh", "-c", f"printf %s {copied}"], capture_output=True, text=True, check=True
    )
    assert shell.stdout == text


def test_a_free_text_is_settled_with_its_institution(session: Session, run: Run) -> None:
    pledge = confirmed(institution_text="Chuo cha Ndoto", role="staff")
    found = institution(name="Dream University")
    campaign_id, ror_id = pledge.campaign_id, found.id

    result = run("pledges", "settle", "Chuo cha Ndoto", "ke", f"https://ror.org/{ror_id}")
    tallies.fold()

    assert "1 pledges now belong to Dream University." in result.output
    assert counts_of(campaign_id, "institution", ror_id).people == 1
    assert run("pledges", "not-listed").output == ""


def test_settling_with_an_unknown_institution_is_told(session: Session, run: Run) -> None:
    result = run("pledges", "settle", "Anything", "KE", "000000000")
    assert (result.exit_code, "not in the registry" in result.output) == (1, True)


def test_pledges_move_to_the_successor(session: Session, run: Run) -> None:
    old, new = institution(), institution()
    pledge = confirmed(institution=old.id, role="staff")
    campaign_id, ids = pledge.campaign_id, (old.id, new.id)
    tallies.fold()

    result = run("pledges", "merge-institutions", *ids)
    tallies.fold()

    assert (result.exit_code, result.output.startswith("1 pledges moved")) == (0, True)
    assert [counts_of(campaign_id, "institution", id_).people for id_ in ids] == [0, 1]


def test_merging_with_itself_or_nobody_is_told(session: Session, run: Run) -> None:
    home = institution()
    assert run("pledges", "merge-institutions", home.id, "000000000").exit_code == 1
    assert run("pledges", "merge-institutions", home.id, home.id).exit_code == 1
    assert run("pledges", "merge-institutions", "nonsense", home.id).exit_code == 1


# Counts


def test_reconciling_right_counts_is_a_success(session: Session, run: Run) -> None:
    confirmed()
    tallies.fold()
    result = run("tallies", "reconcile")
    assert (result.exit_code, "All tallies equal" in result.output) == (0, True)


def test_a_wrong_count_is_told_repaired_and_then_right(session: Session, run: Run) -> None:
    confirmed()
    tallies.fold()
    db.session.execute(update(Tally).where(Tally.dimension == "total").values(count=41))

    looked, repaired, again = (
        run("tallies", "reconcile", *option) for option in (["--no-repair"], [], [])
    )

    assert [result.exit_code for result in (looked, repaired, again)] == [1, 1, 0]
    assert "was 41, is 1" in looked.output
    assert "was 41, is 1" in repaired.output


def test_folding_counts_what_waits(session: Session, run: Run) -> None:
    confirmed()
    assert run("tallies", "fold").output == "Folded 1 changes.\n"
    assert run("tallies", "fold").output == "Folded 0 changes.\n"


# Demonstration


def test_invented_pledges_come_and_go_and_nothing_else(session: Session, run: Run) -> None:
    mine = confirmed().id
    assert "Added 30" in run("demo", "add", "--pledges", "30").output
    assert has_demo()
    assert db.session.scalar(select(func.sum(PublishedTally.people)))

    assert "Removed 30" in run("demo", "remove").output
    tallies.fold()

    assert not has_demo()
    assert db.session.scalars(select(PublishedTally.dimension)).all() == ["day"]
    assert the_pledge().id == mine
    assert db.session.scalar(select(func.count()).select_from(Person)) == 1
    assert tallies.differences() == []


def test_invented_pledges_are_not_added_twice(session: Session, run: Run) -> None:
    run("demo", "add", "--pledges", "5")
    result = run("demo", "add", "--pledges", "5")
    assert (result.exit_code, "already" in result.output) == (1, True)


@pytest.mark.parametrize("number", ["0", "-5", "many"])
def test_a_senseless_number_of_pledges_is_refused(session: Session, run: Run, number: str) -> None:
    assert run("demo", "add", "--pledges", number).exit_code == 2
    assert not has_demo()


# Institutions


def test_the_registry_can_be_asked(session: Session, run: Run) -> None:
    id_ = institution(name="University of the Lake", city="Kisumu").id
    assert "University of the Lake" in run("institutions", "show", f"https://ror.org/{id_}").output
    assert run("institutions", "show", "000000000").exit_code == 1
    assert run("institutions", "search", "zzqqxxyy").output == ""


def test_a_file_that_is_no_dump_changes_nothing(session: Session, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "dump.json"
    path.write_text("[{")
    result = run("institutions", "import", str(path))
    assert (result.exit_code, "Nothing was imported" in result.output) == (1, True)
    assert run("institutions", "import").exit_code == 2


# Languages


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a language concerns."""
    for part in ("campaign", "templates", "translations"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "static").symlink_to(ROOT / "static")
    return tmp_path


def test_a_language_is_added_with_all_messages_and_its_plurals(checkout: Path) -> None:
    done = lightup_outside("languages", "add", "cs", folder=checkout)

    made = polib.pofile(str(checkout / "translations/cs/LC_MESSAGES/messages.po"))
    template = polib.pofile(str(checkout / "translations/messages.pot"))
    assert (done.returncode, "Translate " in done.stdout) == (0, True)
    assert {e.msgid for e in made} == {e.msgid for e in template}
    assert made.metadata["Plural-Forms"].startswith("nplurals=4")
    assert not any(e.msgstr for e in made)


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("sw", "is there already"),
        ("ZH-hans", "is there already"),
        ("xx-nowhere", "not a language"),
        ("../x", "not a"),
    ],
)
def test_a_language_that_cannot_be_added_is_told(run: Run, tag: str, said: str) -> None:
    before = sorted(TRANSLATIONS.iterdir())
    result = run("languages", "add", tag)
    assert (result.exit_code, said in result.output) == (1, True)
    assert sorted(TRANSLATIONS.iterdir()) == before


def test_updating_keeps_translations_and_tells_what_is_missing(checkout: Path) -> None:
    path = checkout / "translations/sw/LC_MESSAGES/messages.po"
    catalogue = polib.pofile(str(path))
    entry = next(e for e in catalogue if not e.msgid_plural)
    entry.msgstr, gone = "Imetafsiriwa", polib.POEntry(msgid="Nobody says this", msgstr="Hakuna")
    catalogue.append(gone)
    catalogue.save()

    done = lightup_outside("languages", "update", folder=checkout)

    updated = polib.pofile(str(path))
    assert (done.returncode, "sw: " in done.stdout) == (0, True)
    assert updated.find(entry.msgid).msgstr == "Imetafsiriwa"
    assert updated.find(gone.msgid) is None


def test_a_database_that_is_away_is_told_in_a_sentence() -> None:
    url = "postgresql://localhost:1/nothing?connect_timeout=2"
    done = lightup_outside("pledges", "held", DATABASE_URL=url, SECRET_KEY="x" * 32)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "database" in done.stderr
