"""A site of a few lines behind the server of the real one, to see how that treats clients."""

import io
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, request, send_file
from werkzeug.middleware.proxy_fix import ProxyFix

from campaign.cli.running import gunicorn
from campaign.config import Settings
from campaign.local.supervisor import listening
from tests.ports import free_port
from tests.scripted_person import wait_for

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
FILE = b"0123456789" * 1_000_000


@app.post("/length")
def length() -> str:
    return str(len(request.data))


@app.get("/headers")
def headers() -> dict[str, str]:
    return dict(request.headers)


@app.get("/not-modified")
def not_modified() -> Response:
    return Response(status=304)


@app.get("/long")
def long() -> Response:
    """An answer made piece by piece, more than any client's buffer has room for."""
    return Response((b"x" * 100_000 for _ in range(300)), content_type="text/plain")


@app.get("/file")
def file() -> Response:
    return send_file(io.BytesIO(FILE), "text/plain", conditional=True, etag="1")


@app.get("/client")
def client() -> dict[str, str | None]:
    """Who asks, as the site sees it behind one proxy."""
    return {"address": request.remote_addr, "url": request.url}


@contextmanager
def small_site() -> Iterator[tuple[int, int]]:
    """Serve it with one process of one thread; yields the port, and gunicorn's pid."""
    port = free_port()
    settings = Settings(database_url="", secret_key="", web_workers=1, web_threads=1)
    command = gunicorn("tests.small_site:app", f"127.0.0.1:{port}", settings)
    process = subprocess.Popen(command, start_new_session=True)
    try:
        wait_for(lambda: listening(port) or None, "gunicorn")
        yield port, process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
