"""The desk, where staff work: pages behind a sign-in, on an origin of their own."""

from flask import Flask

from campaign.desk import (
    campaigns,
    errors,
    exports,
    finding,
    guard,
    imports,
    institutions,
    joining,
    me,
    merges,
    milestones,
    navigation,
    numbers,
    oidc,
    partners,
    people,
    pins,
    record,
    registry,
    review,
    rules,
    settling,
    signing_in,
    staff,
    tasks,
    today,
    translating,
    words,
)

# Every module with views; a test walks the folder for others.
PARTS = (
    signing_in,
    oidc,
    joining,
    me,
    today,
    finding,
    tasks,
    review,
    words,
    rules,
    pins,
    people,
    imports,
    exports,
    milestones,
    settling,
    registry,
    merges,
    institutions,
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
