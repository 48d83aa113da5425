"""The lock files belong to the dependencies in pyproject.toml: `make lock` was run after each change of them."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
EXTRAS_OF_LOCKS = {
    "requirements.lock": ("redis", "rabbitmq"),
    "requirements-dev.lock": tuple(EXTRAS),
}

every_lock = pytest.mark.parametrize("lock", EXTRAS_OF_LOCKS)


def declared(lock: str) -> list[Requirement]:
    """What the project asks for in this lock."""
    extras = (EXTRAS[extra] for extra in EXTRAS_OF_LOCKS[lock])
    return [Requirement(line) for line in sum(extras, PROJECT["dependencies"])]


def entries(lock: str) -> Iterable[tuple[str, str, str]]:
    """Name and version of every package in the lock, and the rest of its entry."""
    text = (ROOT / lock).read_text("utf-8")
    for entry in re.split(r"\n(?=[a-z0-9])", text):
        name, version, rest = re.fullmatch(r"(\S+)==(\S+)(.*)", entry, re.S).groups()  # type: ignore[union-attr]
        yield canonicalize_name(name), version, rest


@every_lock
def test_every_dependency_is_locked_at_a_version_that_suits(lock: str) -> None:
    versions = {name: version for name, version, _ in entries(lock)}

    unsuited = [
        str(requirement)
        for requirement in declared(lock)
        if versions.get(canonicalize_name(requirement.name), "") not in requirement.specifier
    ]

    assert unsuited == [], "run `make lock`"


@every_lock
def test_nothing_is_locked_for_a_dependency_that_is_gone(lock: str) -> None:
    direct = {name for name, _, rest in entries(lock) if "lightup (pyproject.toml)" in rest}

    assert direct == {canonicalize_name(r.name) for r in declared(lock)}, "run `make lock`"


@every_lock
def test_every_package_is_locked_by_digest(lock: str) -> None:
    assert [name for name, _, rest in entries(lock) if "--hash=sha256:" not in rest] == []


@every_lock
def test_a_lock_names_no_package_index(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text("utf-8")
