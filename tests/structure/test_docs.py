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

from campaign import deliveries, i18n, safe_http
from campaign.api.base import READ_LIMIT
from campaign.api.downloads import DOWNLOAD_LIMIT
from campaign.api.writing import WRITE_LIMIT
from campaign.cli.running import DEMO_PLEDGES, WORKER_THREADS
from campaign.config import Settings
from campaign.db import db
from campaign.desk.navigation import ITEMS
from campaign.desk.staff import ROLES
from campaign.desk.wording import HOLD_REASONS
from campaign.http.rate_limits import FORM_LIMIT, SEARCH_LIMIT
from campaign.mail import outbox
from campaign.main import lightup
from campaign.partners import operations as partners
from campaign.people import importing
from campaign.pledges import (
    emails,
    exporting,
    holding,
    merging,
    operations,
    retention,
    reviewing,
    rules,
    submitting,
)
from campaign.pledges.queries import MAX_PINS
from campaign.staff import passwords
from campaign.staff.policy import FRESH, IDLE, INVITATION_LIFETIME, LONGEST_SESSION
from campaign.web.sharing import CARD_LIMIT
from tests.browser.handbook import PICTURES
from tests.structure import drawing
from worker.registry import JOBS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
LARGEST_PICTURE = 60_000
LINE_LENGTH = 110  # a phone shows it in three lines, a terminal in one; tables cannot be folded


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
every_decision = pytest.mark.parametrize("path", DECISIONS, ids=name_of)

# Made by running the project, so not in the repository.
MADE = {".venv", "var", "dist", "site"}
MACHINE = re.compile(
    r"(?<![\w.:/*>])/(?:work|root|home|Users|tmp|mnt|opt)\b|\bpypi\b|pythonhosted|npmjs", re.I
)
# Words that promise or belittle instead of saying something.
HOLLOW = re.compile(
    r"\b(simply|just|powerful|easily|obviously|seamless\w*|robust|of course)\b", re.I
)


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
    """The words after every ``lightup``, and those that make passes on to ``lightup up``."""
    for text in code(path):
        for words in re.findall(r"(?:^|[\s/])lightup((?: [^\s#]+)+)", text):
            yield words.split()
        for options in re.findall(r'\bUP="([^"]*)"', text):
            yield ["up", *options.split()]


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
        command, rest = resolve(words)
        parameters = command.params
        known = {name for one in parameters for name in (*one.opts, *one.secondary_opts)} | {
            "--help"
        }
        assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known, words


def test_every_command_is_told_of() -> None:
    told = {id(resolve(words)[0]) for path in DOCUMENTS for words in invocations(path)}
    assert [command.name for command in commands() if id(command) not in told] == []


def test_the_table_of_settings_is_that_of_the_program() -> None:
    described = [
        [f"`{setting.name.upper()}`", shown(setting.default), setting.metadata["help"]]
        for setting in fields(Settings)
    ]
    assert table(doc("operators"), "setting", "default", "what it is") == described


def shown(default: Any) -> str:
    """As the documents write it; an operator writes yes and no, not True and False."""
    if default is None:
        return "required"
    if default in {"", ()}:
        return "none"
    return f"`{('no', 'yes')[default]}`" if isinstance(default, bool) else f"`{default}`"


@every_document
def test_every_setting_named_exists(path: Path) -> None:
    known = {setting.name.upper() for setting in fields(Settings)} | settings_of_tests()
    texts = [*spans(path), *blocks(path).replace("export ", "").splitlines()]
    named = {
        found[1] for text in texts if (found := re.match(r"([A-Z]+(?:_[A-Z]+)+)(?:=|$)", text))
    }
    assert named <= known


@cache
def settings_of_tests() -> set[str]:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    return set(re.findall(r'environ(?:\.get\(|\[)"(\w+)"', sources))


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
    """TAG in a name stands for a language; a name alone may be that of several files."""
    for span in spans(path):
        if (
            re.fullmatch(r"[\w*-][\w.*-]*(/[\w.*-]*)+|\.ci/\w+", span)
            and span.split("/")[0] not in MADE
        ):
            assert list(ROOT.glob(span.replace("TAG", "sw").rstrip("/"))), span
        elif re.fullmatch(r"[\w-]+\.(py|toml|md|lock|json|po)", span):
            assert span.replace("TAG", "sw") in names_of_files(), span


