"""The desk, where staff work: pages behind a sign-in, on an origin of their own."""

from flask import Flask

from campaign.desk import (
    campaigns,
    errors,
    guard,
    joining,
    me,
    navigation,
    numbers,
    oidc,
    partners,
    record,
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
