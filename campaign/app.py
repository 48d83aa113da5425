"""The application factory: the only module that knows all others. Read it from top to bottom."""

import logging
import os

import dramatiq
from flask import Flask
from flask_compress import Compress
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from campaign import api, embed, http, i18n, jobs, links, web
from campaign.catalogues import compile_catalogues
from campaign.config import Settings
from campaign.db import db
from campaign.paths import MIGRATIONS, STATIC, TEMPLATES, TRANSLATIONS


def create_app(settings: Settings | None = None) -> Flask:
    """An application for these settings, or for the environment's. Raises ConfigError."""
    settings = settings or Settings.from_env(os.environ)
    app = Flask(__name__, template_folder=str(TEMPLATES), static_folder=str(STATIC))
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        TESTING=settings.testing,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "hide_parameters": True,  # names and addresses have no business in a log
            "pool_size": settings.web_threads,
            "max_overflow": 4,
        },
        MAX_CONTENT_LENGTH=256 * 1024,  # a pledge with three letters of support is far smaller
        MAX_FORM_PARTS=200,
        COMPRESS_ALGORITHM=["br", "gzip"],  # a phone on a poor connection is whom this is for
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,  # static addresses carry the content's hash
    )
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        app.wsgi_app,
        x_for=settings.trusted_proxies,
        x_proto=settings.trusted_proxies,
        x_host=settings.trusted_proxies,
    )
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    if os.access(TRANSLATIONS, os.W_OK):
        compile_catalogues(
            TRANSLATIONS
        )  # a checkout holds only the sources; a wheel has them compiled
    dramatiq.set_broker(jobs.broker_for(settings))
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=False)
    Compress(app)
    i18n.init_app(app)
    links.init_app(app)
    http.init_app(app)
    web.init_app(app)
    embed.init_app(app)
    api.init_app(app)
    return app
