"""Who may import whom: worker, app → doors → domains, in their order → ground. Never back."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOMAINS = ("institutions", "campaigns", "people", "pledges", "tallies", "records", "partners")
DOORS = ("web", "embed", "api", "cli")
# Widgets and the door for programs stand on what all pages have in common.
MAY_SHARE = {"embed": {"web"}, "api": {"web"}}
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
    ground_may_not = {*DOMAINS, *DOORS, *TOP, "worker", "local"}
    if part in DOMAINS:
        return {*DOMAINS[DOMAINS.index(part) + 1 :], *DOORS, *TOP, "worker", "local"}
    if part in DOORS:
        return {*TOP, *(set(DOORS) - {part} - MAY_SHARE.get(part, set()))}
    if part in {*TOP, "worker", *APART}:
        return {"main"} - {part}
    return ground_may_not


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
    """All of local/ but the composition of the stack could serve any other project."""
    for path in (ROOT / "campaign/local").glob("*.py"):
        if path.name != "stack.py":
            assert parts_imported(path) <= {"local"}, path.name
