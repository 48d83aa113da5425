"""kill -9 of the supervisor: with it ends all that it started, and what those started."""

import signal

import pytest

from campaign.local.processes import Process, wait_gone
from tests.scripted_person import wait_for
from tests.stacks import Stack, children, running

pytestmark = pytest.mark.stack


def work_processes(stack: Stack) -> list[Process] | None:
    """Those that Dramatiq started, once there are both."""
    dramatiq = stack.child("worker")
    found = children(dramatiq) if dramatiq else []
    return found if len(found) == 2 else None


def test_no_process_outlives_the_supervisor() -> None:
    """The database ends first, for which a worker that stops would wait ten minutes."""
    with running("--no-demo", settings={"WORKER_PROCESSES": "2"}) as stack:
        wait_for(lambda: work_processes(stack), "Dramatiq's processes")
        everyone = stack.processes()
        stack.supervisor.send_signal(signal.SIGKILL)
        assert wait_gone(everyone, 60) == [], [process.title() for process in everyone]
