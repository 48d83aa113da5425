"""Nothing public may depend on what a single person chose: not one page, file or widget, on no day.

Kind: the difference of two published states. The attacker keeps a copy of every public address, and compares. So
the test lets a person choose one thing, then another, and compares everything that is public, byte for byte.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.partners import webhooks
from campaign.partners.models import WebhookDelivery
from campaign.pledges.models import Pledge
from campaign.records import operations as records
from campaign.tallies import operations as tallies
from campaign.tallies.publishing import publish
from tests.factories import CAMPAIGN, STAFF, confirmed, institution, policy

# What stands for a variable part of an address; addresses with any other part are secrets or never change.
PARTS = {
    "locale": ["en"], "slug": [CAMPAIGN], "extension": ["csv", "jsonl"], "kind": ["countries", "regions"],
    "code": ["KE", "014", "002"], "name": ["over-time", "regions", "disciplines", "commitments"],
    "dimension": ["country", "region", "institution", "commitment", "discipline"],
}  # fmt: skip
QUERIES = {"months": ["", "country=KE", "institution={home}"], "signatories": ["", "country=KE"]}
# The same at all times, or made for one reader: forms with a token, searches, pictures of what a page says. How far
# behind the site is (`/ready`) changes by itself.
LEFT_OUT = re.compile(
    r"static|ready|pledging|frames|proposals|search|\.png$|my_pledges|certificates|posters"
)

Shown = Mapping[str, bytes]


@pytest.fixture(autouse=True)
def _no_limit(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attacker has many networks."""
    monkeypatch.setattr(app.extensions["limiter"], "hit", lambda *_: True)


@pytest.fixture
def home(session: object) -> Institution:
    """A university with twelve people, whose details are published."""
    home = institution(name="University of the Lake", latitude=-0.1, longitude=34.75)
    for number in range(12):
        confirmed(f"p{number}@example.org", institution=home.id, role="researcher")
    webhooks.add("https://partner.example/hook", home.id, ["tally.daily"], STAFF, now())
    count()
    return home


def count(days: int = 0) -> None:
    """What the worker does all the time, and the daily publication so many days from now."""
    tallies.fold_all()
    publish(now() + timedelta(days=days))
    jobs.commit()


def addresses(app: Flask, home: Institution) -> Iterator[str]:
    """Every address that anybody can read and whose answer can depend on a pledge."""
    for rule in app.url_map.iter_rules():
        parts = PARTS | {"ror_id": [home.id]}
        is_read = "GET" in (rule.methods or ()) and rule.arguments <= parts.keys()
        if is_read and not LEFT_OUT.search(f"{rule.endpoint} {rule.rule}"):
            yield from _addresses(app, rule, parts, home)


def _addresses(
    app: Flask, rule: Rule, parts: Mapping[str, list[str]], home: Institution
) -> Iterator[str]:
    names = sorted(rule.arguments)
    adapter = app.url_map.bind("localhost")
    queries = QUERIES.get(rule.endpoint.rpartition(".")[2].removesuffix("_file"), [""])
    for values in product(*(parts[name] for name in names)):
        path = adapter.build(rule.endpoint, dict(zip(names, values, strict=True)))
        for query in queries:
            yield f"{path}?{query.format(home=home.id)}"


def everything(app: Flask, client: FlaskClient, home: Institution, folder: Path) -> Shown:
    """All that is public: answers by address, the files of a day's dataset, the messages to a webhook."""
    app.extensions["response_cache"].clear()
    shown = {}
    for address in addresses(app, home):
        answer = client.get(address, buffered=True)
        assert answer.status_code in {200, 302, 303, 400, 404}, (address, answer.status_code)
        if answer.status_code == 200:  # not every code is one of every kind of place
            shown[address] = re.sub(rb"after=[\w.%-]+", b"after=", answer.data)
    return shown | _dataset(folder) | _messages()


def _dataset(folder: Path) -> Shown:
    """The day's dataset as it would be published now."""
    number = len([*folder.iterdir()]) if folder.exists() else 0
    staged = records.stage(folder / str(number), policy().signer, now().date(), "http://localhost")
    jobs.rollback()
    return {file.name: file.read_bytes() for file in staged.glob("*.*") if file.suffix != ".zip"}


def _messages() -> Shown:
    tomorrow = now() + timedelta(days=1)
    webhooks.queue_daily(tomorrow)
    messages = WebhookDelivery.query.all()
    found = {row.subject: repr(row.message["data"]).encode() for row in messages}
    jobs.rollback()
    return found


