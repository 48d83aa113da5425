"""What README and docs/ say of the product is so: commands, settings, files, functions, jobs, tables, days."""

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from functools import cache
from importlib import import_module, util
from itertools import takewhile
from pathlib import Path
from typing import Any

import click
import pytest
from flask import Flask
from sqlalchemy import inspect

from campaign import i18n
from campaign.cli import lightup
from campaign.config import Settings
from campaign.db import db
from campaign.mail import outbox
from campaign.pledges import holding, letters, operations, rules
from worker import actors
from worker.registry import JOBS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)

# Made by running the project, so not in the repository.
MADE = {".venv", "var", "dist", "site"}
PLACEHOLDER = re.compile(r"<[^>]*>|TAG|\bde\b")
MACHINE = re.compile(r"(?<![\w.:/*>])/(?:work|root|home|Users|tmp|mnt|opt)\b|\bpypi\b|pythonhosted|npmjs", re.I)
# Words that promise or belittle instead of saying something.
HOLLOW = re.compile(r"\b(simply|just|powerful|easily|obviously|seamless\w*|robust|of course)\b", re.I)


@cache
def prose(path: Path) -> str:
    return re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.M | re.S)


@cache
def blocks(path: Path) -> str:
    return "\n".join(re.findall(r"^```\w*\n(.*?)^```$", path.read_text("utf-8"), re.M | re.S))


@cache
def spans(path: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(path))


def code(path: Path) -> list[str]:
    """Everything in the type of code: spans and the lines of blocks."""
    return [*spans(path), *blocks(path).splitlines()]


def table(path: Path, *heading: str) -> list[list[str]]:
    """Rows of the table whose columns have these names."""
    text = prose(path)
    start = text.index("| " + " | ".join(heading) + " |")
    lines = takewhile(lambda line: line.startswith("|"), text[start:].splitlines()[2:])
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def doc(name: str) -> Path:
    return ROOT / "docs" / f"{name}.md"


def invocations(path: Path) -> Iterator[list[str]]:
    """The words after every ``lightup``."""
    for text in code(path):
        if found := re.search(r"(?:^|[\s/])lightup((?: [^\s#]+)+)", text):
            yield found[1].split()


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these words call, and the words after it. Raises KeyError."""
    command: click.Command = lightup
    rest = [*words]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        command = command.commands[rest.pop(0)]
    return command, rest


def commands(group: click.Group = lightup) -> Iterator[click.Command]:
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from commands(command)
        else:
            yield command


@every_document
def test_every_command_named_exists(path: Path) -> None:
    for words in invocations(path):
        if words[0].startswith(("…", "-")) or re.fullmatch(r"\W+", words[0]):
            continue
        command, rest = resolve(words)
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        asked = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert asked <= known | {"--help"}, words


def test_every_command_is_told_of() -> None:
    told = {id(resolve(words)[0]) for path in DOCUMENTS for words in invocations(path)}
    assert [command.name for command in commands() if id(command) not in told] == []


def test_the_table_of_settings_is_that_of_the_program() -> None:
    expected = []
    for setting in fields(Settings):
        default = {None: "required", True: "`yes`", False: "`no`"}
        shown = default[setting.default] if setting.default in (None, True, False) and setting.default != 0 else None
        expected.append([f"`{setting.name.upper()}`", shown or _shown(setting.default), setting.metadata["help"]])
    assert table(doc("operators"), "setting", "default", "what it is") == expected


def _shown(default: Any) -> str:
    return "`no`" if default is False else f"`{default}`"


@every_document
def test_every_setting_named_exists(path: Path) -> None:
    known = {setting.name.upper() for setting in fields(Settings)} | {"TEST_DATABASE_URL"}
    named = {word for text in code(path) for word in re.findall(r"\b[A-Z]+(?:_[A-Z]+)*_(?:URL|KEY|[A-Z]+S)\b", text)}
    assert named <= known


@every_document
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", prose(path)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def anchors(path: Path) -> set[str]:
    """Those that a page of this document has: headings in small letters, without signs, spaces as hyphens."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_document
def test_every_file_named_exists(path: Path) -> None:
    for span in spans(path):
        first = span.split("/")[0]
        is_path = re.fullmatch(r"[\w.*-]+(/[\w.*-]*)*", span) and (ROOT / first).exists()
        if is_path and ("/" in span or "." in span) and first not in MADE and not PLACEHOLDER.search(span):
            assert list(ROOT.glob(span.rstrip("/"))), span


