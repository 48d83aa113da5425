"""A website of somebody else: on another host than ours, and under the strictest policy that allows the widgets."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

# What a host is told to allow (docs/institutions.md), and nothing more; the style sheet is its own.
POLICY = (
    "default-src 'none'; script-src {site}; connect-src {site}; frame-src {site}; style-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


class ForeignSite:
    """Pages by path, at http://127.0.0.1:port, where our site is at http://localhost."""

    def __init__(self, site: str, port: int) -> None:
        self.site = site
        self.origin = f"http://127.0.0.1:{port}"
        self.pages: dict[str, tuple[str, str]] = {}

    def show(self, path: str, body: str, *, lang: str = "en", css: str = "") -> str:
        """Publish a page that loads the widgets; return its address."""
        head = (
            f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>A university</title>'
        )
        style = f'<link rel="stylesheet" href="{path}style.css">'
        loader = f'<script async src="{self.site}/embed/v1.js"></script>'
        self.pages[f"{path}style.css"] = ("text/css", css)
        self.pages[path] = ("text/html; charset=utf-8", f"{head}{style}{loader}<main>{body}</main>")
        return f"{self.origin}{path}"


@contextmanager
def foreign_site(site: str) -> Iterator[ForeignSite]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, page = foreign.pages.get(self.path, ("text/plain", ""))
            self.send_response(200)  # to whatever a browser asks for by itself, too
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY.format(site=site))
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        foreign = ForeignSite(site, server.server_port)
        Thread(target=server.serve_forever, daemon=True).start()
        yield foreign
        server.shutdown()
