"""What a supervisor shows at the terminal: every line of every program, or only the steps.

`Console` prints everything. `Steps` prints one line for each step, writes the programs' output to logs, and
shows a program's last lines when it dies.
"""

import os
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from campaign.local.logs import Logs

_COLOURS = (1, 36, 33, 35, 32, 34, 31)  # bold for the supervisor, then SGR foreground colours
_SUPERVISOR = "supervisor"
_REFRESH_SECONDS = 0.5
_STILL_SECONDS = 10.0
_LAST_LINES = 8
_TITLE_WIDTH = 18


class Prefixes:
    """The names of programs in a column, coloured on a terminal, to put before their lines."""

    def __init__(self, names: Sequence[str]) -> None:
        width = max(map(len, names), default=0)
        colourful = sys.stdout.isatty() and "NO_COLOR" not in os.environ  # no-color.org
        self._prefixes = {
            name: f"\x1b[{colour}m{name:<{width}}\x1b[0m | " if colourful else f"{name:<{width}} | "
            for name, colour in zip(names, cycle(_COLOURS), strict=False)
        }

    def put_before(self, name: str, lines: bytes) -> bytes:
        """Return whole lines of the program `name`, each with its prefix."""
        prefix = self._prefixes[name].encode()
        return b"".join(prefix + line for line in lines.splitlines(True))


class Console:
    """Prints everything that the programs print. The supervisor calls its methods."""

    def __init__(self, names: Sequence[str]) -> None:
        self._prefixes = Prefixes([_SUPERVISOR, *names])

    def starting(self, name: str, title: str) -> None:
        """The program `name` is being started; people know it as `title`."""

    def ready(self, name: str, state: str) -> None:
        """The program has become "ready" or, if it is a task, "done"."""

    def failed(self, name: str, what: str) -> None:
        """It died or could not be started."""
        self.say(f"{name} {what}")

    def stopping(self) -> None:
        """All programs are being stopped."""

    def say(self, sentence: str) -> None:
        """Print a sentence of the supervisor itself."""
        self._print(_SUPERVISOR, f"{sentence}\n".encode())

    def news(self, name: str, lines: bytes) -> None:
        """Lines meant for people: the standard output of a task."""
        self._print(name, lines)

    def words(self, name: str, lines: bytes) -> None:
        """All other lines of a program."""
        self._print(name, lines)

    def refresh(self) -> None:
        """Called at `refresh_at`, or before."""

    def refresh_at(self) -> float | None:
        """When to refresh if nothing happens (time.monotonic()), None for never."""
        return None

    def _print(self, name: str, lines: bytes) -> None:
        write(self._prefixes.put_before(name, lines))


class Steps(Console):
    """Prints one line for each step and writes the programs' output to logs in `folder`, one for each program.

    A task's line "Title: what was done" becomes a step of its own. A line that ends with … says what is going
    on: it is shown with the seconds that have passed, until the next one.
    """

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        super().__init__(names)
        self._folder = folder
        self._logs = Logs(folder, [_SUPERVISOR, *names])
        self._lively = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._started_at = time.monotonic()
        self._step: str | None = None
        self._doing = ""
        self._step_began = self._shown_at = 0.0
        self._were_ready: set[str] = set()
        self._last_words = {name: deque[bytes](maxlen=_LAST_LINES) for name in names}

    def line(self, title: str, what: str) -> None:
        """Print a finished step."""
        self._clear()
        write(f"  {title:<{_TITLE_WIDTH}}{what}\n".encode())

    def seconds(self) -> float:
        """The seconds since the first step."""
        return time.monotonic() - self._started_at

    def starting(self, name: str, title: str) -> None:
        self._last_words[name].clear()
        if name not in self._were_ready and self._step != title:
            self._step, self._doing = title, ""
            self._step_began = self._shown_at = time.monotonic()
            if self._lively:
                self._show()

    def ready(self, name: str, state: str) -> None:
        if name in self._were_ready:
            self.say(f"{name} runs again")
            return
        self._were_ready.add(name)
        took = time.monotonic() - self._step_began
        self.line(self._step or name, f"{state} after {took:.1f} s" if took >= 0.1 else "started")
        self._step = None

    def failed(self, name: str, what: str) -> None:
        self.say(f"{name} {what}. Its log is {shown(self._logs.path(name))}")
        write(self._prefixes.put_before(name, b"".join(self._last_words[name])))

    def stopping(self) -> None:
        self.say("Stopping everything …")

    def say(self, sentence: str) -> None:
        self._clear()
        self._logs.write(_SUPERVISOR, f"{sentence}\n".encode())
        write(f"  {sentence}\n".encode())

    def news(self, name: str, lines: bytes) -> None:
        self.words(name, lines)
        for line in lines.decode(errors="replace").splitlines():
            if line.endswith("…"):
                self._doing = line
            else:
                title, _, what = line.rpartition(": ")
                self.line(title, what)
                self._doing = ""

    def words(self, name: str, lines: bytes) -> None:
        self._logs.write(name, lines)
        self._last_words[name].extend(lines.splitlines(True))

    def refresh(self) -> None:
        """Show what is going on: on a terminal in place, elsewhere as a line now and then."""
        due = self.refresh_at()
        if due is not None and time.monotonic() >= due:
            self._show()

    def refresh_at(self) -> float | None:
        period = _REFRESH_SECONDS if self._lively else _STILL_SECONDS
        return self._shown_at + period if self._step else None

    def _show(self) -> None:
        self._shown_at = time.monotonic()
        title, _, what = (self._doing or f"{self._step}: …").rpartition(": ")
        text = f"  {title:<{_TITLE_WIDTH}}{what} {self._shown_at - self._step_began:.0f} s"
        write(f"\r{text}\x1b[K".encode() if self._lively else f"{text}\n".encode())

    def _clear(self) -> None:
        if self._lively:
            write(b"\r\x1b[K")


def write(content: bytes) -> None:
    """Write to the terminal. One that was closed is no reason to stop."""
    with suppress(OSError):
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def shown(path: Path) -> str:
    """A path as people type it: relative where it is below the working folder."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
