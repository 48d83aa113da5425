"""Count the forms that are opened and sent: in memory, added to the rows every few seconds and at the end.

A request only raises a number. What was counted in the last seconds before a kill is lost.
"""

import atexit
import logging
import time
from collections import Counter
from threading import Event, Lock, Thread

from flask import Flask, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from campaign import i18n, jobs
from campaign.clock import now
from campaign.pledges import funnel
from campaign.pledges.funnel import FormKey, Step
from campaign.pledges.models import Kind

FLUSH_SECONDS = 5.0

log = logging.getLogger(__name__)


class FormCounter:
    """What a process has counted since it last added it to the rows."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._counts: Counter[tuple[FormKey, Step]] = Counter()
        self._lock = Lock()
        self._has_counts = Event()
        self._thread: Thread | None = None

    def count(self, step: Step, key: FormKey) -> None:
        """Count one form."""
        with self._lock:
            self._counts[key, step] += 1
            self._start()
        self._has_counts.set()

    def flush(self) -> None:
        """Add what was counted to the rows; keep it for the next time if that fails."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            with self._app.app_context():
                funnel.add(counts)
                jobs.commit()
        except SQLAlchemyError:
            log.warning("forms that were opened could not be counted; it is tried again")
            with self._lock:
                self._counts += counts

    def _start(self) -> None:
        """Start the thread, once, at the first form: one started earlier would not survive gunicorn's fork.

        Tests flush by themselves, since what they do is undone.
        """
        if self._thread is None and not self._app.config["TESTING"]:
            self._thread = Thread(target=self._keep_flushing, name="form counts", daemon=True)
            self._thread.start()
            atexit.register(self.flush)

    def _keep_flushing(self) -> None:
        while True:
            self._has_counts.wait()
            time.sleep(FLUSH_SECONDS)
            self._has_counts.clear()
            self.flush()


def init_app(app: Flask) -> None:
    app.extensions["form_counter"] = FormCounter(app)


def count_opened(campaign_id: int, kind: Kind) -> None:
    """Count the form that this request opens, unless a browser only fetches it in advance."""
    if request.method == "GET" and not request.headers.get("Sec-Purpose", "").startswith(
        "prefetch"
    ):
        _count(Step.OPENED, campaign_id, kind)


def count_sent(campaign_id: int, kind: Kind) -> None:
    """Count the form that this request has sent."""
    _count(Step.SENT, campaign_id, kind)


def _count(step: Step, campaign_id: int, kind: Kind) -> None:
    counter: FormCounter = current_app.extensions["form_counter"]
    counter.count(step, FormKey(now().date(), campaign_id, kind, i18n.current()))
