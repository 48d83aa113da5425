"""The WSGI application that gunicorn serves."""

from campaign import logs
from campaign.app import create_site

logs.configure()
app = create_site()
