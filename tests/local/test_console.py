"""What the terminal shows of the programs, and what is in their logs."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from threading import Thread

import pytest

from campaign.local import logs
from tests.local.test_supervisor import SLEEPER, Stack

STEPS = """
from campaign.local import console
_Supervisor = supervisor.Supervisor
def Supervisor(folder, children, all_ready):
    steps = console.Steps([child.name for child in children], folder / "log")
    return _Supervisor(folder, children, all_ready=all_ready, console=steps)
"""
TASK = """Child("task", ["sh", "-c", {script!r}], title="The task", once=True)"""


@pytest.fixture
def stack(tmp_path: Path, spawn, eventually) -> Stack:
    return Stack(tmp_path / "stack", spawn, eventually)


def log_of(stack: Stack, name: str) -> str:
    return (stack.folder / "log" / f"{name}.log").read_text()


def test_each_step_is_a_line(stack: Stack) -> None:
    script = "echo Lamps: 1 of 2 …; echo Lamps: 2; echo lit; echo warm >&2"
    stack.start_and_wait(TASK.format(script=script), SLEEPER, before=STEPS)

    shown = [" ".join(line.split()) for line in stack.output().splitlines()]

    assert shown[:2] == ["Lamps 2", "lit"]
    assert shown[2].startswith(("The task done after", "The task started"))
    assert shown[3:] == ["sleeper started", "all ready"]


def test_where_there_is_no_terminal_nothing_is_written_over(stack: Stack) -> None:
    stack.start_and_wait(SLEEPER, before=STEPS)

    assert "\r" not in stack.output()
    assert "\x1b" not in stack.output()


def test_a_step_that_takes_long_says_so_now_and_then(stack: Stack) -> None:
    slow = TASK.format(script="echo Lamps: 1 of 2 …; sleep 0.5")

    stack.start_and_wait(slow, before=f"{STEPS}\nconsole._STILL_SECONDS = 0.1")

    assert "Lamps             1 of 2 … 0 s\n" in stack.output()


def test_what_programs_say_is_in_their_logs(stack: Stack) -> None:
    stack.start_and_wait(TASK.format(script="echo bright; echo warm >&2"), before=STEPS)

    said = {line.split(" ", 2)[2] for line in log_of(stack, "task").splitlines()}

    assert said == {"bright", "warm"}


def test_a_death_is_a_line_with_the_last_words_and_where_the_log_is(stack: Stack) -> None:
    stack.start(TASK.format(script="seq 20; echo oh no >&2; exit 3"), before=STEPS)

    assert stack.process.wait(20) == 1

    log = stack.folder / "log" / "task.log"
    assert f"  task ended with exit code 3; giving up. Its log is {log}\n" in stack.output()
    assert "task       | oh no\n" in stack.output()
    assert "task       | 3\n" not in stack.output()
    assert "giving up" in log_of(stack, "supervisor")


def test_logs_never_grow_beyond_measure(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(logs, "LARGEST", 1000)
    written = logs.Logs(tmp_path, ["web"])

    for number in range(500):
        written.write("web", b"line %d\n" % number)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["web.log", "web.log.1"]
    assert all(path.stat().st_size < 1100 for path in tmp_path.iterdir())
    last = logs.read(tmp_path, ["web"], 2, follow=False)
    assert [line.content[20:] for line in last] == [b"line 498\n", b"line 499\n"]


def test_lines_of_several_programs_are_in_the_order_of_their_times(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("2026-11-29 10:00:01 b\n2026-11-29 10:00:03 d\n")
    (tmp_path / "worker.log").write_text("2026-11-29 10:00:00 a\n2026-11-29 10:00:02 c\n")

    lines = logs.read(tmp_path, logs.programs(tmp_path), 10, follow=False)

    assert [line.content[20:] for line in lines] == [b"a\n", b"b\n", b"c\n", b"d\n"]


def test_following_goes_on_when_a_log_begins_anew(
    tmp_path: Path, monkeypatch, eventually: Callable[..., object]
) -> None:
    monkeypatch.setattr(logs, "LARGEST", 100)
    written = logs.Logs(tmp_path, ["web"])
    written.write("web", b"before\n")
    heard: list[bytes] = []

    def follow() -> None:
        following = islice(logs.read(tmp_path, ["web"], 10, follow=True), 21)
        heard.extend(line.content[20:] for line in following)

    def say() -> bool:
        written.write("web", b"again\n")
        return not follower.is_alive()

    follower = Thread(target=follow, daemon=True)
    follower.start()
    eventually(say)

    assert heard == [b"before\n", *[b"again\n"] * 20]
