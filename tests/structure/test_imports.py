"""Who may import whom: worker and app → doors → http → domains, in their order → ground. Never back."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOMAINS = ("institutions", "campaigns", "people", "pledges", "tallies", "records", "partners")
# What all doors stand on.
SHARED = ("http", "demo")
DOORS = ("web", "embed", "api", "cli")
TOP = ("app", "main")
APART = ("local", "migrations")
# What a domain must be given as an argument instead of finding it in the request.
OF_THE_REQUEST = {"request", "session", "g", "flash", "url_for", "current_app"}


def modules() -> list[Path]:
    return [
        path
        for folder in ("campaign", "worker")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "versions" not in path.parts
    ]


def part_of(path: Path) -> str:
    """The folder below campaign/, or the module's name, or "worker"."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "campaign" else "worker"


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Every (module, name) that the module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def parts_imported(path: Path) -> set[str]:
    found = set()
    for module, name in imports(path):
        top, _, rest = module.partition(".")
        if top == "campaign":
            found.add(rest.split(".")[0] if rest else name)
        elif top == "worker":
            found.add("worker")
    return found


def forbidden_for(part: str) -> set[str]:
    above_domains = {*SHARED, *DOORS, *TOP, "worker", "local"}
    if part in DOMAINS:
        return {*DOMAINS[DOMAINS.index(part) + 1 :], *above_domains}
    if part in SHARED:
        return above_domains - {part}
    if part in DOORS:
        return {*DOORS, *TOP, "worker"} - {part}
    if part == "worker":
        return {*DOORS, "main"}
    if part in {*TOP, *APART}:
        return {"main"} - {part}
    return {*DOMAINS, *above_domains}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    assert not parts_imported(path) & forbidden_for(part_of(path)) - {part_of(path)}


@pytest.mark.parametrize(
    "path",
    [p for p in modules() if part_of(p) in DOMAINS],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_domains_do_not_read_the_request(path: Path) -> None:
    assert not [
        name for module, name in imports(path) if module == "flask" and name in OF_THE_REQUEST
    ]


def test_the_one_command_stack_stands_alone() -> None:
    """All of local/ could serve any other project."""
    for path in (ROOT / "campaign/local").glob("*.py"):
        assert parts_imported(path) <= {"local"}, path.name
