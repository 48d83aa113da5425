"""The periodic loop: wakes every job that is due and has something to do."""

import logging
from threading import Event

from flask import Flask
from sqlalchemy.exc import OperationalError

from campaign import jobs, schedules
from campaign.db import db
from worker.registry import JOBS

log = logging.getLogger(__name__)

# The longest that work waits when its wake-up call was lost or held back.
LOOK_SECONDS = 1.0

_ANY_DUE = schedules.any_due(JOBS)


def run(app: Flask, stopping: Event) -> None:
    """Wake what is due until told to stop; wait for a database that is away."""
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
    # A connection kept for looking: the pool would ask whether it is alive before every look, and
    # without a transaction a look is one round trip.
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not stopping.is_set():
            if connection.scalar(_ANY_DUE):
                tick()
            stopping.wait(LOOK_SECONDS)


def tick() -> None:
    """Wake each job that is due, once its next time is committed."""
    for name in schedules.take_due(JOBS):
        if JOBS[name].is_needed():
            jobs.wake(name)
    jobs.commit()
