"""Start a few programs in order, keep them running, and stop them all when the supervisor stops.

One thread and one loop: a death signal is tied to the thread that started a child, and nothing here
needs to happen at once. A child leads its own session, so that its process group is all it started.
What a killed supervisor leaves is found at the next start by a mark in the environment, which goes
down to children of children, and by the pid and start time in the state file.
"""

import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Self

from campaign.local import launch
from campaign.local.console import Console
from campaign.local.processes import FolderLock, Process, all_processes, boot_id, end

FIRST_DELAY = 0.25
"""Seconds before a dead child is started again; doubled every time."""
LONGEST_DELAY = 30.0
HEALTHY_SECONDS = 60.0
"""A child that was ready for this long is started again after FIRST_DELAY."""
ATTEMPTS = 5
"""A child that has died this often without ever being ready is hopeless: everything is stopped."""

_POLL_SECONDS = 0.05
_LEFTOVER_SECONDS = 5.0  # they were told to stop when their supervisor died
_MARK = "SUPERVISED_BY"
_CHUNK = 65536


@dataclass(frozen=True)
class Child:
    """A program to keep running.

    `command` may be a function: it is called before every start, may prepare what the program
    needs, and counts as a failed start when it raises. `env` is added to our own environment.
    `ready` says whether it works, called often: let it answer within a second or two. Without it,
    a child is ready once it runs. A child that is to run `once`, a task, is ready when it has ended
    well, and stops everything when it has not; its standard output is for people, its standard error
    for the log. A child that is not ready within `ready_seconds` is killed; so is one that does not
    end within `stop_seconds` of `stop_signal`. `title` is its name in a sentence for people.
    """

    name: str
    command: Sequence[str] | Callable[[], Sequence[str]]
    title: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    ready: Callable[[], bool] | None = None
    once: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    ready_seconds: float = 60.0


