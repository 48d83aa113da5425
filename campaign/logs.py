"""The format of our programs' logs: to standard error, the level first."""

import logging


def configure() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
