"""Reading: what the public asks for most, warm, next to the same server's hello page; and the map drawn anew.

Targets: at least 0.7 of the hello page's requests per second, the same (within a fifth) at 2,000,000 pledges as at
1,000; a map that nobody asked for since the last fold within 150 ms.
"""

import time
from statistics import median

from flask import Flask
from sqlalchemy import text

from campaign import jobs
from campaign.app import create_site
from campaign.clock import now
from campaign.config import Settings
from campaign.db import db
from campaign.tallies import queries as tallies
from campaign.tallies.publishing import publish
from tests.benchmarks.bench_fold import FEW, MANY, add_pledges, fold_all
from tests.benchmarks.tools import database, requests_per_second, site
from tests.factories import CAMPAIGN
from tests.factories import text as shown_text

ROUNDS, REQUESTS = 21, 400
COLD_MAPS = 5
MAP = f"/en/campaigns/{CAMPAIGN}/map.svg"

Speeds = dict[str, list[float]]


def main() -> None:
    with database() as settings, (app := create_site(settings)).app_context():
        add_pledges(1, FEW)
        fold_all()
        publish(now())
        jobs.commit()
        paths = _paths()
        few = _of_hello(settings, paths)
        add_pledges(FEW + 1, MANY)
        fold_all()
        publish(now())
        db.session.execute(text("ANALYZE"))
        jobs.commit()
        many = _of_hello(settings, paths)
        cold = _cold_seconds(app)
    for name in paths:
        _tell(name, few[name], many[name])
    print(f"read: cold map {cold * 1000:.0f} ms at {MANY:,} pledges (target 150)")


def _paths() -> dict[str, str]:
    """What is asked for most, of the institution with the most pledges."""
    ((institution, _),) = tallies.ranking(shown_text().campaign_id, "institution", limit=1)
    return {
        "front page": "/en/",
        "institution page": f"/en/institutions/{institution}/",
        "widget's data": f"/embed/data/{institution}.json",
        "badge": f"/badge/{institution}.svg",
    }


def _of_hello(settings: Settings, paths: dict[str, str]) -> Speeds:
    """Requests per second as shares of hello's, in rounds close together: a shared machine has its moods."""
    with site(settings) as port:
        for path in ("/hello", *paths.values()):  # every process makes its own answers
            requests_per_second(port, [_as_browser(path)] * 400, b"200")
        rounds = [_round(port, paths) for _ in range(ROUNDS)]
    return {name: [shares[name] for shares in rounds] for name in paths}


def _round(port: int, paths: dict[str, str]) -> dict[str, float]:
    speeds, hellos = {}, [_speed(port, "/hello")]
    for name, path in paths.items():
        speeds[name] = _speed(port, path)
        hellos.append(_speed(port, "/hello"))
    return {
        name: speed * 2 / (before + after)
        for (name, speed), before, after in zip(
            speeds.items(), hellos[:-1], hellos[1:], strict=True
        )
    }


def _speed(port: int, path: str) -> float:
    return requests_per_second(port, [_as_browser(path)] * REQUESTS, b"200")


def _as_browser(path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nAccept-Language: en\r\n"
        "Accept-Encoding: gzip, deflate, br, zstd\r\n\r\n"
    ).encode()


def _cold_seconds(app: Flask) -> float:
    client, times = app.test_client(), []
    for _ in range(COLD_MAPS):
        app.extensions["response_cache"].clear()
        started = time.perf_counter()
        assert client.get(MAP, headers={"Accept-Encoding": "br"}).status_code == 200
        times.append(time.perf_counter() - started)
    return median(times)


def _tell(name: str, few: list[float], many: list[float]) -> None:
    print(
        f"read: {name} {median(many):.2f} of hello (target 0.7), {min(many):.2f} to {max(many):.2f}"
        f" over {ROUNDS} rounds at {MANY:,} pledges, {median(many) / median(few):.2f} of what it"
        f" is at {FEW:,} (target 0.8 to 1.2)"
    )


if __name__ == "__main__":
    main()