@every_document
def test_every_function_named_exists(path: Path) -> None:
    for span in spans(path):
        if re.fullmatch(r"[a-z_0-9]+(\.\w+)+", span):
            top = span.split(".")[0]
            name = span if top == "worker" else f"campaign.{span}"
            if top == "worker" or util.find_spec(f"campaign.{top}"):
                assert find(name), span


def find(name: str) -> bool:
    """Whether there is such a module, or such a thing in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def test_every_target_of_make_is_told_of_and_none_else() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    targets = {*re.search(r"^\.PHONY: (.+)$", text, re.M)[1].split()}  # type: ignore[index]
    benches = {f"bench-{path.stem.removeprefix('bench_')}" for path in (ROOT / "tests/benchmarks").glob("bench_*.py")}
    told = {found for path in DOCUMENTS for line in code(path) for found in re.findall(r"^make ([\w%-]+)", line)}
    assert told == targets | benches | {"bench-%"}


def test_the_programs_of_ci_are_told_of() -> None:
    assert {f".ci/{path.name}" for path in (ROOT / ".ci").iterdir()} <= set(spans(doc("development")))


def test_the_languages_named_are_those_offered() -> None:
    named = re.findall(r"(\w+) \(`([\w-]+)`\)", prose(ROOT / "README.md"))
    assert {tag for _, tag in named} == set(i18n.offered())
    assert len(named) == len(i18n.offered())
    for name, tag in named:
        assert i18n.babel_locale(tag).get_language_name("en") == name


def test_the_tables_named_are_those_of_the_database(app: Flask) -> None:
    first_cells = " ".join(row[0] for row in table(doc("architecture"), "table", "holds"))
    with app.app_context():
        there = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
    assert set(re.findall(r"`(\w+)`", first_cells)) == there


@every_document
def test_every_page_named_has_its_route(path: Path, app: Flask) -> None:
    rules_of_pages = [rule.rule for rule in app.url_map.iter_rules()]
    for span in spans(path):
        if span.startswith("/<locale>/"):
            assert any(rule.startswith(span) for rule in rules_of_pages), span


def test_the_jobs_named_are_those_of_the_worker() -> None:
    every = {"s": 1, "h": 3600, "day": 86_400}
    told = {}
    for name, period, _ in table(doc("operators"), "job", "every", "what it does"):
        number, unit = period.split()
        told[name.strip("`")] = timedelta(seconds=int(number) * every[unit])
    assert told == {name: job.every for name, job in JOBS.items()}


def test_the_reasons_to_hold_are_those_of_the_code() -> None:
    source = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (holding, operations))
    for reason, _, _ in table(doc("staff"), "reason", "what it means", "look at"):
        assert reason.replace("`", '"') in source


def test_numbers_named_are_those_of_the_code() -> None:
    defaults = {setting.name: setting.default for setting in fields(Settings)}
    hours = letters.MINE_LIFETIME // timedelta(hours=1)
    said = {
        ("scientists", f"works for {hours} hours"),
        ("scientists", f"works for {letters.SENT_LIFETIME.days} day;"),
        ("scientists", f"works for {defaults['unconfirmed_days']} days"),
        ("scientists", f"not confirmed is removed after {defaults['unconfirmed_days']} days"),
        ("scientists", f"remind you once, after {operations.REMINDER_AFTER.days} days"),
        ("scientists", f"up to {rules.NAME_LENGTH} characters; no web"),
        ("scientists", f"up to {rules.WORDS_LENGTH} characters"),
        ("institutions", f"up to {rules.MAX_LETTERS} languages, up to {rules.LETTER_LENGTH:,} characters"),
        ("staff", f"within {holding.SHORTEST_READING.seconds} seconds"),
        ("operators", f"{outbox.MAX_ATTEMPTS} times in all"),
        ("operators", f"sent or given up | {actors.LETTERS_KEPT.days} days"),
        ("operators", f"network addresses | {defaults['network_hash_days']} days"),
        ("operators", f"not confirmed for {operations.REMINDER_AFTER.days} days"),
        ("operators", f"sent again after {outbox.LEASE.seconds // 60} minutes"),
    }
    assert {(name, words) for name, words in said if words not in " ".join(prose(doc(name)).split())} == set()


@every_document
def test_no_document_names_a_machine_or_a_package_index(path: Path) -> None:
    assert MACHINE.findall(path.read_text("utf-8")) == []


@every_document
def test_words_are_plain(path: Path) -> None:
    assert HOLLOW.findall(prose(path)) == []