@cache
def names_of_files() -> set[str]:
    folders = (".", "campaign", "worker", "tests", "translations", "docs")
    return {
        path.name
        for folder in folders
        for path in (ROOT / folder).glob("**/*.*" if folder != "." else "*.*")
    }


@every_document
def test_every_function_named_exists(path: Path) -> None:
    for span in spans(path):
        if re.fullmatch(r"[a-z_0-9]+(\.\w+)+", span):
            top = span.split(".")[0]
            name = span if top == "worker" else f"campaign.{span}"
            if top == "worker" or util.find_spec(f"campaign.{top}"):
                assert find(name), span


@every_document
def test_every_test_named_exists(path: Path) -> None:
    named = {span for span in spans(path) if re.fullmatch(r"test_\w+", span)}
    assert named <= names_of_tests()


@cache
def names_of_tests() -> set[str]:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return set(re.findall(r"def (test_\w+)\(", sources))


# Sections of OWASP ASVS 5.0.0 with their requirements of levels 1 and 2; in V6 to V8 those of level 3, too.
ASVS = """
    1.1.1–2 1.2.1–9 1.3.1–11 1.4.1–3 1.5.1–2 2.1.1–3 2.2.1–3 2.3.1–4 2.4.1 3.2.1–2 3.3.1–4 3.4.1–6 3.5.1–5 3.7.1–2
    4.1.1–3 4.2.1 4.3.1–2 4.4.1–4 5.1.1 5.2.1–3 5.3.1–2 5.4.1–3 6.1.1–3 6.2.1–12 6.3.1–8 6.4.1–6 6.5.1–8 6.6.1–4
    6.7.1–2 6.8.1–4 7.1.1–3 7.2.1–4 7.3.1–2 7.4.1–5 7.5.1–3 7.6.1–2 8.1.1–4 8.2.1–4 8.3.1–3 8.4.1–2 9.1.1–3 9.2.1–4
    10.1.1–2
    10.2.1–2 10.3.1–4 10.4.1–11 10.5.1–5 10.6.1–2 10.7.1–3 11.1.1–2 11.2.1–3 11.3.1–3 11.4.1–4 11.5.1 11.6.1
    12.1.1–3 12.2.1–2 12.3.1–4 13.1.1 13.2.1–5 13.3.1–2 13.4.1–5 14.1.1–2 14.2.1–4 14.3.1–3 15.1.1–3 15.2.1–3
    15.3.1–7 16.1.1 16.2.1–5 16.3.1–4 16.4.1–3 16.5.1–3 17.1.1 17.2.1–4 17.3.1–2
"""


def test_every_requirement_of_the_standard_has_one_answer() -> None:
    rows = [row for row in table(doc("security"), "numbers", "answer", "how") if "**" not in row[0]]
    assert {answer for _, answer, _ in rows} == {"met", "n/a", "open"}
    assert sorted(requirements(" ".join(row[0] for row in rows))) == sorted(requirements(ASVS))


def requirements(text: str) -> Iterator[str]:
    """Every number of ranges such as "1.1.1–2, 3.2.1"."""
    for section, first, last in re.findall(r"(\d+\.\d+)\.(\d+)(?:–(\d+))?", text):
        yield from (f"{section}.{number}" for number in range(int(first), int(last or first) + 1))


def test_every_name_in_the_security_model_is_found() -> None:
    """A name whose first part is mistyped, too; elsewhere it might be another program's."""
    names = {span for span in spans(doc("security")) if re.fullmatch(r"[a-z_]+(\.\w+)+", span)}
    assert {name for name in names if not find(f"campaign.{name}")} <= names_of_files()


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
    programs = (ROOT / "tests/benchmarks").glob("bench_*.py")
    benches = {path.stem.replace("_", "-") for path in programs}
    told = {
        found
        for path in DOCUMENTS
        for line in code(path)
        for found in re.findall(r"^make ([\w%-]+)", line)
    }
    assert told == targets | benches | {"bench-%"}


def test_the_programs_of_ci_are_told_of() -> None:
    assert {f".ci/{path.name}" for path in (ROOT / ".ci").iterdir()} <= set(
        spans(doc("development"))
    )


def test_the_languages_named_are_those_offered() -> None:
    named = re.findall(r"(\w+) \(`([\w-]+)`\)", prose(ROOT / "README.md"))
    assert {tag for _, tag in named} == set(i18n.offered())
    assert len(named) == len(i18n.offered())
    for name, tag in named:
        assert i18n.babel_locale(tag).get_language_name("en") == name


