"""What becomes of links, certificates and receipts when the secret key is changed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign import jobs
from campaign.app import create_site
from campaign.config import Settings
from campaign.db import db
from campaign.pledges.certificates import number_of
from campaign.pledges.emails import CONFIRM, code_of
from campaign.pledges.policy import policy_for
from campaign.records.listing import receipt
from campaign.tokens import Signer
from tests.factories import confirmed, policy, submitted

NEW = "a new secret key of the site, long enough"
Rotate = Callable[..., tuple[FlaskClient, Signer]]


@pytest.fixture
def rotated(settings: Settings, app: Flask, committing: None) -> Iterator[Rotate]:
    """The same site after its secret key was changed; what was hashed is hashed as before."""
    sites = []

    def start(**different: object) -> tuple[FlaskClient, Signer]:
        after = replace(
            settings, secret_key=NEW, hash_key=settings.secret_key, testing=False, **different
        )
        sites.append(create_site(after))
        return sites[-1].test_client(), policy_for(after).signer

    yield start
    for site in sites:
        with site.app_context():
            db.engine.dispose()


def link_to_confirm(signer: Signer, pledge_id: UUID) -> str:
    return f"/en/pledges/confirm/{signer.sign(CONFIRM, str(pledge_id))}/"


def test_links_stay_alive_while_the_earlier_key_is_a_fallback(
    rotated: Rotate, settings: Settings
) -> None:
    pledge = submitted()
    link = link_to_confirm(policy().signer, pledge.id)
    jobs.commit()

    with_fallback, _ = rotated(secret_key_fallbacks=(settings.secret_key,))
    without, signer = rotated()

    assert with_fallback.get(link).status_code == 200
    assert without.get(link).status_code == 404
    assert without.get(link_to_confirm(signer, pledge.id)).status_code == 200


def test_certificates_receipts_and_codes_stay_valid(rotated: Rotate) -> None:
    pledge, before = confirmed(), policy().signer
    number = number_of(before, pledge.id)
    jobs.commit()

    site, after = rotated()

    assert site.get(f"/en/verify/{number}/").status_code == 200
    assert receipt(after, pledge.id) == receipt(before, pledge.id)
    assert code_of(after, pledge.id) == code_of(before, pledge.id)
