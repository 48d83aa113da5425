"""What protects every answer: headers, refused cross-site posts, no cookie, limits, calm crashes."""

import socket
import time
from collections.abc import Callable, Iterator

import limits
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign import jobs
from campaign.app import create_site
from campaign.config import Settings
from campaign.db import db
from campaign.http import pledge_flow, rate_limits
from campaign.http.access import LINK_HOLDER
from campaign.http.rate_limits import InMemoryFixedWindows, network_of
from campaign.pledges.certificates import number_of
from campaign.pledges.emails import CONFIRM, MINE, SENT, code_of
from campaign.pledges.models import Pledge
from campaign.tokens import Signer
from tests.factories import CAMPAIGN, confirmed, form_fields, policy, submitted
from tests.ports import free_port
from tests.web.browsing import FORM_PATH, Page, form_token, letter_text, open_page

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
# One of each kind of answer: method, path, status.
ANSWERS = [
    ("GET", "/", 302),
    ("GET", "/health", 200),
    ("GET", "/en/", 200),
    ("GET", "/en", 308),
    ("GET", f"/en/campaigns/{CAMPAIGN}/", 200),
    ("GET", "/en/countries/ke/", 301),
    ("GET", "/en/nowhere", 404),
    ("GET", "/static/css/site.css", 200),
    ("GET", "/static/nowhere.css", 404),
    ("GET", "/en/institutions/search?q=a", 200),
    ("GET", "/en/my/forged/", 404),
    ("POST", FORM_PATH, 400),
    ("POST", "/en/my/", 422),
    ("POST", "/en/about/", 405),
    ("OPTIONS", FORM_PATH, 200),
    ("HEAD", "/en/", 200),
    ("TRACE", "/en/", 405),
]
Make = Callable[..., FlaskClient]


@pytest.fixture
def make(settings: Settings, app: Flask) -> Iterator[Make]:
    """Clients of further applications on the same database, as an operator would have set them up."""
    made = []

    def make_client(**different: object) -> FlaskClient:
        other = create_site(Settings(**(vars(settings) | {"testing": False} | different)))
        made.append(other)
        return other.test_client()

    yield make_client
    for other in made:
        with other.app_context():
            db.engine.dispose()


def use_up_limits(site: FlaskClient) -> None:
    """Count, for whoever has asked so far, as many requests as a minute allows."""
    for _, counted in site.application.extensions["limiter"]._windows.values():
        for who in counted:
            counted[who] += 5_000


# Headers


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_is_protected(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    with client.open(path, method=method) as answer:
        assert answer.status_code == status
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "Cache-Control" in answer.headers


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_no_answer_sets_a_cookie(client: FlaskClient, method: str, path: str, status: int) -> None:
    with client.open(path, method=method) as answer:
        assert "Set-Cookie" not in answer.headers
        assert "Server" not in answer.headers


def test_strict_transport_is_asked_for_only_where_there_is_one(make: Make) -> None:
    name = "Strict-Transport-Security"
    assert name not in make(site_url="http://example.org").get("/en/about/").headers
    safe = make(site_url="https://example.org").get("/en/about/")
    assert safe.headers[name] == "max-age=31536000; includeSubDomains"


def test_static_files_are_kept_for_a_year_under_their_hash(client: FlaskClient) -> None:
    page = open_page(client, "/en/")
    addresses = [e.get("href") for e in page.all("link") if "/static/" in e.get("href")]
    addresses += [e.get("src") for e in page.all("img", "script")]

    assert len(addresses) >= 3
    for address in addresses:
        with client.get(address) as answer:
            assert "?v=" in address
            assert answer.headers["Cache-Control"] == "public, max-age=31536000"


def test_pages_that_nobody_shares_are_asked_for_again(client: FlaskClient) -> None:
    assert client.get(FORM_PATH).headers["Cache-Control"] == "no-cache"


def test_what_was_posted_is_not_kept(client: FlaskClient) -> None:
    assert client.post("/en/my/").headers["Cache-Control"] == "no-store"


# Pages behind a link


def link_holders(app: Flask) -> list[tuple[str, str]]:
    """Method and path of everything that takes a token."""
    return [
        (method, rule.rule.replace("<locale>", "en").replace("<uuid:pledge_id>", "{id}"))
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "access", "") == LINK_HOLDER
        for method in (rule.methods or set()) - {"OPTIONS"}
    ]


def assert_private(client: FlaskClient, method: str, path: str) -> int:
    answer = client.open(path, method=method)
    assert answer.headers["Cache-Control"] == "no-store", path
    assert answer.headers["X-Robots-Tag"] == "noindex", path
    return answer.status_code


def test_what_a_link_shows_is_stored_and_indexed_nowhere(client: FlaskClient, app: Flask) -> None:
    pledge = submitted()
    purposes = {"confirm": CONFIRM, "not-me": CONFIRM, "sent": SENT, "thanks": "thanks-page"}
    ids = {"sent": str(pledge.submission), "/my/": str(pledge.person_id)}
    jobs.commit()

    for method, path in link_holders(app):
        part = next((p for p in purposes if p in path), "/my/")
        token = policy().signer.sign(purposes.get(part, MINE), ids.get(part, str(pledge.id)))
        assert_private(
            client, method, path.replace("<token>", token).replace("{id}", str(pledge.id))
        )


