"""The public pages, one tree below every offered language."""

from flask import Flask

from campaign.web import (
    caching,
    certificates,
    charts,
    drawings,
    errors,
    locales,
    mine,
    pages,
    places,
    pledging,
    posters,
    records,
    rendering,
    root,
    security,
)

# ``places`` adds its views to the blueprint of ``pages``.
PARTS = (root, pages, places, drawings, charts, pledging, mine, certificates, posters, records)


def init_app(app: Flask) -> None:
    security.init_app(app)
    caching.init_app(app)
    locales.init_app(app)
    rendering.init_app(app)
    errors.init_app(app)
    for blueprint in dict.fromkeys(part.blueprint for part in PARTS):
        app.register_blueprint(blueprint)
    app.register_blueprint(records.downloads)
