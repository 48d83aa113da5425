"""The programs' logs: one file for each, limited in size, every line with its time in UTC."""

import heapq
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

LARGEST = 2_000_000
"""Bytes of one log. When it is full it becomes NAME.log.1, in place of the one before."""

_POLL_SECONDS = 0.25
_STAMP = "%Y-%m-%d %H:%M:%S "
_STAMP_LENGTH = len("2026-11-29 22:06:47 ")


class Line(NamedTuple):
    """A line of a log: when it was written, by which program, and the whole line as it is in the file."""

    stamp: bytes
    program: str
    content: bytes


class Logs:
    """Writes the logs in `folder`. A full disk loses lines and stops nothing."""

    def __init__(self, folder: Path, programs: Sequence[str]) -> None:
        self._folder = folder
        folder.mkdir(
            mode=0o700, parents=True, exist_ok=True
        )  # a traceback can contain what someone typed
        for program in programs:
            self.path(program).touch()

    def path(self, program: str) -> Path:
        """Where the log of this program is."""
        return self._folder / f"{program}.log"

    def write(self, program: str, lines: bytes) -> None:
        """Add whole lines."""
        stamp = time.strftime(_STAMP, time.gmtime()).encode()
        path = self.path(program)
        with suppress(OSError):
            with path.open("ab") as file:
                file.write(b"".join(stamp + line for line in lines.splitlines(True)))
            if path.stat().st_size > LARGEST:
                path.replace(path.with_suffix(".log.1"))
                path.touch()


def programs(folder: Path) -> list[str]:
    """Return the programs that have a log in `folder`."""
    return sorted(path.stem for path in folder.glob("*.log"))


def _last_lines(folder: Path, program: str, number: int) -> list[Line]:
    """Return the last lines of a program's log, the older file included."""
    content: deque[bytes] = deque(maxlen=number)
    for name in (f"{program}.log.1", f"{program}.log"):
        with suppress(OSError), (folder / name).open("rb") as file:
            content.extend(file)
    return [_line(program, line) for line in content]


def read(folder: Path, names: Sequence[str], number: int, *, follow: bool) -> Iterator[Line]:
    """Yield the last lines of each log, in the order of their times; with `follow`, all that come after."""
    with ExitStack() as files:
        tails = [files.enter_context(_Tail(folder, name)) for name in names] if follow else []
        yield from heapq.merge(*(_last_lines(folder, name, number) for name in names))
        while tails:
            yield from heapq.merge(*(tail.new_lines() for tail in tails))
            time.sleep(_POLL_SECONDS)


class _Tail:
    """The end of one log, followed as it grows and is replaced."""

    def __init__(self, folder: Path, program: str) -> None:
        self._path = folder / f"{program}.log"
        self._program = program
        self._file: BinaryIO = self._path.open("rb")
        self._file.seek(0, 2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def new_lines(self) -> list[Line]:
        """Return the lines written since the last call."""
        lines = self._file.readlines()  # the writer adds whole lines at once
        with suppress(FileNotFoundError):  # the next one may not be there yet
            if not self._path.samefile(f"/proc/self/fd/{self._file.fileno()}"):
                lines += self._go_on_in(self._path.open("rb"))
        return [_line(self._program, line) for line in lines]

    def _go_on_in(self, file: BinaryIO) -> list[bytes]:
        before, self._file = self._file, file
        with before:
            return [*before.readlines(), *file.readlines()]


def _line(program: str, content: bytes) -> Line:
    return Line(content[:_STAMP_LENGTH], program, content)
