"""The command ``lightup``: where the commands meet the application they run in."""

import os
import sys

from flask import Flask
from flask.cli import NoAppException, ScriptInfo
from sqlalchemy.exc import OperationalError

from campaign.app import create_app
from campaign.cli import lightup
from campaign.config import ConfigError, Settings


def _create_app() -> Flask:
    try:
        return create_app(Settings.from_env(os.environ))
    except ConfigError as error:
        raise NoAppException(
            f"The settings are not complete (see `lightup settings`):\n{error}"
        ) from error


def main() -> None:
    try:
        lightup(obj=ScriptInfo(create_app=_create_app))
    except OperationalError as error:
        sys.exit(f"Error: The database does not answer. {error.orig}")


if __name__ == "__main__":
    main()
