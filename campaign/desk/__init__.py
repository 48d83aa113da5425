"""The desk, where staff work: pages behind a sign-in, on an origin of their own."""

from flask import Flask

from campaign.desk import (
    campaigns,
    errors,
    guard,
    institutions,
    joining,
    me,
    merges,
    navigation,
    numbers,
    oidc,
    partners,
    record,
    registry,
    settling,
    signing_in,
    staff,
    tasks,
    today,
    translating,
)

# Every module with views; a test walks the folder for others.
PARTS = (
    signing_in,
    oidc,
    joining,
    me,
    today,
    tasks,
    campaigns,
    translating,
    settling,
    registry,
    merges,
    institutions,
    numbers,
    partners,
    staff,
    record,
)


def init_app(app: Flask) -> None:
    for part in (guard, errors, navigation, oidc):
        part.init_app(app)
    for part in PARTS:
        app.register_blueprint(part.blueprint)
