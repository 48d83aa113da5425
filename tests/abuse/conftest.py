"""The real server and a real mailbox, as a stranger meets them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from campaign.config import Settings
from campaign.local.supervisor import answers
from tests.mail.conftest import postbox
from tests.ports import free_port
from tests.scripted_person import wait_for

__all__ = ["port", "postbox"]


@pytest.fixture(scope="module")
def port(settings: Settings, app: object) -> Iterator[int]:
    """`lightup web` on the database of the tests, without any proxy before it."""
    port = free_port()
    environment = {
        "DATABASE_URL": settings.database_url, "SECRET_KEY": settings.secret_key, "WEB_WORKERS": "1",
        "SITE_URL": f"http://localhost:{port}", "BROKER_URL": "memory:",
        "DATA_FOLDER": settings.data_folder,
    }  # fmt: skip
    command = [sys.executable, "-m", "campaign.main", "web", f"--bind=127.0.0.1:{port}"]
    server = subprocess.Popen(command, env=os.environ | environment, start_new_session=True)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health") or None, "the site")
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
