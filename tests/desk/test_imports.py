"""Imports at the desk, from the file to the undoing; files that are attacks are refused in words."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from campaign import tasks
from campaign.clock import now
from campaign.db import db
from campaign.people import importing
from campaign.people.models import Supporter, SupporterImport
from campaign.staff.rules import Role
from campaign.staff.scopes import EVERYTHING, enclose
from tests.desk.conftest import Desk

SignIn = Callable[..., Desk]
TABLE = b"E-mail,Name,Country\na@example.org,Ada,Kenya\nb@example.org,Ben,Germny\nno address,Eve,\n"
CONSENT = {"consent_source": "a fair", "consent_on": "2024-03-01"}


def upload(browser: Desk, content: bytes, name: str = "table.csv") -> TestResponse:
    data = {"file": (io.BytesIO(content), name), "locale": "en"}
    return browser.post("/people/imports/", data=data, content_type="multipart/form-data")


def work() -> None:
    """Do what the worker does."""
    tasks.run(now)
    enclose(EVERYTHING)


@pytest.fixture
def browser(sign_in: SignIn) -> Desk:
    return sign_in(Role.ADMINISTRATOR)


@pytest.fixture
def checked(browser: Desk) -> str:
    """The address of an import whose rows are checked."""
    address = upload(browser, TABLE).location
    columns = {"column-0": "email", "column-1": "name", "column-2": "country"}
    assert browser.post(f"{address}columns/", data={**columns, **CONSENT}).status_code == 303
    work()
    return address


def test_the_columns_of_a_file_are_guessed_and_shown_with_values(browser: Desk) -> None:
    answer = upload(browser, TABLE)
    page = browser.get(answer.location).text
    assert page.count(" selected>") == 3
    assert "a@example.org" in page
    assert "3 rows were read" in page


def test_a_large_file_is_taken_here_and_nowhere_else(browser: Desk) -> None:
    lines = b"".join(b"a%d@example.org,%s\n" % (number, b"x" * 90) for number in range(3500))
    assert len(lines) > 300_000
    assert upload(browser, b"E-mail,Name\n" + lines).status_code == 303
    assert browser.post("/people/", data={"who": "x" * 300_000}).status_code == 413


def bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (300 << 20))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (bomb(), "too large"),
        (b"PK\x03\x04 and nothing behind it", "damaged"),
        (b"\x89PNG\r\n\0\0", "Only CSV and XLSX"),
        (b"E-mail,Name\n", "no rows below"),
    ],
    ids=["bomb", "damaged", "picture", "empty"],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(
    browser: Desk, content: bytes, sentence: str
) -> None:
    answer = upload(browser, content)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert importing.recent() == []


def test_a_form_without_a_file(browser: Desk) -> None:
    assert browser.post("/people/imports/", data={"locale": "en"}).status_code == 422


@pytest.mark.parametrize(
    "different", [{"column-0": ""}, {"column-1": "email"}, {"consent_on": ""}, {"consent_on": "2999-01-01"}]
)  # fmt: skip
def test_a_mapping_that_cannot_be_is_shown_again(browser: Desk, different: dict[str, str]) -> None:
    address = upload(browser, TABLE).location
    values = {"column-0": "email", "column-1": "name", **CONSENT, **different}
    answer = browser.post(f"{address}columns/", data=values)
    assert answer.status_code == 422
    assert 'value="a fair"' in answer.text


def test_the_dry_run_is_a_sum_whose_parts_can_be_opened(browser: Desk, checked: str) -> None:
    page = browser.get(checked).text
    assert "Bring in 1 person" in page
    assert "a country that we cannot read: “<bdi>Germny</bdi>”" in page
    assert '<option value="DE">Germany' in page
    report = browser.get(f"{checked}report.csv", buffered=True)
    assert report.mimetype == "text/csv"
    assert '"3","undecided","country"' in report.text


def test_rows_are_decided_and_checked_again(browser: Desk, checked: str) -> None:
    decided = {"problem": "country", "cell": "Germny", "value": "DE"}
    assert browser.post(f"{checked}decide/", data=decided).status_code == 303
    work()
    assert "Bring in 2 people" in browser.get(checked).text


def test_a_decision_that_is_none_changes_nothing(browser: Desk, checked: str) -> None:
    for problem, value in (("country", "XX"), ("address", "KE"), ("nothing", "KE")):
        decided = {"problem": problem, "cell": "Germny", "value": value}
        assert browser.post(f"{checked}decide/", data=decided).status_code == 303
    assert db.session.scalars(select(SupporterImport.decisions)).one() == {}


def test_supporters_are_brought_in_and_taken_out_again(browser: Desk, checked: str) -> None:
    task = browser.post(f"{checked}start/").location
    work()
    page = browser.get(task).text
    assert "Rows of the file" in page
    assert db.session.scalars(select(Supporter.name)).all() == ["Ada"]
    assert browser.post(f"{checked}start/").location == checked  # a second click
    assert browser.post(f"{task}undo/").status_code == 303
    work()
    assert db.session.scalars(select(Supporter)).all() == []


def test_today_says_which_files_wait(browser: Desk, checked: str) -> None:
    assert "1 file of supporters is not brought in yet." in browser.get("/").text
    browser.post(f"{checked}start/")
    assert "supporters is not brought in" not in browser.get("/").text


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.COORDINATOR, Role.ANALYST])
def test_others_import_nobody(sign_in: SignIn, checked: str, role: Role) -> None:
    other: Any = sign_in(role)
    for path in ("/people/imports/", checked, f"{checked}report.csv"):
        assert other.get(path).status_code == 403
    assert other.post(f"{checked}start/").status_code == 403