def listening(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def answers(url: str) -> bool:
    """Whether a web server answers there without a server error (5xx)."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False


class Supervisor:
    """Runs `children` in order, with its lock and state (`supervisor.json`) in `folder`.

    `all_ready` is called once, when all of them have been ready. Without a `console`, all that the
    children say is printed.
    """

    def __init__(
        self,
        folder: Path,
        children: Sequence[Child],
        *,
        all_ready: Callable[[], None] = lambda: None,
        console: Console | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self._all_ready = all_ready
        self._announced = False
        self._console = console or Console([child.name for child in children])
        self._selector = selectors.DefaultSelector()
        self._keepers = [_Keeper(child, self._console, self._selector) for child in children]
        self._lock = FolderLock(self.folder / "supervisor.lock")
        self._state = _State(self.folder)

    def run(self, before: Callable[[], None] = lambda: None) -> int:
        """Run until SIGINT, SIGTERM or SIGHUP; return 0, or 1 when a child was hopeless.

        A second signal ends the children at once. `before` is called once the folder is ours and what an earlier
        supervisor left over has ended; if it raises, no child is started.
        Only for the main thread. Raises FolderInUseError when another supervisor runs in this folder.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            if left := self._state.end_leftovers():
                self._console.say(f"ended {left} left over from a supervisor that was killed")
            before()
            with self._selector, _Signals(self._selector) as signals:
                return self._run(signals)
        finally:
            self._lock.release()

    def _run(self, signals: "_Signals") -> int:
        try:
            while not signals.stops_asked and not any(keeper.hopeless for keeper in self._keepers):
                self._advance()
                self._wait()
        finally:
            self._stop_all(signals)
        return 0 if signals.stops_asked else 1

    def _advance(self) -> None:
        """Let every child take its next step; a later one waits until the earlier was ready."""
        for keeper in self._keepers:
            if keeper.step(self._state.mark):
                self._save()
            if not keeper.was_ready:
                return
        if not self._announced:
            self._announced = True
            self._all_ready()

    def _wait(self) -> None:
        """Sleep until there is output, a signal, or something to do."""
        steps = [*(keeper.due() for keeper in self._keepers), self._console.refresh_at()]
        dues = [due for due in steps if due is not None]
        self._handle_events(max(0.0, min(dues) - time.monotonic()) if dues else None)
        self._console.refresh()

    def _handle_events(self, seconds: float | None) -> None:
        for key, _ in self._selector.select(seconds):
            key.data()

    def _stop_all(self, signals: "_Signals") -> None:
        self._console.stopping()
        for keeper in reversed(self._keepers):
            deadline = time.monotonic() + keeper.child.stop_seconds
            keeper.ask_to_stop()
            while keeper.running() and time.monotonic() < deadline and signals.stops_asked < 2:
                self._handle_events(_POLL_SECONDS)
            keeper.reap()
            self._save()

    def _save(self) -> None:
        with suppress(OSError):  # a full disk is no reason to stop
            self._state.save([keeper.summary() for keeper in self._keepers])


class _Signals:
    """Wakes the loop for signals: those that ask us to stop, and the death of a child."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.stops_asked = 0
        self._selector = selector
        self._reader, self._writer = socket.socketpair()

    def __enter__(self) -> Self:
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._selector.register(self._reader, selectors.EVENT_READ, lambda: self._reader.recv(4096))
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._ask_to_stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup(1) wants us to stay
            signal.signal(signal.SIGHUP, self._ask_to_stop)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self._reader.close()
        self._writer.close()

    def _ask_to_stop(self, *_: object) -> None:
        self.stops_asked += 1


class _Keeper:
    """One child's life: waiting, running, ready, dead and waiting again."""

    def __init__(self, child: Child, console: Console, selector: selectors.BaseSelector) -> None:
        self.child = child
        self.was_ready = False
        self._console = console
        self._selector = selector
        self._process: subprocess.Popen[bytes] | None = None
        self._outputs: list[_Output] = []
        self._identity: Process | None = None
        self._starts = 0
        self._deaths = 0
        self._delay = FIRST_DELAY
        self._next_start = 0.0
        self._started_at = 0.0
        self._ready_at: float | None = None

    @property
    def hopeless(self) -> bool:
        """Whether starting it again is pointless."""
        return not self.was_ready and self._deaths >= (1 if self.child.once else ATTEMPTS)

    def step(self, mark: str) -> bool:
        """Do what is due now; return whether something changed."""
        if self._process is None:
            if self._finished() or time.monotonic() < self._next_start:
                return False
            self._start(mark)
            return True
        if not self.running():
            self._note_death(self.reap())
            return True
        return self._must_become_ready() and self._look_whether_ready(self._process.pid)

    def due(self) -> float | None:
        """When to step again if nothing happens (time.monotonic()), None for never."""
        if self._process is None:
            return self._next_start if self._starts and not self._finished() else None
        return time.monotonic() + _POLL_SECONDS if self._must_become_ready() else None

    def running(self) -> bool:
        """Whether the process lives. A dead one is left a zombie, so that its pid stays its own."""
        if self._process is None:
            return False
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, options) is None

    def ask_to_stop(self) -> None:
        """Send the stop signal."""
        if self._process is not None:  # not its send_signal, which would reap it
            os.kill(self._process.pid, self.child.stop_signal)

    def reap(self) -> int:
        """Kill what is left of its process group, print its last lines, and return its exit code."""
        if self._process is None:
            return 0
        os.killpg(self._process.pid, signal.SIGKILL)  # its zombie still has the number
        code = self._process.wait()
        for output in self._outputs:
            output.finish()
        self._outputs.clear()
        self._process = self._identity = None
        return code

    def summary(self) -> dict[str, Any]:
        """What the state file says about this child."""
        return {
            "name": self.child.name,
            "pid": self._identity.pid if self._identity else None,
            "started": self._identity.started if self._identity else None,
            "stop_signal": int(self.child.stop_signal),
            "ready": self._ready_at is not None,
            "starts": self._starts,
        }

    def _finished(self) -> bool:
        return self.child.once and self.was_ready

    def _must_become_ready(self) -> bool:
        return self._ready_at is None and not self.child.once

    def _start(self, mark: str) -> None:
        self._starts += 1
        self._console.starting(self.child.name, self.child.title or self.child.name)
        self._started_at, self._ready_at = time.monotonic(), None
        try:
            self._process = self._spawn(mark)
        except Exception as error:  # whatever it is, only this child is affected
            self._retry_later(f"could not be started: {error}")
            return
        self._identity = Process.of(self._process.pid)
        self._listen(
            self._process.stdout, self._console.news if self.child.once else self._console.words
        )
        self._listen(self._process.stderr, self._console.words)

    def _listen(self, pipe: IO[bytes] | None, hear: Callable[[str, bytes], None]) -> None:
        if pipe is not None:
            self._outputs.append(_Output(pipe, self._selector, partial(hear, self.child.name)))

    def _spawn(self, mark: str) -> subprocess.Popen[bytes]:
        command = self.child.command() if callable(self.child.command) else self.child.command
        unbuffered = {"PYTHONUNBUFFERED": "1"}  # otherwise a Python child's output comes much later
        return subprocess.Popen(
            launch.bound(command, self.child.stop_signal),
            env={**os.environ, **unbuffered, **self.child.env, _MARK: mark},
            cwd=self.child.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if self.child.once else subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )

    def _look_whether_ready(self, pid: int) -> bool:
        if self.child.ready is None or self.child.ready():
            self._become_ready()
            return True
        if time.monotonic() > self._started_at + self.child.ready_seconds:
            self._console.say(
                f"{self.child.name} is not ready after {self.child.ready_seconds:g} s: killed"
            )
            os.kill(pid, signal.SIGKILL)
        return False

    def _become_ready(self) -> None:
        self._ready_at, self.was_ready = time.monotonic(), True
        self._console.ready(self.child.name, "done" if self.child.once else "ready")

    def _note_death(self, code: int) -> None:
        if self.child.once and code == 0:
            self._become_ready()
            return
        if self._ready_at and time.monotonic() > self._ready_at + HEALTHY_SECONDS:
            self._delay = FIRST_DELAY
        self._retry_later(f"ended with {_name_of(code)}")

    def _retry_later(self, what: str) -> None:
        self._deaths += 1
        self._ready_at = None
        self._next_start = time.monotonic() + self._delay
        outlook = "giving up" if self.hopeless else f"again in {self._delay:g} s"
        self._console.failed(self.child.name, f"{what}; {outlook}")
        self._delay = min(self._delay * 2, LONGEST_DELAY)


