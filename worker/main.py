"""The module that ``dramatiq worker.main:broker`` loads: the application, its broker, every actor."""

from campaign import logs
from campaign.app import create_worker
from campaign.jobs import broker_of
from worker.registry import register

logs.configure()
app = create_worker()
broker = broker_of(app)
register(app)
