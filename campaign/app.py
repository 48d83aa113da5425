"""The applications: one base, and on it the public site, the desk and the worker. Read it from top to bottom.

The desk has an origin of its own: it has sessions, on which no script in a page of the site may ride.
"""

import os

from flask import Flask
from flask_compress import Compress
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Map

from campaign import api, desk, embed, http, i18n, jobs, links, web
from campaign.config import Settings
from campaign.db import db
from campaign.http import rendering
from campaign.http.addresses import CanonicalInteger
from campaign.http.sessions import NoSessions
from campaign.paths import MIGRATIONS, STATIC, TEMPLATES


def create_site(settings: Settings | None = None) -> Flask:
    """Create the public site, from these settings or those of the environment. Raises ConfigError."""
    app = _base(settings)
    app.config["BASE_URL"] = app.config["SETTINGS"].site_url
    _trust_proxies(app)
    app.session_interface = NoSessions()
    Compress(app)
    links.init_app(app, app.url_map)
    http.init_app(app)
    web.init_app(app)
    embed.init_app(app)
    api.init_app(app)
    return app


def create_desk(settings: Settings | None = None) -> Flask:
    """Create the desk, where staff work; its pages link to those of the site. Raises ConfigError."""
    app = _base(settings)
    settings = app.config["SETTINGS"]
    # Views that take a spreadsheet or a picture raise MAX_CONTENT_LENGTH up to this.
    app.config.update(BASE_URL=settings.desk_url, BODY_BYTES=21_000_000, REQUEST_SECONDS=600.0)
    _trust_proxies(app)
    Compress(app)
    links.init_app(app, _addresses_of_site())
    http.init_desk(app)
    desk.init_app(app)
    return app


def create_worker(settings: Settings | None = None) -> Flask:
    """Create what jobs and commands run in: no pages, but links to those of the site. Raises ConfigError."""
    app = _base(settings)
    links.init_app(app, _addresses_of_site())
    rendering.init_app(app)
    return app


def _base(settings: Settings | None) -> Flask:
    """Create an application with what all have: settings, database, languages, calls to the worker."""
    settings = settings or Settings.from_env(os.environ)
    app = Flask(__name__, template_folder=str(TEMPLATES), static_folder=str(STATIC))
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        TESTING=settings.testing,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "hide_parameters": True,  # keeps names and addresses out of logs
            "pool_size": settings.web_threads,
            "max_overflow": 4,
        },
        MAX_CONTENT_LENGTH=256 * 1024,  # a pledge with three letters of support is far smaller
        MAX_FORM_PARTS=200,
        COMPRESS_ALGORITHM=["br", "gzip"],  # phones on poor connections come first
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,  # the address of a static file contains its hash
    )
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=False)
    i18n.init_app(app)
    jobs.init_app(app)
    return app


def _trust_proxies(app: Flask) -> None:
    proxies = app.config["SETTINGS"].trusted_proxies
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
    )


def _addresses_of_site() -> Map:
    """Return the routes of the site, from an application that serves no requests."""
    routes = Flask(__name__)
    routes.url_map.converters["int"] = CanonicalInteger
    web.init_app(routes)
    embed.init_app(routes)
    return routes.url_map
