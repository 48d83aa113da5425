"""What ``dramatiq worker.main`` loads: the application, its broker, every actor."""

from campaign.app import create_app
from worker.registry import register

app = create_app()
register(app)