def test_the_tables_named_are_those_of_the_database() -> None:
    """The models' tables; `tests/ground/test_migrations.py` compares them with the database."""
    first_cells = " ".join(row[0] for row in table(doc("architecture"), "table", "holds"))
    assert set(re.findall(r"`(\w+)`", first_cells)) == db.metadata.tables.keys()


@every_document
def test_flask_finds_every_application_named(path: Path) -> None:
    """``--app campaign.wsgi`` is a module with an ``app``; importing it would need settings."""
    for module in re.findall(r"flask --app (\S+)", blocks(path)):
        source = ROOT / f"{module.replace('.', '/')}.py"
        assert re.search(r"^app = ", source.read_text("utf-8"), re.M), module


@every_document
def test_every_page_named_has_its_route(path: Path, app: Flask) -> None:
    rules_of_pages = [
        re.sub(r"<[^<>]+:(\w+)>", r"<\1>", rule.rule) for rule in app.url_map.iter_rules()
    ]
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
    source = "".join(
        Path(str(module.__file__)).read_text("utf-8")
        for module in (holding, merging, operations, reviewing, submitting)
    )
    words = {code: str(words) for code, words in HOLD_REASONS.items()}
    assert [code for code in words if f'"{code}"' not in source] == []
    explained = table(doc("staff"), "reason", "what it means", "look at")
    assert sorted(row[0] for row in explained) == sorted(words.values())
    codes = table(doc("commands"), "code", "at the desk")
    assert {code.strip("`"): name for code, name in codes} == words


def test_the_kinds_of_work_are_those_of_the_desk() -> None:
    described = [row[0] for row in table(doc("staff"), "work", "what it includes")]
    assert described == [str(name) for name, _ in ROLES.values()]


def test_every_page_of_the_desk_has_its_section() -> None:
    headings = re.findall(r"^## (.+)$", prose(doc("staff")), re.M)
    pages = [str(item.label) for item in ITEMS]
    assert [heading for heading in headings if heading in pages] == pages


def test_every_button_named_is_at_the_desk() -> None:
    """What the handbook has in bold is on a page of the desk; a sentence in bold is its own."""
    files = [*(ROOT / "templates/desk").rglob("*.html"), *(ROOT / "campaign/desk").rglob("*.py")]
    source = "".join(path.read_text("utf-8") for path in files)
    named = set(re.findall(r"\*\*(.+?)\*\*", " ".join(prose(doc("staff")).split())))
    assert sorted(words for words in named if words[-1] != "." and words not in source) == []


def test_the_pictures_of_the_handbook_are_those_that_a_program_takes() -> None:
    """`tests/browser/test_handbook.py` opens their pages."""
    named = re.findall(r"^!\[.{20,}\]\(pictures/([\w-]+)\.png\)$", prose(doc("staff")), re.M)
    taken = [*(ROOT / "docs/pictures").iterdir()]
    assert named == [*PICTURES]
    assert {path.name for path in taken} == {f"{name}.png" for name in named}
    assert [path.name for path in taken if path.stat().st_size > LARGEST_PICTURE] == []


