"""The rooms of the house, and which of them a module in one may import. Reads any checkout, this one by default."""

import ast
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

DOMAINS = (
    "staff",
    "institutions",
    "campaigns",
    "people",
    "pledges",
    "tallies",
    "records",
    "partners",
)
# What all doors stand on.
SHARED = ("http", "demo")
DOORS = ("web", "embed", "api", "desk", "cli")
# app.py knows the doors that answer requests, main.py the commands and the worker, wsgi*.py one application each.
TOP = {
    "app": {*DOORS} - {"cli"},
    "main": {"app", "cli", "worker"},
    "wsgi": {"app"},
    "wsgi_desk": {"app"},
}
ABOVE_DOMAINS = {*SHARED, *DOORS, *TOP, "worker", "local"}


def modules(root: Path = ROOT) -> list[Path]:
    return [
        path
        for folder in ("campaign", "worker")
        for path in sorted((root / folder).rglob("*.py"))
        if "versions" not in path.parts
    ]


def room_of(path: Path, root: Path = ROOT) -> str:
    """The folder below campaign/, or the module's name, or "worker"."""
    parts = path.relative_to(root).with_suffix("").parts
    return parts[1] if parts[0] == "campaign" else "worker"


def imports(path: Path, root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Every (module, name) that the module imports, wherever in it."""
    package = ".".join(path.relative_to(root).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield from ((module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def rooms_imported(path: Path, root: Path = ROOT) -> set[str]:
    rooms = set()
    for module, name in imports(path, root):
        top, _, rest = module.partition(".")
        if top == "campaign":
            rooms.add(rest.split(".")[0] if rest else name)
        elif top == "worker":
            rooms.add("worker")
    return rooms


def forbidden_for(room: str) -> set[str]:
    """The rooms that a module in this one must not import."""
    if room in TOP:
        return {*DOORS, *TOP, "worker"} - TOP[room]
    if room == "worker":
        return {*DOORS, "main"}
    if room in DOORS:
        return {*DOORS, *TOP, "worker"}
    if room in SHARED:
        return ABOVE_DOMAINS
    if room in DOMAINS:
        return {*DOMAINS[DOMAINS.index(room) + 1 :], *ABOVE_DOMAINS}
    return {*DOMAINS, *ABOVE_DOMAINS}


def forbidden_imports(path: Path, root: Path = ROOT) -> set[str]:
    """The rooms that this module imports and must not."""
    room = room_of(path, root)
    return rooms_imported(path, root) & forbidden_for(room) - {room}
