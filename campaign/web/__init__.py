"""The public pages, one tree below every offered language."""

from flask import Flask

from campaign.web import (
    certificates,
    charts,
    my_pledges,
    pages,
    places,
    pledging,
    posters,
    records,
    root,
)
from campaign.web import (
    map as light_map,
)

# ``places`` and ``sharing`` add their views to the blueprint of ``pages``.
PARTS = (
    root,
    pages,
    places,
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
