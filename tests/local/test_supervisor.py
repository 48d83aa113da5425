"""The supervisor: starts in order, restarts what dies, and leaves nothing behind."""

import json
import os
import re
import signal
from pathlib import Path

import psycopg
import pytest

from campaign.local.postgres import EmbeddedPostgres
from campaign.local.processes import Process

SUPERVISE = """
import signal, sys
from pathlib import Path
from campaign.local import supervisor
from campaign.local.supervisor import Child, Supervisor
folder = Path(sys.argv[1])
say = lambda: print("all ready", flush=True)
sys.exit(Supervisor(folder, {children}, all_ready=say).run())
"""
SLEEPER = 'Child("sleeper", ["sleep", "1000"])'
FAMILY = 'Child("family", ["sh", "-c", "sleep 1000 & echo child $!; wait"])'


class Stack:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, spawn, eventually) -> None:
        self.folder = folder
        self._spawn = spawn
        self._eventually = eventually
        self._read = 0

    def start(self, *children: str, before: str = "") -> None:
        script = SUPERVISE.replace("{children}", f"[{', '.join(children)}]")
        script = script.replace("folder = ", f"{before}\nfolder = ")
        self._read = len(self._all_output())
        self.process = self._spawn("-c", script, self.folder)

    def start_and_wait(self, *children: str, before: str = "") -> None:
        self.start(*children, before=before)
        self.wait_for_words("all ready")

    def _all_output(self) -> str:
        path = self.folder.parent / "output"
        return path.read_text() if path.exists() else ""

    def output(self) -> str:
        return self._all_output()[self._read :]

    def wait_for_words(self, pattern: str) -> str:
        return self._eventually(lambda: re.search(pattern, self.output()))[0]

    def child(self, name: str) -> dict:
        children = json.loads((self.folder / "supervisor.json").read_text())["children"]
        return next((child for child in children if child["name"] == name), {"pid": None})

    def living(self, name: str) -> Process | None:
        return self.child(name)["pid"] and Process.of(self.child(name)["pid"])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def stack(tmp_path: Path, spawn, eventually) -> Stack:
    return Stack(tmp_path / "stack", spawn, eventually)


def grandchild(stack: Stack) -> Process:
    return Process.of(int(stack.wait_for_words(r"child \d+").split()[1]))


def test_ctrl_c_ends_children_and_their_children(stack: Stack) -> None:
    stack.start_and_wait(SLEEPER, FAMILY)
    everyone = [stack.living("sleeper"), stack.living("family"), grandchild(stack)]

    assert stack.stop() == 0

    assert not any(process.alive() for process in everyone)


def test_a_child_that_dies_is_started_again(stack: Stack, eventually) -> None:
    stack.start_and_wait(SLEEPER)
    first = stack.living("sleeper")

    os.kill(first.pid, signal.SIGKILL)

    second = eventually(lambda: stack.child("sleeper")["starts"] == 2 and stack.living("sleeper"))
    assert second != first
    assert "sleeper ended with SIGKILL; again in 0.25 s" in stack.output()


def test_the_children_of_a_dead_child_die_before_it_is_started_again(
    stack: Stack, eventually
) -> None:
    stack.start_and_wait(FAMILY)
    orphan = grandchild(stack)

    os.kill(stack.living("family").pid, signal.SIGKILL)
    stack.wait_for_words("again in")

    eventually(lambda: not orphan.alive())


def test_the_pause_grows_until_a_child_that_never_worked_is_given_up(stack: Stack) -> None:
    broken = 'Child("broken", ["false"], ready=lambda: False)'

    stack.start(broken, SLEEPER, before="supervisor.FIRST_DELAY = 0.01")

    assert stack.process.wait(20) == 1
    assert re.findall(r"again in ([\d.]+) s", stack.output()) == ["0.01", "0.02", "0.04", "0.08"]
    assert "broken ended with exit code 1; giving up" in stack.output()


def test_a_failed_task_stops_everything(stack: Stack) -> None:
    stack.start(SLEEPER, 'Child("task", ["sh", "-c", "echo oh no; exit 3"], once=True)')

    assert stack.process.wait(20) == 1
    assert "task       | oh no" in stack.output()
    assert "task ended with exit code 3; giving up" in stack.output()


