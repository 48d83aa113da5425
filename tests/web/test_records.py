"""The page of the published numbers, the files behind it, and the receipt on a person's own pages."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign import jobs
from campaign.campaigns.queries import current_text
from campaign.http.pledge_flow import THANKS
from campaign.i18n import offered
from campaign.paths import VERIFIER
from campaign.pledges import operations as pledges
from campaign.pledges.emails import MINE
from campaign.pledges.models import Pledge
from campaign.records import package, queries
from campaign.records.listing import receipt
from campaign.records.package import FILES
from tests.factories import CAMPAIGN, confirmed, context, institution, policy, submitted
from tests.records.publishing import DAY, NOON, publish
from tests.web.browsing import open_page

NUMBERS = "/en/numbers/"
BUNDLE = f"/data/lightup-{DAY}.zip"


@pytest.fixture(autouse=True)
def folder(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for the datasets of each test."""
    settings = replace(app.config["SETTINGS"], data_folder=str(tmp_path))
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    return tmp_path


@pytest.fixture
def pledge(client: FlaskClient, folder: Path) -> Pledge:
    """A pledge that is in the published list."""
    pledge = submitted(institution=institution(name="Example University").id)
    pledges.confirm(policy(), pledge.id, pledge.submission, NOON)
    publish(folder)
    jobs.commit()
    return pledge


def receipt_of(pledge: Pledge) -> str:
    return receipt(policy().signer, pledge.id)


def test_before_the_first_night_the_page_says_so(client: FlaskClient) -> None:
    page = open_page(client, NUMBERS)

    assert "Nothing has been published yet" in page.text
    assert page.all("form") == []
    assert client.get("/data/latest.zip", buffered=True).status_code == 404


def test_the_page_shows_the_days_with_their_digests(client: FlaskClient, pledge: Pledge) -> None:
    page = open_page(client, NUMBERS)

    record = queries.newest(pledge.campaign_id)
    assert record is not None
    assert record.digest in page.text
    cells = [cell.text for cell in page.all("tr")[1].all("th", "td")]
    assert cells == ["November 21, 2026", "1", "0", f"{record.digest[:8]}…"]
    assert {a.get("href") for a in page.all("a")} >= {f"/data/{name}" for name in FILES}


def test_a_receipt_is_found(client: FlaskClient, pledge: Pledge) -> None:
    page = open_page(client, f"{NUMBERS}?receipt={receipt_of(pledge)}")

    text = current_text(CAMPAIGN, "en")
    assert text is not None
    for words in ("Yes.", text.title, "Kenya", "Example University", "November 21, 2026"):
        assert words in page.text


def test_it_may_be_typed_in_groups_and_capitals(client: FlaskClient, pledge: Pledge) -> None:
    typed = " ".join(receipt_of(pledge)[i : i + 4].upper() for i in range(0, 32, 4))

    assert "Yes." in open_page(client, f"{NUMBERS}?receipt={typed}").text


def test_a_receipt_of_nobody_is_answered_calmly(client: FlaskClient, pledge: Pledge) -> None:
    page = open_page(client, f"{NUMBERS}?receipt={'0' * 32}")

    assert page.status == 200
    assert "This receipt is not in the list of November 21, 2026" in page.text


@pytest.mark.parametrize(
    "typed", ["x", "0" * 31, "0" * 33, "<b>", "é" * 32, "%00" * 32, "a" * 5000]
)
def test_what_is_no_receipt_is_told(client: FlaskClient, pledge: Pledge, typed: str) -> None:
    page = open_page(client, f"{NUMBERS}?receipt={typed}")

    assert page.status == 200
    assert "A receipt has 32 characters" in page.one("p", class_="error").text


def test_a_pledge_confirmed_since_is_not_yet_in_the_list(
    client: FlaskClient, pledge: Pledge
) -> None:
    new = confirmed("new@example.org")

    page = open_page(client, f"{NUMBERS}?receipt={receipt_of(new)}")

    assert "is not in the list" in page.text