class _Output:
    """Reads a child's output and passes it on in whole lines."""

    def __init__(
        self, pipe: IO[bytes], selector: selectors.BaseSelector, printer: Callable[[bytes], None]
    ) -> None:
        self._pipe = pipe
        self._selector = selector
        self._print = printer
        self._rest = b""
        os.set_blocking(pipe.fileno(), False)
        selector.register(pipe, selectors.EVENT_READ, self.read)

    def read(self) -> bool:
        """Print what is there; return whether there may be more."""
        chunk = self._pipe.read(_CHUNK)  # None when nothing is there, empty at the end
        if chunk == b"":
            self._selector.unregister(self._pipe)
            self._pipe.close()
        if not chunk:
            return False
        whole, newline, self._rest = (self._rest + chunk).rpartition(b"\n")
        self._print(whole + newline)
        if len(self._rest) > _CHUNK:
            self._flush()
        return True

    def finish(self) -> None:
        """Print the last lines, but not forever: another process may keep the pipe open and go on."""
        for _ in range(16):
            if self._pipe.closed or not self.read():
                break
        self._flush()
        if not self._pipe.closed:
            self._selector.unregister(self._pipe)
            self._pipe.close()

    def _flush(self) -> None:
        if self._rest:
            self._print(self._rest + b"\n")
            self._rest = b""


class _State:
    """The state file: what runs, for people, and for the supervisor after one that was killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "supervisor.json"
        self.mark = ""

    def end_leftovers(self) -> int:
        """End what a killed supervisor left in this folder; return how many processes that were.

        Afterwards `mark` is known, and on disk before the first child carries it.
        """
        known = self._load()
        self.mark = known.get("mark") or secrets.token_hex(16)
        left = self._marked() | self._recorded(known)
        self.save([])
        end(left.items(), seconds=_LEFTOVER_SECONDS)
        return len(left)

    def save(self, children: list[dict[str, Any]]) -> None:
        """Replace the file as a whole."""
        content = {**self._validity(), "mark": self.mark, "pid": os.getpid(), "children": children}
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        new.replace(self._path)

    def _load(self) -> dict[str, Any]:
        """What the last supervisor wrote, unless it is about another boot, or a copied folder."""
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
            valid = self._validity().items() <= known.items()
        except (OSError, ValueError, AttributeError):
            return {}
        return known if valid else {}

    def _validity(self) -> dict[str, Any]:
        inode = self._folder.stat()
        return {"boot": boot_id(), "folder": f"{inode.st_dev}:{inode.st_ino}"}

    def _marked(self) -> dict[Process, signal.Signals]:
        variable = f"{_MARK}={self.mark}".encode()
        return {
            process: signal.SIGTERM
            for process in all_processes()
            if process.pid != os.getpid() and variable in process.environment()
        }

    def _recorded(self, known: Mapping[str, Any]) -> dict[Process, signal.Signals]:
        children = [child for child in known.get("children", ()) if child["pid"]]
        recorded = {
            Process(child["pid"], child["started"]): signal.Signals(child["stop_signal"])
            for child in children
        }
        return {process: signum for process, signum in recorded.items() if process.alive()}


def _name_of(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
