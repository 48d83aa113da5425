"""Look at the processes of this machine, end them safely, and own a folder.

A pid alone says little: once its owner is gone, another program may get it. A `Process` is a pid
together with its start time, and it is signalled through a pidfd, so that no other program is ever hit.
"""

import fcntl
import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Process:
    """A process; `started` is in clock ticks since boot (proc_pid_stat(5), field 22)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Return the living process with this pid; None when there is none, or only a zombie."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        state, *fields = stat.rpartition(")")[2].split()  # the name before it may contain anything
        return None if state in "ZX" else cls(pid, int(fields[18]))

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.of(self.pid) == self

    def send(self, signum: signal.Signals) -> None:
        """Signal this very process; nothing happens when it is gone.

        Raises PermissionError when it belongs to another user.
        """
        with suppress(ProcessLookupError):
            pidfd = os.pidfd_open(self.pid)
            try:
                if self.alive():
                    signal.pidfd_send_signal(pidfd, signum)
            finally:
                os.close(pidfd)

    def name(self) -> str:
        """The name of its program, at most 15 bytes; empty when it is gone."""
        return self._read("comm").decode(errors="replace").rstrip("\n")

    def title(self) -> bytes:
        """Its command line, the arguments divided by NUL; empty when it is gone."""
        return self._read("cmdline")

    def environment(self) -> list[bytes]:
        """The variables it was started with; empty when it is gone or not ours to read."""
        return self._read("environ").split(b"\0")

    def works_in(self, folder: Path) -> bool | None:
        """Whether `folder` is its working folder; None when we may not know."""
        try:
            return os.path.samefile(f"/proc/{self.pid}/cwd", folder)
        except PermissionError:
            return None
        except OSError:
            return False

    def _read(self, name: str) -> bytes:
        try:
            return Path(f"/proc/{self.pid}/{name}").read_bytes()
        except OSError:
            return b""


def all_processes() -> Iterator[Process]:
    """Every living process that we can see."""
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and (process := Process.of(int(entry))):
            yield process


def wait_gone(processes: Iterable[Process], seconds: float) -> list[Process]:
    """Wait until all of them have ended; return those still alive after `seconds`."""
    deadline = time.monotonic() + seconds
    living = [process for process in processes if process.alive()]
    while living and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        living = [process for process in living if process.alive()]
    return living


def end(processes: Iterable[tuple[Process, signal.Signals]], seconds: float) -> None:
    """Send each its signal, wait up to `seconds`, then kill what is left."""
    asked = list(processes)
    for process, signum in asked:
        process.send(signum)
    for process in wait_gone((process for process, _ in asked), seconds):
        process.send(signal.SIGKILL)
    wait_gone((process for process, _ in asked), seconds)


def boot_id() -> str:
    """A name for the time since the machine was started; start times mean nothing beyond it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class FolderInUseError(Exception):
    """Another process works in this folder."""

    def __init__(self, path: Path, owner: str) -> None:
        self.owner = owner
        super().__init__(
            f"{path.parent} is in use by process {owner or 'unknown'}. Stop that one first "
            f"(Ctrl-C where it runs, or: kill {owner or 'PID'})."
        )


class FolderLock:
    """A lock on a file, released when its owner dies, however that happens (flock(2))."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock; nothing happens if it is already ours.

        Raises FolderInUseError, with the owner's pid in its sentence.
        """
        if self._file is not None:
            return
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(file, 20).decode().strip()
            os.close(file)
            raise FolderInUseError(self._path, owner) from None
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not ours."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
