"""What the tests of the one-command stack's ground share: programs to kill, waiting, data."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import campaign
from campaign.local.postgres import EmbeddedPostgres

ROOT = Path(campaign.__file__).parents[1]

Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="session")
def eventually() -> Callable[..., object]:
    """Wait until a condition returns something true, and return that."""

    def wait(condition: Callable[[], object], seconds: float = 15) -> object:
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)
        return answer

    return wait


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    """Start a Python program that may be killed; what it says is in `tmp_path / "output"`."""
    yield from programs(tmp_path)


@pytest.fixture(scope="module")
def spawn_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spawn]:
    """The same for programs that all tests of a module share."""
    yield from programs(tmp_path_factory.mktemp("programs"))


def programs(folder: Path) -> Iterator[Spawn]:
    started: list[subprocess.Popen[bytes]] = []
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def start(*command: object) -> subprocess.Popen[bytes]:
        with (folder / "output").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *map(str, command)],
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(30)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database for the tests that leave it in order; making one takes a second."""
    folder = tmp_path_factory.mktemp("prepared")
    with EmbeddedPostgres(folder, fast=True):
        return folder


@pytest.fixture
def server(prepared: Path) -> Iterator[EmbeddedPostgres]:
    """A server that is not started yet, and stopped at the end, with whatever was in it before."""
    server = EmbeddedPostgres(prepared)
    yield server
    server.stop()


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """A folder of one's own with a database, to be spoilt."""
    shutil.copytree(prepared / "data", tmp_path / "postgres" / "data")
    return tmp_path / "postgres"