def test_what_a_number_or_a_receipt_shows_is_stored_and_indexed_nowhere(
    client: FlaskClient,
) -> None:
    number = number_of(policy().signer, confirmed().id)
    jobs.commit()

    for path in (f"/en/verify/{number}/", "/en/verify/none/", f"/en/numbers/?receipt={'0' * 32}"):
        assert_private(client, "GET", path)
    assert client.get("/en/numbers/").headers["Cache-Control"] == "no-cache"


def test_that_a_link_is_wrong_is_stored_and_indexed_nowhere(
    client: FlaskClient, app: Flask
) -> None:
    id_ = "00000000-0000-4000-8000-000000000000"
    for method, path in link_holders(app):
        wrong = path.replace("<token>", "forged").replace("{id}", id_)
        assert assert_private(client, method, wrong) == 404


def test_a_page_behind_a_link_tells_search_engines_so(client: FlaskClient) -> None:
    token = policy().signer.sign(MINE, str(confirmed().person_id))
    jobs.commit()
    page = open_page(client, f"/en/my/{token}/")
    assert page.one("meta", name="robots").get("content") == "noindex"
    assert not page.all("link", rel="canonical")


def test_a_page_behind_a_link_fetches_nothing_from_elsewhere(client: FlaskClient) -> None:
    """Neither a picture nor a script of another site would get the link, but it would get the reader's address."""
    token = policy().signer.sign(MINE, str(confirmed().person_id))
    jobs.commit()
    page = open_page(client, f"/en/my/{token}/")
    fetched = [e.get("src") for e in page.all("img", "script")]
    fetched += [e.get("href") for e in page.all("link") if e.get("rel") != "alternate"]
    assert not [address for address in fetched if not address.startswith("/static/")]


