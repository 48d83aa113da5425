"""The public pages, one tree below every offered language."""

from flask import Flask

from campaign.web import (
    certificates,
    charts,
    my_pledges,
    pages,
    place_lists,
    place_pages,
    pledging,
    posters,
    records,
    root,
    sharing,
)
from campaign.web import (
    map as light_map,
)

# Every module with views, in a blueprint of its own or in ``web.blueprint``; a test walks the folder for others.
PARTS = (
    root,
    pages,
    place_pages,
    place_lists,
    sharing,
    light_map,
    charts,
    pledging,
    my_pledges,
    certificates,
    posters,
    records,
)


def init_app(app: Flask) -> None:
    for blueprint in dict.fromkeys(part.blueprint for part in PARTS):
        app.register_blueprint(blueprint)
    app.register_blueprint(records.downloads)