def test_numbers_named_are_those_of_the_code(app: Flask) -> None:
    days = {setting.name: setting.default for setting in fields(Settings)}
    limits = (SEARCH_LIMIT, FORM_LIMIT, CARD_LIMIT)
    searches, forms, cards = (int(limit.split()[0]) for limit in limits)
    said = {
        "scientists": (
            f"works for {emails.MINE_LIFETIME // timedelta(hours=1)} hours",
            f"works for {days['unconfirmed_days']} days",
            f"not confirmed is removed after {days['unconfirmed_days']} days",
            f"remind you once, after {retention.REMINDER_AFTER.days} days",
            f"up to {rules.NAME_LENGTH} characters; no web",
            f"optional, up to {rules.WORDS_LENGTH} characters",
            f"up to {rules.MAX_DISCIPLINES} fields",
        ),
        "institutions": (
            f"up to {rules.MAX_SUPPORT_LETTERS} languages, up to {rules.SUPPORT_LETTER_LENGTH:,} characters",
        ),
        "staff": (
            f"within {holding.SHORTEST_READING.seconds} seconds",
            f"at least {passwords.SHORTEST} characters",
            f"after {IDLE // timedelta(hours=1)} hours without a click",
            f"after {LONGEST_SESSION // timedelta(hours=1)} hours in any case",
            f"more than {FRESH // timedelta(minutes=1)} minutes ago",
            f"valid for {INVITATION_LIFETIME.days} days",
            f"up to {MAX_PINS}, in the order",
            f"takes a verdict back within {reviewing.UNDO_FOR.seconds // 60} minutes",
            f"removed after {importing.KEPT.days} days",
            f"removed after {exporting.KEPT.days} days",
        ),
        "commands": (f"{DEMO_PLEDGES:,} invented pledges",),
        "operators": (
            f"{deliveries.MAX_ATTEMPTS} times in all",
            f"sent or given up | {outbox.KEPT.days} days",
            f"people where nothing else is theirs | {days['unconfirmed_days']} days",
            f"network addresses | {days['network_hash_days']} days",
            f"not confirmed for {retention.REMINDER_AFTER.days} days",
            f"sent again after {deliveries.LEASE.seconds // 60} minutes",
            f"processes of {WORKER_THREADS} threads",
            f"{deliveries.MAX_ATTEMPTS} times in all; a webhook",
            f"after {safe_http.TOTAL_TIMEOUT:.0f} seconds",
            f"at most {WRITE_LIMIT.split()[0]} requests a minute",
            f"{int(READ_LIMIT.split()[0]):,} requests a minute, and {DOWNLOAD_LIMIT.split()[0]} of each file",
            f"`Idempotency-Key` | {partners.ANSWERS_KEPT // timedelta(hours=1)} hours",
            f"used on a day | {partners.USES_KEPT.days} days",
            f"searches and lists ({searches:,} a minute), forms",
            f"a number or a receipt ({forms:,} each), pictures to share and QR codes ({cards:,})",
        ),
        "architecture": (f"{operations.MAX_CODE_ATTEMPTS} wrong guesses",),
        "security": (
            f"{operations.MAX_CODE_ATTEMPTS} guesses a pledge",
            f"no redirects, {safe_http.TOTAL_TIMEOUT:.0f} seconds",
            f"have {days['unconfirmed_days']} days instead of 10 minutes",
            f"[{emails.MINE_LIFETIME // timedelta(hours=1)} hours]",
            f"{app.config['MAX_CONTENT_LENGTH'] // 1024} KB for a request",
            f"{app.config['MAX_FORM_PARTS']} parts",
        ),
    }
    for name, sentences in said.items():
        text = " ".join(prose(doc(name)).split())
        assert [words for words in sentences if words not in text] == [], name


def test_the_notice_names_every_source_of_data() -> None:
    sources = prose(ROOT / "README.md").partition("\n## Sources of data\n")[2]
    notice = (ROOT / "NOTICE").read_text("utf-8")
    links = re.findall(r"\]\((https://[^)]+)\)", sources)
    assert links
    assert [link for link in links if link not in notice] == []


def test_the_drawing_shows_the_rooms_as_they_are() -> None:
    assert drawing.FILE.read_text("utf-8") == drawing.draw(), "draw it anew: make rooms"


@every_decision
def test_a_decision_has_context_decision_and_consequences(path: Path) -> None:
    headings = re.findall(r"^#+ .+$", prose(path), re.M)
    assert headings[0].startswith(f"# {path.name[:4]}. ")
    assert headings[1:] == ["## Context", "## Decision", "## Consequences"]


def test_the_index_lists_every_decision() -> None:
    lines = re.findall(r"^- (\d{4}) \[(.+)\]\((.+)\)$", prose(doc("decisions/README")), re.M)
    index = sorted(lines)  # it is by subject
    assert [f"# {number}. {title}" for number, title, _ in index] == [
        path.read_text("utf-8").partition("\n")[0] for path in DECISIONS
    ]
    assert [file for _, _, file in index] == [path.name for path in DECISIONS]


@every_document
def test_lines_are_short(path: Path) -> None:
    lines = (line for line in prose(path).splitlines() if line.lstrip()[:2] not in {"| ", "!["})
    assert [line for line in lines if len(line) > LINE_LENGTH] == []


@every_document
def test_no_document_names_a_machine_or_a_package_index(path: Path) -> None:
    assert MACHINE.findall(path.read_text("utf-8")) == []


@every_document
def test_words_are_plain(path: Path) -> None:
    assert HOLLOW.findall(prose(path)) == []
