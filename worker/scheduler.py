"""The periodic loop: wakes every job whose time has come and that has something to do."""

import logging
from threading import Event

from flask import Flask
from sqlalchemy.exc import OperationalError

from campaign import jobs, schedules
from campaign.db import db
from worker.registry import JOBS

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5


def run(app: Flask, stopping: Event) -> None:
    """Tick until told to stop; a database that is away for a while is waited for."""
    while not stopping.wait(TICK_SECONDS):
        with app.app_context():
            try:
                tick()
            except OperationalError as error:
                log.warning("database is away: %s", error.orig)
                db.session.rollback()


def tick() -> None:
    """One round. Advancing a schedule and waking its job are one transaction's work and its consequence."""
    schedules.add(JOBS)
    for name, job in JOBS.items():
        if schedules.take_due(name, job.every) and job.is_needed():
            jobs.wake(name)
        jobs.commit()
