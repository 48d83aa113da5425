"""What the second wall does not see (``staff.scopes``) is reached from the desk by functions with a scope only.

The wall is blind to ``text()``, to Core tables and to inserts. From everything in the desk, and from every step of
a task, what is named is followed from function to function. One that takes a ``scope`` ends the way: it applies it.
"""

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from tests.structure.rooms import DOMAINS, ROOT, modules, room_of

BLIND = {"text", "sql", "insert"}
# Modules, or functions, whose rows belong to no country, or are written by those who may write all.
ALLOWED = {
    "audit": "the record is of no country; administrators read it",
    "campaigns.writing.note_reader": "drafts of texts are of no country",
    "institutions.corrections.take_lock": "a lock, no rows",
    "institutions.names": "an index of what the registry says",
    "institutions.operations": "the registry is imported as a whole, by administrators",
    "institutions.queries": "the registry is public",
    "institutions.search": "the registry is public",
    "partners.webhooks": "partners are of no country; administrators manage them",
    "people.importing": "files are brought in by administrators",
    "pledges.queue.open_case": "the desk finds the pledge within the scope before",
    "pledges.funnel": "forms that are opened have no country; shown to those who see all",
    "topics": "the number of a version",
}
Place = tuple[str, str]


@cache
def trees() -> dict[str, ast.Module]:
    """The modules of ground, domains and desk."""
    paths = [
        p for p in modules() if p.parent.name == "campaign" or room_of(p) in {"desk", *DOMAINS}
    ]
    names = {p: ".".join(p.relative_to(ROOT / "campaign").with_suffix("").parts) for p in paths}
    return {names[path]: ast.parse(path.read_text("utf-8")) for path in paths}


@cache
def things(module: str) -> dict[str, ast.stmt]:
    """The functions and constants of a module."""
    found: dict[str, ast.stmt] = {}
    for node in trees()[module].body if module in trees() else ():
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            names = [it for target in node.targets for it in ast.walk(target)]
            found |= {it.id: node for it in names if isinstance(it, ast.Name)}
    return found


@cache
def imported(module: str) -> dict[str, Place]:
    froms = [node for node in ast.walk(trees()[module]) if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname or alias.name: (str(node.module).partition(".")[2], alias.name)
        for node in froms
        for alias in node.names
    }


def named_in(module: str, node: ast.AST) -> Iterator[Place]:
    """The functions and constants of ours that are named here."""
    known = imported(module)
    for it in ast.walk(node):
        if isinstance(it, ast.Name):
            yield known.get(it.id, (module, it.id))
        elif isinstance(it, ast.Attribute) and isinstance(it.value, ast.Name):
            yield ".".join(filter(None, known.get(it.value.id, ()))), it.attr


def is_blind(node: ast.AST) -> bool:
    calls = {getattr(it.func, "id", "") for it in ast.walk(node) if isinstance(it, ast.Call)}
    attributes = {it.attr for it in ast.walk(node) if isinstance(it, ast.Attribute)}
    return bool(calls & BLIND) or "__table__" in attributes


def ends(place: Place) -> bool:
    node = things(place[0])[place[1]]
    has_scope = isinstance(node, ast.FunctionDef) and "scope" in ast.unparse(node.args)
    return has_scope or bool({place[0], ".".join(place)} & ALLOWED.keys())


def ways(start: Place) -> Iterator[str]:
    """Every way from here to something blind."""
    seen, waiting = {start}, [(start, ".".join(start))]
    while waiting:
        (module, name), way = waiting.pop()
        node = things(module)[name]
        if is_blind(node):
            yield way
        for there in named_in(module, node):
            if there not in seen and there[1] in things(there[0]) and not ends(there):
                seen.add(there)
                waiting.append((there, f"{way} → {'.'.join(there)}"))


def entrances() -> Iterator[Place]:
    """All of the desk, and the kinds of tasks with their steps."""
    for module in trees():
        for name, node in things(module).items():
            if module.startswith("desk.") or (
                isinstance(node, ast.Assign) and "Kind(" in ast.unparse(node)
            ):
                yield module, name


def test_the_desk_reaches_what_the_second_wall_does_not_see_by_a_scope_only() -> None:
    assert sorted({way for start in entrances() for way in ways(start)}) == []


def test_without_its_reason_a_way_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ALLOWED, "audit")
    assert "desk.record.lines → audit.actions → audit._ACTIONS" in {
        way for start in entrances() for way in ways(start)
    }
