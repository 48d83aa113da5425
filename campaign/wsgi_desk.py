"""The WSGI application of the desk, which gunicorn serves."""

from campaign import logs
from campaign.app import create_desk

logs.configure()
app = create_desk()
