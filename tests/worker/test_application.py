"""The worker's application: it serves nothing, and writes the very letters that the site would."""

import pytest
from sqlalchemy import select

from campaign.app import create_worker
from campaign.db import db
from campaign.links import absolute_url
from campaign.mail.compose import compose
from campaign.mail.models import Letter
from tests.factories import submitted


@pytest.fixture
def worker(settings):
    worker = create_worker(settings)
    yield worker
    with worker.app_context():
        db.engine.dispose()


def test_it_knows_the_addresses_of_the_site_and_serves_none(app, worker):
    with app.app_context():
        ours = absolute_url("web.country", code="KE", locale="sw")
    with worker.app_context():
        assert absolute_url("web.country", code="KE", locale="sw") == ours
    assert {rule.endpoint for rule in worker.url_map.iter_rules()} == {"static"}


def test_its_letters_are_those_of_the_site(session, worker):
    submitted(locale="ar")
    letter = session.scalars(select(Letter)).one()

    ours = compose(letter)
    with worker.app_context():
        theirs = compose(letter)

    parts = [part.get_content() for message in (ours, theirs) for part in message.iter_parts()]
    assert parts[:2] == parts[2:]
    assert "/ar/pledges/confirm/" in parts[0]
