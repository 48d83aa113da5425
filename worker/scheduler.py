"""The scheduler's loop: wakes every job that is due and has work."""

import logging
from threading import Event

from flask import Flask
from sqlalchemy.exc import OperationalError

from campaign import jobs, schedules
from campaign.db import db
from worker.registry import JOBS

log = logging.getLogger(__name__)

# How long work waits at most when its wake-up call was lost or suppressed.
LOOK_SECONDS = 1.0

_ANY_DUE = schedules.any_due(JOBS)


def run(app: Flask, stopping: Event) -> None:
    """Wake the jobs that are due until ``stopping`` is set. While the database is away, keep trying."""
    while not stopping.is_set():
        with app.app_context():
            try:
                _keep_looking(stopping)
            except OperationalError as error:
                log.warning("database is away: %s", error.orig)
                db.session.rollback()
        stopping.wait(LOOK_SECONDS)


def _keep_looking(stopping: Event) -> None:
    schedules.add(JOBS)
    jobs.commit()
    # A connection of its own, without transactions: each look is one round trip. The pool would test the connection
    # before every look, and begin and end a transaction around it.
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not stopping.is_set():
            if connection.scalar(_ANY_DUE):
                tick()
            stopping.wait(LOOK_SECONDS)


def tick() -> None:
    """Wake each job that is due; the calls go out once the jobs' next times are committed."""
    for name in schedules.take_due(JOBS):
        if JOBS[name].is_needed():
            jobs.wake(name)
    jobs.commit()
