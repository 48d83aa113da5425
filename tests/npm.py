"""Tools for tests from npm, installed on first use into the user's cache, never into the repository."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

import pytest

INSTALL_SECONDS = 180


def package(name: str, version: str, *, needs: tuple[str, ...] = ()) -> Path:
    """The folder of the package with what it depends on. Skips the test, saying why, where it cannot be had."""
    for program in ("npm", *needs):
        if not shutil.which(program):
            pytest.skip(f"no {program}, which {name} needs")
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lightup-tests"
    place = root / f"{name}-{version}"
    if not place.exists():
        root.mkdir(parents=True, exist_ok=True)
        _install(f"{name}@{version}", place)
    return place / "node_modules" / name


def _install(wanted: str, place: Path) -> None:
    """Whole or not at all: two processes may try at once, and one may be stopped half-way."""
    draft = Path(mkdtemp(dir=place.parent))
    try:
        npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", draft]
        done = subprocess.run(
            [*npm, wanted], capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
        )
        if done.returncode:
            pytest.skip(f"npm cannot install {wanted}: {done.stderr.strip()[-300:]}")
        if not place.exists():
            draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