def differing(one: Shown, other: Shown) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def choose(pledge_id: UUID, *, is_first: bool) -> None:
    """Have a person choose anew. Their pledge is loaded again, since every request ends the session."""
    pledge = db.session.get_one(Pledge, pledge_id)
    pledge.commitments = ["network", "lectures"] if is_first else ["hosting"]
    pledge.disciplines = ["1.5"] if is_first else ["6.3"]
    db.session.flush()


def test_all_that_is_public_is_compared(
    app: Flask, client: FlaskClient, home: Institution, tmp_path: Path
) -> None:
    """Pages, charts, API and its files, widgets, dataset, messages."""
    shown = everything(app, client, home, tmp_path)
    assert {
        f"/en/institutions/{home.id}/?", "/en/countries/KE/?", "/en/regions/014/?", f"/en/campaigns/{CAMPAIGN}/?",
        f"/en/campaigns/{CAMPAIGN}/charts/commitments.csv?", f"/api/v1/campaigns/{CAMPAIGN}/tallies/discipline?",
        f"/api/v1/campaigns/{CAMPAIGN}/months?institution={home.id}", f"/api/v1/campaigns/{CAMPAIGN}/days.csv?",
        f"/embed/data/{home.id}.json?", f"/badge/{home.id}.svg?", "tallies.csv", "pledges.csv", "records.jsonl",
        f"/en/campaigns/{CAMPAIGN}/map.svg?",
    } <= shown.keys()  # fmt: skip
    assert any("tally.daily" in name for name in shown)
    assert b"groups of at least five people" in shown[f"/en/institutions/{home.id}/?"]


def test_nothing_shows_what_one_person_chose(
    app: Flask, client: FlaskClient, home: Institution, tmp_path: Path
) -> None:
    """At once, on the next day, when they choose otherwise, when four more have come, and when they have left."""
    victim = confirmed("victim@example.org", institution=home.id, listed=False).id
    for days in (0, 1, 2):
        seen = []
        for is_first in (True, False):
            choose(victim, is_first=is_first)
            count(days)
            seen.append(everything(app, client, home, tmp_path / f"{days}{is_first}"))
        assert differing(*seen) == set(), days
        if days == 1:
            for number in range(3):
                confirmed(f"more{number}@example.org", institution=home.id, commitments=["hosting"])


def test_only_headline_counts_show_that_one_person_came(
    app: Flask, client: FlaskClient, home: Institution, tmp_path: Path
) -> None:
    before = everything(app, client, home, tmp_path / "before")

    confirmed("victim@example.org", institution=home.id, listed=False)
    count(1)

    after = everything(app, client, home, tmp_path / "after")
    changed = {name for name in differing(before, after) if describes(name)}
    assert changed == set()


def describes(name: str) -> bool:
    """Whether an address has numbers of what people chose and when, and none of how many there are."""
    return bool(re.search(r"(commitment|discipline)s?(\.\w+)?\?|months\?.", name))


@pytest.mark.parametrize("path", ["institutions/{home}", "countries/KE", "regions/014"])
def test_a_page_changes_in_its_number_of_people_alone(
    app: Flask, client: FlaskClient, home: Institution, path: str
) -> None:
    address = f"/en/{path.format(home=home.id)}/"
    before = client.get(address).text
    confirmed("victim@example.org", institution=home.id, listed=False, commitments=["hosting"])
    count(1)

    after = client.get(address).text

    assert before != after
    assert re.sub(r"\b12\b", "13", before) == after


def test_the_numbers_of_five_people_are_seen(
    app: Flask, client: FlaskClient, home: Institution, tmp_path: Path
) -> None:
    """Or the tests above would pass on a site that shows nothing."""
    seen = []
    for choice in ("network", "hosting"):
        for number in range(5):
            confirmed(f"{choice}{number}@example.org", institution=home.id, commitments=[choice])
        count()
        seen.append(everything(app, client, home, tmp_path / choice))
    assert {f"/en/institutions/{home.id}/?", f"/en/campaigns/{CAMPAIGN}/?"} <= differing(*seen)


def test_the_daily_list_links_no_two_attributes_of_a_person(
    app: Flask, client: FlaskClient, home: Institution, tmp_path: Path
) -> None:
    """Every line has a fingerprint of its own, and dimensions are headline counts only."""
    lines = everything(app, client, home, tmp_path)["pledges.csv"].decode().splitlines()
    rows = [*csv.DictReader(lines)]
    assert len({row["fingerprint"] for row in rows}) == len(rows) == 36
    assert {row["dimension"] for row in rows} == {"country", "institution", "day"}
