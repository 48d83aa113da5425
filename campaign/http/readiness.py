"""Whether this process can serve the public, and how far behind the site is.

Each check runs in a thread of its own, one at a time: a server that hangs delays nobody by more than ``SECONDS``,
and those who ask often get the finding of a moment ago.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock, Thread

from flask import Flask, current_app
from sqlalchemy import text

from campaign import jobs
from campaign.db import db
from campaign.http import rate_limits
from campaign.mail import outbox
from campaign.tallies import queries as tally_queries

SECONDS = 1.0
KEPT_SECONDS = 1.0
LATE_SECONDS = 600
"""From when on an e-mail that is due is late."""
MANY_DELTAS = 10_000
"""How many changes wait to be counted where the worker is behind."""
NECESSARY = "database"
"""The check without which this process serves nothing. The others are about the whole site, and only reported."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """What a check found: its figure, as (name, number), and why it is not well."""

    figure: tuple[str, float] | None = None
    why: str = ""

    @property
    def is_well(self) -> bool:
        return not self.why


Findings = Mapping[str, Finding]
NO_ANSWER = Finding(why="no answer")


class Check:
    """Something to look at, at most once every ``KEPT_SECONDS``; each look makes a finding for every name."""

    def __init__(self, look: Callable[[], Findings], *names: str) -> None:
        self._look = look
        self._nothing: Findings = dict.fromkeys(names, NO_ANSWER)
        self._findings: Findings = {}
        self._lock = Lock()
        self._thread = Thread()
        self._started_at = float("-inf")

    def start(self) -> None:
        """Look again, unless that was a moment ago or has not ended yet."""
        with self._lock:
            if self._thread.is_alive() or time.monotonic() < self._started_at + KEPT_SECONDS:
                return
            self._started_at = time.monotonic()
            self._thread = Thread(target=self._run, daemon=True)
            self._thread.start()

    def findings(self) -> Findings:
        """Return what was found, at the latest ``SECONDS`` after the start."""
        self._thread.join(max(0.0, self._started_at + SECONDS - time.monotonic()))
        return self._nothing if self._thread.is_alive() else self._findings

    def _run(self) -> None:
        try:
            self._findings = self._look()
        except Exception as error:
            if self._findings is not self._nothing:  # once, not at every look
                log.warning("not ready: %s", error)
            self._findings = self._nothing


def init_app(app: Flask) -> None:
    def in_context(look: Callable[[], Findings]) -> Callable[[], Findings]:
        def run() -> Findings:
            with app.app_context():
                return look()

        return run

    app.extensions["checks"] = [
        Check(in_context(_database), NECESSARY, "emails", "tallies"),
        Check(in_context(_broker), "broker"),
        Check(in_context(_limiter), "limiter"),
    ]


def look() -> Findings:
    """Look at everything at once."""
    checks: list[Check] = current_app.extensions["checks"]
    for check in checks:
        check.start()
    return {name: finding for check in checks for name, finding in check.findings().items()}


def _database() -> Findings:
    answer = _timed(lambda: db.session.execute(text("SELECT 1")))
    return {NECESSARY: answer, "emails": _emails(), "tallies": _tallies()}


def _broker() -> Findings:
    return {"broker": _timed(jobs.contact_broker)}


def _limiter() -> Findings:
    return {"limiter": _timed(rate_limits.contact_store)}


def _timed(contact: Callable[[], object]) -> Finding:
    started_at = time.monotonic()
    contact()
    return Finding(("seconds", round(time.monotonic() - started_at, 3)))


def _emails() -> Finding:
    """How long the oldest e-mail that is due has been so."""
    seconds = outbox.seconds_behind()
    return Finding(("seconds", round(seconds, 1)), "late" if seconds > LATE_SECONDS else "")


def _tallies() -> Finding:
    """How many changes wait to be counted; no table says since when."""
    waiting = tally_queries.waiting_deltas(MANY_DELTAS)
    return Finding(("waiting", waiting), "behind" if waiting >= MANY_DELTAS else "")
