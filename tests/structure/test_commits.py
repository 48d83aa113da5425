"""Doors, worker and outbox commit, through ``jobs.commit`` only; domains flush at most."""

import ast
from pathlib import Path

import pytest

from tests.structure.rooms import DOMAINS, ROOT, modules, room_of


def calls(path: Path, method: str) -> list[str]:
    """Source of every call of a method of this name."""
    tree = ast.parse(path.read_text("utf-8"))
    return [
        ast.unparse(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_jobs_commits_the_session(path: Path) -> None:
    allowed = (
        {"db.session.commit", "jobs.commit"}
        if path.name == "jobs.py"
        else {"jobs.commit", "connection.commit"}
    )
    assert set(calls(path, "commit")) <= allowed


@pytest.mark.parametrize(
    "path",
    [p for p in modules() if room_of(p) in DOMAINS],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_domains_never_commit(path: Path) -> None:
    assert not calls(path, "commit")
    assert not calls(path, "rollback")
