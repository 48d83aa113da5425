"""The jobs: how often the scheduler wakes each, whether it has work, how long it may take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import dramatiq
from flask import Flask
from sqlalchemy import ColumnElement, true

from campaign import jobs, schedules, tasks
from campaign.campaigns import queries as campaign_queries
from campaign.clock import now
from campaign.config import current_settings
from campaign.mail import outbox
from campaign.partners import webhooks
from campaign.pledges import submitting
from campaign.records import operations as record_operations
from campaign.staff import operations as staff_operations
from campaign.tallies import operations as tally_operations
from campaign.tallies import publishing
from worker import actors


def _always() -> bool:
    return True


def _has_numbers_to_publish() -> bool:
    return record_operations.is_due(Path(current_settings().data_folder), now())


# For jobs that read all pledges in one transaction: stopped halfway, they would start over and never finish.
ALL_PLEDGES = timedelta(hours=3)


@dataclass(frozen=True)
class Job:
    """A function without arguments, woken at least this often while it has work, and stopped at its time limit.

    ``has_work`` is evaluated each second, by one statement for all jobs. ``is_needed`` is called once a job is due,
    for conditions that are not in the database.
    """

    run: Callable[[], None]
    every: timedelta
    has_work: ColumnElement[bool] = field(default_factory=true)
    is_needed: Callable[[], bool] = _always
    time_limit: timedelta = timedelta(minutes=10)


JOBS: Mapping[str, Job] = {
    job.run.__name__: job
    for job in (
        Job(actors.take_forms, timedelta(seconds=1), submitting.has_waiting()),
        Job(actors.send_emails, timedelta(seconds=2), outbox.has_due()),
        Job(actors.send_resets, timedelta(seconds=2), staff_operations.has_reset_requests()),
        Job(actors.fold_tallies, timedelta(seconds=1), tally_operations.has_deltas()),
        Job(actors.send_webhooks, timedelta(seconds=5), webhooks.has_due()),
        Job(actors.run_tasks, timedelta(seconds=2), tasks.has_running()),
        Job(actors.publish_due_texts, timedelta(seconds=5), campaign_queries.has_due_texts()),
        Job(
            actors.publish_details,
            timedelta(hours=1),
            publishing.is_due(),
            time_limit=ALL_PLEDGES,
        ),
        # Always, so that it shows that scheduler and worker run: see ``schedules.last_run``.
        Job(actors.seal_audit, timedelta(minutes=1)),
        Job(actors.queue_daily_webhooks, timedelta(hours=1)),
        Job(actors.remind_unconfirmed, timedelta(hours=1)),
        Job(actors.keep_retention, timedelta(hours=1)),
        Job(
            actors.publish_records,
            timedelta(hours=1),
            is_needed=_has_numbers_to_publish,
            time_limit=ALL_PLEDGES,
        ),
        Job(actors.reconcile_tallies, timedelta(days=1), time_limit=ALL_PLEDGES),
    )
}


def register(app: Flask) -> None:
    """Make every job an actor of the application's broker; each run has an application context of its own."""
    for name, job in JOBS.items():
        declare = dramatiq.actor(
            actor_name=name,
            broker=jobs.broker_of(app),
            queue_name=jobs.QUEUE,
            max_retries=3,
            time_limit=job.time_limit / timedelta(milliseconds=1),
        )
        declare(_in_context(app, name, job.run))


def _in_context(app: Flask, name: str, run: Callable[[], None]) -> Callable[[], None]:
    def perform() -> None:
        with app.app_context():
            run()
            schedules.note_run(name)
            jobs.commit()

    return perform
