"""What tests of operations that read have in common."""

from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient

from campaign import jobs
from campaign.clock import now
from campaign.institutions.models import Institution
from campaign.tallies import operations as tallies
from campaign.tallies.publishing import publish
from tests.factories import CAMPAIGN

HERE = f"/api/v1/campaigns/{CAMPAIGN}"


@dataclass(frozen=True)
class World:
    """Two people and the representative of one institution of Kenya, and somebody of Chad."""

    home: Institution


def fold() -> None:
    tallies.fold()
    publish(now())
    jobs.commit()


def read(client: FlaskClient, path: str, **named: Any) -> Any:
    answer = client.get(path, **named)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def problem(client: FlaskClient, path: str, status: int, **named: Any) -> Any:
    answer = client.get(path, **named)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == status
    return answer.get_json()