def test_the_answer_has_no_place_in_search_engines(client: FlaskClient, pledge: Pledge) -> None:
    page = open_page(client, f"{NUMBERS}?receipt={receipt_of(pledge)}")

    assert [m.get("content") for m in page.all("meta", name="robots")] == ["noindex"]
    assert open_page(client, NUMBERS).all("meta", name="robots") == []


def test_the_page_speaks_all_languages(client: FlaskClient, pledge: Pledge) -> None:
    for tag in offered():
        page = open_page(client, f"/{tag}/numbers/?receipt={receipt_of(pledge)}")
        assert (page.status, page.one("html").get("lang")) == (200, tag)


def test_the_own_page_shows_the_receipt(client: FlaskClient, pledge: Pledge) -> None:
    page = open_page(client, f"/en/my/{policy().signer.sign(MINE, str(pledge.person_id))}/")

    assert page.one("code").text == receipt_of(pledge)
    assert page.all("a", href=f"{NUMBERS}?receipt={receipt_of(pledge)}")


def test_the_page_of_thanks_shows_the_receipt(client: FlaskClient, pledge: Pledge) -> None:
    page = open_page(client, f"/en/pledges/thanks/{policy().signer.sign(THANKS, str(pledge.id))}/")

    assert page.one("code").text == receipt_of(pledge)


def test_a_pledge_that_does_not_count_has_no_receipt(client: FlaskClient) -> None:
    held = confirmed(context=context(honeypot_filled=True))

    for path in (
        f"/en/my/{policy().signer.sign(MINE, str(held.person_id))}/",
        f"/en/pledges/thanks/{policy().signer.sign(THANKS, str(held.id))}/",
    ):
        assert open_page(client, path).all("code") == []


@pytest.mark.parametrize("name", [*FILES, queries.LATEST, package.bundle_name(DAY), "verify.py"])
def test_every_file_is_for_everyone(client: FlaskClient, pledge: Pledge, name: str) -> None:
    answer = client.get(f"/data/{name}", headers={"Accept-Encoding": "br, gzip"}, buffered=True)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"].startswith("public, ")
    assert "Content-Encoding" not in answer.headers
    again = client.get(
        f"/data/{name}", headers={"If-None-Match": answer.headers["ETag"]}, buffered=True
    )
    assert again.status_code == 304


def test_a_part_of_a_file_can_be_asked_for(
    client: FlaskClient, pledge: Pledge, folder: Path
) -> None:
    whole = (folder / str(DAY) / package.bundle_name(DAY)).read_bytes()

    answer = client.get(BUNDLE, headers={"Range": "bytes=100-199"}, buffered=True)

    assert (answer.status_code, answer.data) == (206, whole[100:200])
    assert answer.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"


def test_the_latest_is_the_newest_and_older_bundles_stay(
    client: FlaskClient, pledge: Pledge, folder: Path
) -> None:
    tomorrow = DAY + timedelta(days=1)
    before = client.get(BUNDLE, buffered=True).data
    publish(folder, tomorrow)

    latest = client.get("/data/latest.zip", buffered=True)

    assert f"lightup-{tomorrow}.zip" in latest.headers["Content-Disposition"]
    assert latest.data == client.get(f"/data/lightup-{tomorrow}.zip", buffered=True).data != before
    assert client.get(BUNDLE, buffered=True).data == before
    assert "immutable" in client.get(BUNDLE, buffered=True).headers["Cache-Control"]


def test_the_program_is_the_one_in_the_documents(client: FlaskClient) -> None:
    assert client.get("/data/verify.py", buffered=True).data == VERIFIER.read_bytes()


@pytest.mark.parametrize(
    "name", ["nothing.csv", "lightup-2020-01-01.zip", "..%2f..%2fetc%2fpasswd", ".2026-11-21", "2026-11-21"]
)  # fmt: skip
def test_nothing_else_is_there(client: FlaskClient, pledge: Pledge, name: str) -> None:
    assert client.get(f"/data/{name}", buffered=True).status_code == 404


def test_the_folder_leads_to_the_page(client: FlaskClient) -> None:
    answer = client.get("/data/", headers={"Accept-Language": "fr"}, buffered=True)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/fr/numbers/#data")