def test_a_child_waits_until_the_one_before_is_ready(stack: Stack) -> None:
    slow = "Child('slow', ['sh', '-c', 'sleep 0.2; touch made; sleep 1000'], cwd=folder, "
    slow += "ready=(folder / 'made').exists)"
    stack.start_and_wait(slow, "Child('task', ['ls', 'made'], cwd=folder, once=True)")

    assert "task       | made" in stack.output()


def test_a_command_that_cannot_be_made_is_tried_again(stack: Stack) -> None:
    late = "iter([None, ['sleep', '1000']])"

    stack.start(f"Child('late', (lambda tries={late}: next(tries) or 1 / 0))")

    stack.wait_for_words("late could not be started: division by zero; again in 0.25 s")
    stack.wait_for_words("all ready")


def test_a_child_that_is_deaf_to_its_signal_is_killed(stack: Stack) -> None:
    deaf = (
        """Child("deaf", ["sh", "-c", "trap '' TERM; echo deaf; sleep 1000"], stop_seconds=0.2)"""
    )
    stack.start_and_wait(deaf)
    stack.wait_for_words(r"\| deaf")
    child = stack.living("deaf")

    assert stack.stop() == 0

    assert not child.alive()


def test_a_child_that_never_becomes_ready_is_killed_and_tried_again(stack: Stack) -> None:
    stack.start("Child('stuck', ['sleep', '1000'], ready=lambda: False, ready_seconds=0.2)")

    stack.wait_for_words("stuck is not ready after 0.2 s: killed")
    stack.wait_for_words("stuck ended with SIGKILL; again in 0.25 s")


def test_children_die_with_a_killed_supervisor(stack: Stack, eventually) -> None:
    stack.start_and_wait(SLEEPER)
    child = stack.living("sleeper")

    stack.kill()

    eventually(lambda: not child.alive())


def test_the_next_start_ends_what_a_killed_supervisor_left(stack: Stack, eventually) -> None:
    stack.start_and_wait(FAMILY)
    child, orphan = stack.living("family"), grandchild(stack)
    stack.kill()
    eventually(lambda: not child.alive())
    assert orphan.alive()

    stack.start_and_wait(SLEEPER)

    assert not orphan.alive()
    assert "ended 1 left over" in stack.output()


def test_a_stranger_with_the_pid_of_a_child_of_old_is_spared(stack: Stack, spawn) -> None:
    stack.start_and_wait(SLEEPER)
    stack.kill()
    stranger = spawn("-c", "import signal; signal.pause()")
    path = stack.folder / "supervisor.json"
    state = json.loads(path.read_text())
    state["children"][0]["pid"] = stranger.pid
    path.write_text(json.dumps(state))

    stack.start_and_wait(SLEEPER)

    assert stranger.poll() is None


def test_a_copied_folder_does_not_end_the_children_of_the_original(
    stack: Stack, spawn, eventually, tmp_path: Path
) -> None:
    stack.start_and_wait(SLEEPER)
    copied = Stack(tmp_path / "copied", spawn, eventually)
    copied.folder.mkdir()
    (copied.folder / "supervisor.json").write_bytes((stack.folder / "supervisor.json").read_bytes())

    copied.start_and_wait(SLEEPER)

    assert stack.living("sleeper")


def test_a_second_supervisor_in_the_folder_is_refused(stack: Stack, spawn, eventually) -> None:
    stack.start_and_wait(SLEEPER)

    second = Stack(stack.folder, spawn, eventually)
    second.start(SLEEPER)

    assert second.process.wait(20) == 1
    assert f"is in use by process {stack.process.pid}. Stop that one first" in second.output()
    assert stack.living("sleeper")


def test_rows_survive_a_killed_stack(stack: Stack, server: EmbeddedPostgres) -> None:
    database = "Child('postgres', server.prepare, ready=server.ready, stop_signal=signal.SIGINT)"
    before = "from campaign.local.postgres import EmbeddedPostgres\n"
    before += f"server = EmbeddedPostgres(Path({str(server.folder)!r}))"
    stack.start_and_wait(database, before=before)
    url = server.url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE pledge AS SELECT 'heart' AS name")
    stack.kill()

    stack.start_and_wait(database, before=before)

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT name FROM pledge").fetchall() == [("heart",)]
