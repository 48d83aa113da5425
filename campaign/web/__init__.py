"""The public pages, one tree below every offered language."""

from flask import Flask

from campaign.web import errors, locales, mine, pages, pledging, rendering, root, security


def init_app(app: Flask) -> None:
    security.init_app(app)
    locales.init_app(app)
    rendering.init_app(app)
    errors.init_app(app)
    for blueprint in (root.blueprint, pages.blueprint, pledging.blueprint, mine.blueprint):
        app.register_blueprint(blueprint)
