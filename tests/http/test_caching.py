"""Finished responses: kept while nothing changes, made once, told apart by what they depend on, bounded."""

import gzip
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import count
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import brotli
import pytest
from flask import Flask, Response, abort, request
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from werkzeug.test import TestResponse

from campaign import jobs, topics
from campaign.app import create_site
from campaign.campaigns.models import TEXTS
from campaign.clock import now
from campaign.config import Settings
from campaign.db import db
from campaign.demo import pledges
from campaign.http import caching
from campaign.http.access import anyone
from campaign.http.caching import CachedResponse, ResponseCache, cached
from campaign.institutions.models import REGISTRY, Institution
from campaign.institutions.operations import import_dump
from campaign.tallies import operations as tallies
from campaign.topics import Topic
from tests.factories import CAMPAIGN, confirmed, institution
from tests.institutions.dumps import record, write_json
from tests.statements import statements
from tests.web.browsing import LANGUAGES, Page

FRONT = "/en/"
PAGES = (
    FRONT,
    f"/en/campaigns/{CAMPAIGN}/",
    f"/en/campaigns/{CAMPAIGN}/countries/",
    f"/en/campaigns/{CAMPAIGN}/institutions/",
    "/en/countries/KE/",
    "/en/about/",
    "/en/privacy/",
)
TOPIC = Topic("a topic")
VERSION = (1,)


def answer(
    name: str, body: bytes = b"", version: caching.Version = VERSION, **different: Any
) -> CachedResponse:
    values = {
        "key": (name, "en", ()), "status": 200, "headers": [], "digest": "d", "bodies": {"": body},
    }  # fmt: skip
    return CachedResponse(version=version, **(values | different))


def known(max_bytes: int = 100_000, max_bytes_of_queries: int = 100_000) -> ResponseCache:
    """A cache that has just asked for the version."""
    cache = ResponseCache(max_bytes, max_bytes_of_queries)
    cache._versions, cache._next_poll = {TOPIC: 1}, float("inf")
    return cache


def fold() -> None:
    tallies.fold()
    jobs.commit()


@pytest.fixture
def apart(settings: Settings, app: Flask) -> Iterator[Flask]:
    """An application of its own, which further views can be added to, and which reads the version as in life."""
    apart = create_site(Settings(**(vars(settings) | {"testing": False})))
    yield apart
    with apart.app_context():
        db.engine.dispose()


def get(app: Flask, path: str, **headers: str) -> TestResponse:
    return app.test_client().get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})


# What a reader sees