# Posts from elsewhere


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 422),
        ({"Sec-Fetch-Site": "none"}, 422),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://localhost"}, 422),
        ({"Origin": "https://localhost"}, 422),  # behind a proxy that speaks TLS for us
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "http://evil.example/localhost"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 422),
    ],
)
def test_posts_are_taken_from_our_own_pages_only(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    assert client.post("/en/my/", headers=headers).status_code == status


def test_a_refused_post_changes_nothing_and_is_told_calmly(client: FlaskClient) -> None:
    fields = form_fields(form_token())
    answer = client.post(
        FORM_PATH.replace("/en/", "/ar/"), data=fields, headers={"Sec-Fetch-Site": "cross-site"}
    )
    page = Page(answer)
    assert (page.status, page.one("html").get("lang")) == (403, "ar")
    assert db.session.scalar(select(Pledge)) is None


# The address under which we are reached


def test_a_host_that_is_not_ours_is_refused(client: FlaskClient) -> None:
    for answer in (
        client.get("/en/about/", headers={"Host": "evil.example"}),
        client.post(FORM_PATH, data=form_fields(form_token()), headers={"Host": "evil.example"}),
    ):
        assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert db.session.scalar(select(Pledge)) is None


def test_further_hosts_are_a_setting(make: Make) -> None:
    site = make(other_hosts=("www.example.org",))
    for host, status in (("www.example.org", 200), ("example.org", 400), ("127.0.0.1:8000", 200)):
        assert site.get("/en/about/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "Forwarded"])
def test_a_host_header_has_no_say_in_what_we_mail_and_link(
    client: FlaskClient, header: str
) -> None:
    value = "host=evil.example" if header == "Forwarded" else "evil.example"
    answer = client.post(FORM_PATH, data=form_fields(form_token()), headers={header: value})
    page = open_page(client, "/en/about/", headers={header: value})

    assert answer.headers["Location"].startswith("/en/")
    assert "evil.example" not in letter_text("wanjiru@example.org") + page.html


def test_forwarded_addresses_count_only_behind_a_trusted_proxy(make: Make) -> None:
    path = "/en/institutions/proposals?domain="
    for proxies, status in ((0, 429), (1, 200)):
        site = make(trusted_proxies=proxies)
        site.get(path, headers={"X-Forwarded-For": "203.0.113.7"})
        use_up_limits(site)
        elsewhere = site.get(path, headers={"X-Forwarded-For": "203.0.113.8"})
        assert elsewhere.status_code == status


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_what_counts_as_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_network_is_kept_as_a_keyed_hash_only(client: FlaskClient) -> None:
    environ = {"REMOTE_ADDR": "203.0.113.7"}
    client.post(FORM_PATH, data=form_fields(form_token()), environ_overrides=environ)
    kept = db.session.scalars(select(Pledge)).one().network_hash
    assert kept == policy().signer.fingerprint("network", "203.0.113.7")


# Limits


def test_too_many_codes_are_asked_to_wait_in_the_language_of_the_reader(
    client: FlaskClient,
) -> None:
    apart = {"REMOTE_ADDR": "203.0.113.99"}
    path, limiter = "/fr/pledges/sent/forged/", client.application.extensions["limiter"]
    limiter._windows.clear()
    assert client.post(path, environ_overrides=apart).status_code == 404
    use_up_limits(client)

    answer = client.post(path, environ_overrides=apart)
    limiter._windows.clear()

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert Page(answer).one("html").get("lang") == "fr"


def test_a_network_that_tried_too_many_wrong_codes_tries_no_right_one(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a few wrong guesses at each of many pledges would confirm one of them in the end."""
    monkeypatch.setattr(pledge_flow, "WRONG_CODE_LIMIT", "3 per hour")
    pledges = [submitted(f"p{number}@example.org") for number in range(4)]
    jobs.commit()
    apart = {"REMOTE_ADDR": "203.0.113.98"}

    def enter(pledge: Pledge, code: str, environ: dict[str, str] = apart) -> int:
        path = f"/en/pledges/sent/{policy().signer.sign(SENT, str(pledge.submission))}/"
        return client.post(path, data={"code": code}, environ_overrides=environ).status_code

    right = code_of(policy().signer, pledges[3].id)
    assert [enter(pledge, "12345") for pledge in pledges[:3]] == [422] * 3
    assert enter(pledges[3], right) == 429
    assert enter(pledges[3], right, {"REMOTE_ADDR": "203.0.113.97"}) == 303


@pytest.mark.parametrize(
    ("address", "status"),
    [("2001:db8:1:2:ffff::1", 429), ("2001:db8:1:3::1", 200), ("203.0.113.99", 200)],
)
def test_a_network_counts_as_one_however_many_addresses_it_has(
    make: Make, address: str, status: int
) -> None:
    site, path = make(), "/en/institutions/proposals?domain="
    site.get(path, environ_overrides={"REMOTE_ADDR": "2001:db8:1:2::1"})
    use_up_limits(site)
    answer = site.get(path, environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == status


def test_a_window_ends_with_its_minute_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limiter, twice = InMemoryFixedWindows(), limits.parse("2 per minute")
    monkeypatch.setattr(rate_limits.time, "monotonic", lambda: 7.0)
    assert [limiter.hit(twice, "form", who) for who in "aaab"] == [True, True, False, True]
    assert limiter.hit(twice, "search", "a")

    monkeypatch.setattr(rate_limits.time, "monotonic", lambda: 66.9)
    assert not limiter.hit(twice, "form", "a")
    monkeypatch.setattr(rate_limits.time, "monotonic", lambda: 67.0)
    assert limiter.hit(twice, "form", "a")
    assert [len(counted) for _, counted in limiter._windows.values()] == [1]


def test_without_the_shared_store_each_process_counts_for_itself(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """One is away, the other accepts and never says a word: each costs one short wait, and one line in the log."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (free_port(), silent.getsockname()[1]):
            caplog.clear()
            site = make(limiter_url=f"redis://127.0.0.1:{port}/0")
            started = time.monotonic()
            for _ in range(3):
                assert site.get("/en/institutions/proposals?domain=").status_code == 200
            assert time.monotonic() - started < 3
            assert caplog.text.count("counted by each process") == 1


def test_two_forms_share_no_budget(make: Make) -> None:
    """The page and the frame call their views alike: "enter_code"."""
    site = make()
    page = "/en/pledges/sent/forged/"
    frame = "/embed/en/sent/forged?institution=02y9nww90"
    assert site.post(page).status_code == 404
    use_up_limits(site)

    assert site.post(page).status_code == 429
    assert site.post(frame).status_code == 404


def test_whoever_reads_what_is_kept_is_never_asked_to_wait(make: Make) -> None:
    site, kept = make(), f"/en/campaigns/{CAMPAIGN}/institutions/"
    assert site.get(kept).status_code == 200
    use_up_limits(site)
    assert site.get(kept).status_code == 200
    assert site.get(kept.replace("/en/", "/fr/")).status_code == 429


# Crashes


def test_a_crash_shows_a_calm_page_and_no_trace(make: Make) -> None:
    """The database is away: nothing works, and the page that says so must not need it."""
    nowhere = "postgresql+psycopg://localhost:1/nothing?connect_timeout=2"
    page = Page(make(database_url=nowhere).get("/ar/"))

    assert (page.status, page.one("html").get("lang")) == (500, "ar")
    assert {name: page.headers.get(name) for name in HEADERS} == HEADERS
    for secret in ("Traceback", "psycopg", "localhost:1", "File "):
        assert secret not in page.html


def test_a_crash_leaves_no_link_in_the_log(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = "postgresql+psycopg://localhost:1/nothing?connect_timeout=2"
    token = Signer("x" * 32).sign(MINE, "00000000-0000-4000-8000-000000000000")
    answer = make(database_url=nowhere, secret_key="x" * 32).get(f"/en/my/{token}/")

    assert answer.status_code == 500
    assert "unexpected error at" in caplog.text
    assert token not in caplog.text
