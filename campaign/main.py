"""The program ``lightup``: joins the commands with the application and the scheduler that they run."""

import os
import signal
import sys
from threading import Event

from flask import Flask, current_app
from flask.cli import NoAppException, ScriptInfo, with_appcontext
from sqlalchemy.exc import OperationalError

from campaign import logs
from campaign.app import create_worker
from campaign.catalogues import compile_catalogues
from campaign.cli import lightup
from campaign.config import ConfigError, Settings
from campaign.paths import TRANSLATIONS
from worker import scheduler as periodic


@lightup.command()
@with_appcontext
def scheduler() -> None:
    """Wake the worker at the times in the schedules table. Several of these do no harm."""
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    periodic.run(current_app._get_current_object(), stopping)  # type: ignore[attr-defined]


def _create_app() -> Flask:
    try:
        return create_worker(Settings.from_env(os.environ))
    except ConfigError as error:
        raise NoAppException(
            f"The settings are not complete (see `lightup settings`):\n{error}"
        ) from error


def main() -> None:
    """Run the command in ``sys.argv``."""
    logs.configure()
    if os.access(TRANSLATIONS, os.W_OK):
        compile_catalogues(
            TRANSLATIONS
        )  # a checkout has the sources only, while a wheel has them compiled
    try:
        lightup(obj=ScriptInfo(create_app=_create_app))
    except OperationalError as error:
        sys.exit(f"Error: The database does not answer. {error.orig}")


if __name__ == "__main__":
    main()