@pytest.mark.parametrize("path", PAGES)
def test_pages_may_be_kept_for_a_moment(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["Cache-Control"] == (
        "public, max-age=5, stale-while-revalidate=10, stale-if-error=86400"
    )
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["ETag"]


def test_a_page_that_did_not_change_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get(FRONT)
    again = client.get(FRONT, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary", "Content-Security-Policy"):
        assert again.headers[name] == first.headers[name]


def test_a_fold_shows_at_once_and_changes_the_tag(client: FlaskClient) -> None:
    before = client.get(FRONT)
    confirmed()
    fold()

    after = client.get(FRONT, headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200
    assert "1 person has pledged" in Page(after).text


def test_the_tag_stays_where_a_fold_changes_nothing_to_be_seen(client: FlaskClient) -> None:
    tag = client.get("/en/countries/UG/").headers["ETag"]
    confirmed()
    fold()
    assert client.get("/en/countries/UG/", headers={"If-None-Match": tag}).status_code == 304


def test_demonstration_data_shows_before_any_fold(client: FlaskClient) -> None:
    assert not Page(client.get(FRONT)).all("p", class_="demo")
    pledges.add(2, now())
    jobs.commit()
    assert Page(client.get(FRONT)).all("p", class_="demo")


def test_every_language_has_its_own(client: FlaskClient) -> None:
    for _ in range(2):
        for tag in LANGUAGES:
            assert Page(client.get(f"/{tag}/")).one("html").get("lang") == tag


def test_a_query_that_means_nothing_leaves_no_trace(client: FlaskClient, app: Flask) -> None:
    plain = client.get(FRONT)
    kept = len(app.extensions["response_cache"])
    for number in range(5):
        assert client.get(f"{FRONT}?utm={number}&page=3").data == plain.data
    assert len(app.extensions["response_cache"]) == kept


def test_a_query_that_means_something_is_told_apart(client: FlaskClient) -> None:
    for number in range(101):
        confirmed(f"p{number}@example.org", institution=institution().id)
    fold()
    path = f"/en/campaigns/{CAMPAIGN}/institutions/"
    rows = [
        len(Page(client.get(f"{path}{query}")).one("tbody").all("tr"))
        for query in ("", "?page=2", "?page=1&page=2", "?page=2&x=y")
    ]
    assert rows == [100, 1, 100, 1]


@pytest.mark.parametrize(
    "path",
    [
        "institutions/?page=a1", "institutions/?page=", "institutions/?page=01", "institutions/?page=%D9%A2",
        "institutions/?page=+1", "institutions/?page=2", "institutions/?page=10000", "countries/?sort=%00",
        "countries/?sort=", "countries/?sort=Name", "text/01/", "text/0001/", "text/%D9%A1/", "text/00/",
    ],
)  # fmt: skip
def test_nothing_has_an_address_but_its_own(client: FlaskClient, app: Flask, path: str) -> None:
    kept = len(app.extensions["response_cache"])
    assert client.get(f"/en/campaigns/{CAMPAIGN}/{path}").status_code == 404
    assert len(app.extensions["response_cache"]) == kept


def test_what_is_not_there_is_not_kept(client: FlaskClient, app: Flask) -> None:
    kept = len(app.extensions["response_cache"])
    for code in ("XX", "QQ"):
        missing = client.get(f"/en/countries/{code}/")
        assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-cache")
    assert len(app.extensions["response_cache"]) == kept


def test_an_institution_that_comes_later_is_found(client: FlaskClient) -> None:
    id_ = institution().id
    jobs.rollback()
    assert client.get(f"/en/institutions/{id_}/").status_code == 404
    institution(id=id_)
    jobs.commit()
    assert client.get(f"/en/institutions/{id_}/").status_code == 200


# Codings


@pytest.mark.parametrize(
    ("accepted", "coding", "read"),
    [
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip", "gzip", gzip.decompress),
        ("br;q=0, gzip", "gzip", gzip.decompress),
        ("*", "br", brotli.decompress),
        ("", None, bytes),
        ("identity", None, bytes),
        ("zstd", None, bytes),
    ],
)
def test_the_coding_is_the_readers(
    client: FlaskClient, accepted: str, coding: str | None, read: Callable[[bytes], bytes]
) -> None:
    for _ in range(2):
        page = client.get(FRONT, headers={"Accept-Encoding": accepted})
        assert page.headers.get("Content-Encoding") == coding
        assert read(page.data).startswith(b"<!doctype html>")
        assert page.headers["Content-Length"] == str(len(page.data))
        assert page.headers["Vary"] == "Accept-Encoding"


def test_each_coding_has_its_own_tag(client: FlaskClient) -> None:
    """A strong tag names the bytes (RFC 9110, 8.8.3)."""
    tags = [
        client.get(FRONT, headers={"Accept-Encoding": coding}).headers["ETag"]
        for coding in ("br", "gzip", "")
    ]
    assert len(set(tags)) == 3


def test_head_says_what_get_would(client: FlaskClient) -> None:
    accepted = {"Accept-Encoding": "br"}
    head, page = client.head(FRONT, headers=accepted), client.get(FRONT, headers=accepted)
    assert (head.status_code, head.data) == (200, b"")
    assert dict(head.headers) == dict(page.headers)


# What it costs


def test_a_kept_page_asks_the_database_nothing(apart: Flask) -> None:
    with apart.app_context():
        get(apart, FRONT)
        apart.extensions["response_cache"]._next_poll = float("inf")
        with statements() as asked:
            for accepted in ("br", "gzip", ""):
                assert get(apart, FRONT, Accept_Encoding=accepted).status_code == 200
    assert asked == []


def test_the_version_is_asked_for_once_in_its_time(apart: Flask) -> None:
    with apart.app_context():
        get(apart, FRONT)
        apart.extensions["response_cache"]._next_poll = 0.0
        with statements() as asked:
            for _ in range(3):
                get(apart, FRONT)
    assert len([s for s in asked if "public_versions" in s]) == 1


def test_a_new_version_is_seen_when_its_time_comes(apart: Flask, committing: None) -> None:
    get(apart, FRONT)
    confirmed()
    fold()
    apart.extensions["response_cache"]._next_poll = 0.0
    assert "1 person has pledged" in Page(get(apart, FRONT)).text
    assert caching.VERSION_SECONDS <= 1


def test_many_who_ask_at_once_cause_one_computation(apart: Flask) -> None:
    made, started, go_on = count(1), Event(), Event()

    @apart.get("/slow")
    @anyone
    @cached()
    def slow() -> str:
        started.set()
        assert go_on.wait(10)
        return f"made {next(made)}"

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(get, apart, "/slow")]
        assert started.wait(10)
        asked += [threads.submit(get, apart, "/slow") for _ in range(7)]
        go_on.set()
        assert {answer.result(10).text for answer in asked} == {"made 1"}


def test_while_a_newer_one_is_made_the_others_get_the_one_before() -> None:
    cache, new = known(), (2,)
    old = cache.get(("x", "en", ()), [TOPIC], lambda version: answer("x", version=version))
    cache._versions = {TOPIC: 2}
    making, go_on = Barrier(2), Event()

    def make(version: caching.Version) -> CachedResponse:
        making.wait(10)
        go_on.wait(10)
        return answer("x", version=version)

    with ThreadPoolExecutor(1) as threads:
        newer = threads.submit(cache.get, old.key, [TOPIC], make)
        making.wait(10)
        assert cache.get(old.key, [TOPIC], make) is old
        go_on.set()
        assert newer.result(10).version == new


def test_one_made_long_before_is_shown_to_nobody() -> None:
    """Whom it shows may be unlisted or erased meanwhile."""
    cache = known()
    old = cache.get(("x", "en", ()), [TOPIC], lambda version: answer("x", version=version))
    old.made_at -= caching.SUPERSEDED_SECONDS
    cache._versions = {TOPIC: 2}
    making, go_on = Barrier(2), Event()

    def make(version: caching.Version) -> CachedResponse:
        making.wait(10)
        go_on.wait(10)
        return answer("x", version=version)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(cache.get, old.key, [TOPIC], make)
        making.wait(10)
        second = threads.submit(cache.get, old.key, [TOPIC], make)
        wait([second], timeout=0.2)  # time enough to get the old one
        go_on.set()
        assert second.result(10) is first.result(10) is not old


def test_who_fails_does_not_keep_the_others_waiting(apart: Flask) -> None:
    tries = count(1)

    @apart.get("/once-broken")
    @anyone
    @cached()
    def once_broken() -> str:
        return abort(503) if next(tries) == 1 else "well"

    assert [get(apart, "/once-broken").status_code for _ in range(2)] == [503, 200]


def test_while_the_database_is_away_what_is_known_is_shown(
    apart: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = get(apart, FRONT)

    def away() -> caching.Versions:
        raise SQLAlchemyError

    monkeypatch.setattr(topics, "versions", away)
    apart.extensions["response_cache"]._next_poll = 0.0
    assert get(apart, FRONT).data == before.data


def test_while_the_database_is_away_an_outdated_response_is_better_than_an_error(
    app: Flask,
) -> None:
    """The version was read, then the server went away: what others were shown a moment ago is shown again."""
    cache = known()
    old = cache.get(("x", "en", ()), [TOPIC], lambda version: answer("x", version=version))
    cache._versions = {TOPIC: 2}

    def fail(_version: caching.Version) -> CachedResponse:
        raise OperationalError("SELECT", {}, Exception("the server is away"))

    with app.app_context():
        assert cache.get(old.key, [TOPIC], fail) is old
        old.made_at -= caching.STALE_IF_ERROR
        with pytest.raises(OperationalError):
            cache.get(old.key, [TOPIC], fail)
        with pytest.raises(OperationalError):
            cache.get(("y", "en", ()), [TOPIC], fail)


# Bounds


def test_the_memory_is_bounded_and_the_oldest_go_first() -> None:
    cache = known(max_bytes=10 * (caching.ENTRY_BYTES + 1010))
    for number in range(20):
        cache.get(("first", "en", ()), [TOPIC], lambda _: answer("first", b"x" * 1000))
        name = str(number)
        cache.get((name, "en", ()), [TOPIC], lambda _, name=name: answer(name, b"x" * 1000))

    assert len(cache) == 10
    size, oldest_first = cache.size, [cache._responses.popitem() for _ in range(10)]
    assert [key for (key, *_), _ in oldest_first] == [*map(str, range(11, 19)), "first", "19"]
    assert size == sum(response.size for _, response in oldest_first)


def test_what_is_asked_with_a_query_displaces_no_page() -> None:
    cache = known(max_bytes_of_queries=10 * (caching.ENTRY_BYTES + 1010))
    cache.get(("page", "en", ()), [TOPIC], lambda _: answer("page"))
    cache.get(
        ("list", "en", (None,)), [TOPIC], lambda _: answer("list", key=("list", "en", (None,)))
    )
    for number in range(1_000):
        key = ("list", "en", (str(number),))
        cache.get(key, [TOPIC], lambda _, key=key: answer("", b"x" * 1000, key=key))

    assert [*cache._responses] == [("page", "en", ()), ("list", "en", (None,))]
    assert [values for _, _, values in cache._with_query] == [(str(n),) for n in range(990, 1_000)]


FLOODS = (
    "signatories?q=name{}", "signatories?limit={}", "days?since=1{:03}-01-01", "days?until=2{:03}-12-31",
    "tallies/country?limit={}", "tallies/country?limit=+{}", "tallies/country?limit=0{}",
)  # fmt: skip


@pytest.mark.parametrize("flood", FLOODS)
def test_reads_under_odd_parameters_leave_the_pages_where_they_are(
    apart: Flask, flood: str
) -> None:
    """The kind: addresses without number, under which answers are kept that will never be read again.

    The space for queries has room for some twenty of these, all others together for some forty.
    """
    cache = ResponseCache(120_000, 60_000)
    apart.extensions["response_cache"] = cache
    with apart.app_context():
        get(apart, FRONT)
        cache._next_poll = float("inf")
        for number in range(1, 101):
            path = f"/api/v1/campaigns/{CAMPAIGN}/{flood.format(number)}"
            assert get(apart, path).status_code == 200
        with statements() as asked:
            assert get(apart, FRONT).status_code == 200
    assert asked == []
    assert len(cache) < 100


def test_a_language_has_one_address_however_it_is_spelled(client: FlaskClient, app: Flask) -> None:
    cache = app.extensions["response_cache"]
    paths = (
        "campaigns", f"campaigns/{CAMPAIGN}", "countries", "countries/KE", "regions", "regions/014",
        f"campaigns/{CAMPAIGN}/tallies/country", f"campaigns/{CAMPAIGN}/signatories",
    )  # fmt: skip
    for path in paths:
        known = {client.get(f"/api/v1/{path}{lang}").data for lang in ("", "?lang=fr")}
        kept = len(cache)
        for lang in ("en", "en-GB", "fr-CA", "FR", "fr-abc", "fr-FR-x1", "fr-Latn-FR", "tlh"):
            assert client.get(f"/api/v1/{path}?lang={lang}").data in known
        assert len(cache) == kept, path


def test_further_codings_count(client: FlaskClient, app: Flask) -> None:
    cache = app.extensions["response_cache"]
    for coding in ("br", "gzip", "", "br"):
        client.get(FRONT, headers={"Accept-Encoding": coding})
        client.get("/en/about/", headers={"Accept-Encoding": coding})
    assert cache.size == sum(kept.size for kept in cache._responses.values())


def test_a_giant_is_answered_and_not_kept() -> None:
    cache = known(max_bytes=100_000_000)
    giant = answer("giant", b"x" * caching.MAX_BYTES_OF_ONE)
    assert cache.get(giant.key, [TOPIC], lambda _: giant) is giant
    assert len(cache) == 0


def test_nothing_is_kept_for_longer_than_names_stay_the_same() -> None:
    old = answer("x")
    assert old.is_current(VERSION)
    old.made_at -= caching.LONGEST_SECONDS
    assert not old.is_current(VERSION)


# What a view may say itself


def test_a_view_keeps_its_own_headers(apart: Flask) -> None:
    @apart.get("/own")
    @anyone
    @cached("a", max_age=60)
    def own() -> Response:
        response = Response(request.query_string and str(dict(request.args)), mimetype="text/plain")
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    for _ in range(2):
        answer = get(apart, "/own?a=1&b=2&a=3")
        assert answer.text == "{'a': '1'}"
        assert answer.headers.getlist("Content-Security-Policy") == ["default-src 'none'"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "max-age=60, stale-while-revalidate=120," in answer.headers["Cache-Control"]


# What it follows


def test_a_renamed_institution_is_shown_at_once(client: FlaskClient) -> None:
    """Its name changes with the registry, without any tally."""
    university = institution(name="University of Before")
    jobs.commit()
    assert "University of Before" in Page(client.get(f"/en/institutions/{university.id}/")).text

    renamed = update(Institution).where(Institution.id == university.id)
    db.session.execute(renamed.values(name="University of After"))
    topics.raise_version(REGISTRY)
    jobs.commit()
    assert "University of After" in Page(client.get(f"/en/institutions/{university.id}/")).text


def test_a_response_follows_only_the_topics_that_it_names(apart: Flask) -> None:
    made = count(1)

    @apart.get("/follows")
    @anyone
    @cached(follows=[TEXTS])
    def follows() -> str:
        return f"made {next(made)}"

    def after(raised: Topic) -> str:
        cache = apart.extensions["response_cache"]
        cache._versions = {**cache._versions, raised: cache._versions[raised] + 1}
        cache._next_poll = float("inf")
        return get(apart, "/follows").text

    assert get(apart, "/follows").text == "made 1"
    assert after(REGISTRY) == "made 1"
    assert after(TEXTS) == "made 2"


def test_a_version_that_is_rolled_back_was_never_raised(session: object) -> None:
    before = topics.versions()
    topics.raise_version(TEXTS)
    assert topics.versions()[TEXTS] == before[TEXTS] + 1
    jobs.rollback()
    assert topics.versions() == before


def test_an_import_that_changes_something_raises_the_registry(
    session: object, tmp_path: Path
) -> None:
    dump = write_json(tmp_path / "dump.json", [record()])
    before = topics.versions()[REGISTRY]
    import_dump(dump)
    assert topics.versions()[REGISTRY] == before + 1
    import_dump(dump)
    assert topics.versions()[REGISTRY] == before + 1


def test_the_version_is_raised_for_every_topic_of_the_product() -> None:
    assert topics.registered() == (
        "demo",
        "details",
        "milestones",
        "registry",
        "tallies",
        "texts",
    )


def test_requests_count_only_where_a_response_is_made(apart: Flask) -> None:
    @apart.get("/costly")
    @anyone
    @cached("n", limit="2 per minute")
    def costly() -> str:
        return "made"

    paths = ("/costly?n=1", "/costly?n=2", "/costly?n=1", "/costly?n=3", "/costly?n=2")
    assert [get(apart, path).status_code for path in paths] == [200, 200, 200, 429, 200]
