"""The widgets: what pages of institutions show of the campaign, and the page where anyone composes one."""

from flask import Flask

from campaign.embed import composer, frames, widgets


def init_app(app: Flask) -> None:
    for blueprint in (widgets.blueprint, frames.blueprint, composer.blueprint):
        app.register_blueprint(blueprint)
    widgets.init_app(app)
