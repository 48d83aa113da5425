"""Lists in pages and as files, and what need not be sent again."""

import csv
import io
import json
import re

import pytest
from flask.testing import FlaskClient

from campaign import jobs
from tests.api.reading import HERE, World, fold, problem, read
from tests.factories import confirmed, institution, policy


def test_pages_lead_through_the_whole_list(client: FlaskClient, session: object) -> None:
    for number in range(5):
        confirmed(f"p{number}@example.org", name=f"Person {number}")
    jobs.commit()
    names, address = [], f"{HERE}/signatories?limit=2"
    while address:
        answer = client.get(address)
        names += [row["name"] for row in answer.get_json()["items"]]
        address = answer.get_json()["next"]
        assert ("Link" in answer.headers) == bool(address)
    assert names == [f"Person {number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("list_", ["tallies/country", "signatories", "official-pledges"])
@pytest.mark.parametrize("cursor", ["x", "WzEsMl0.aaaa.bbbb"])
def test_a_forged_cursor_is_refused(
    client: FlaskClient, world: World, list_: str, cursor: str
) -> None:
    found = problem(client, f"{HERE}/{list_}?after={cursor}", 400)
    assert found["errors"][0]["name"] == "after"


def test_a_cursor_of_another_list_is_refused(client: FlaskClient, world: World) -> None:
    cursor = policy().signer.sign("api-cursor api.tally", ["x"])
    problem(client, f"{HERE}/signatories?after={cursor}", 400)


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/csv"}])
def test_a_list_comes_as_csv(client: FlaskClient, world: World, headers: dict[str, str]) -> None:
    path = f"{HERE}/tallies/country" + ("" if headers else ".csv")
    answer = client.get(path, headers=headers, buffered=True)
    assert answer.content_type == "text/csv; charset=utf-8; header=present"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (rows[0]["key"], rows[0]["people"]) == ("KE", "2")


def test_a_list_comes_as_json_lines_whole(
    client: FlaskClient, session: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.api.paging.BATCH", 3)
    for number in range(7):
        confirmed(f"p{number}@example.org", name=f"Person {number}")
    jobs.commit()
    answer = client.get(f"{HERE}/signatories.jsonl", buffered=True)
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [row["name"] for row in rows] == [f"Person {number}" for number in range(6, -1, -1)]


def test_json_is_kept_apart_from_files(client: FlaskClient, world: World) -> None:
    answer = client.get(f"{HERE}/days")
    assert answer.mimetype == "application/json"
    assert "Accept" in answer.vary


@pytest.mark.parametrize(
    ("list_", "column"),
    [
        ("tallies/institution", "key"),
        ("signatories", "institution"),
        ("official-pledges", "institution"),
    ],
)
def test_in_csv_the_ids_of_institutions_are_addresses(
    client: FlaskClient, world: World, list_: str, column: str
) -> None:
    """038724806 and 0149e7294 are ROR ids, and numbers to a spreadsheet."""
    tables = [client.get(f"{HERE}/{list_}{end}", buffered=True).text for end in (".csv", ".jsonl")]
    in_csv = {row[column] for row in csv.DictReader(io.StringIO(tables[0]))}
    in_json = {json.loads(line)[column] for line in tables[1].splitlines()}
    assert f"https://ror.org/{world.home.id}" in in_csv
    assert world.home.id in in_json
    assert in_csv == {f"https://ror.org/{id_}" if id_ else "" for id_ in in_json}


@pytest.mark.parametrize("list_", ["signatories", "months"])
def test_a_list_of_one_institution_takes_its_id_with_or_without_address(
    client: FlaskClient, world: World, list_: str
) -> None:
    bare, with_address = (
        read(client, f"{HERE}/{list_}?institution={prefix}{world.home.id}")
        for prefix in ("", "https://ror.org/")
    )
    assert bare == with_address
    assert bare["items"]
    problem(client, f"{HERE}/{list_}?institution=https://ror.org/{world.home.id[:-1]}", 400)


def test_no_cell_begins_a_formula(client: FlaskClient, session: object) -> None:
    for number, name in enumerate(("=HYPERLINK(1)", "Centre; =HYPERLINK(2)")):
        confirmed(f"{number}@example.org", institution=institution(name=name).id)
    fold()
    answer = client.get(f"{HERE}/tallies/institution.csv", buffered=True)
    assert "'=HYPERLINK(1)" in answer.text
    assert "Centre;' =HYPERLINK(2)" in answer.text


def test_every_cell_is_quoted(client: FlaskClient, world: World) -> None:
    """Where a spreadsheet splits at ";", an unquoted name with one in it would become two cells."""
    answer = client.get(f"{HERE}/tallies/country.csv", buffered=True)
    assert all(re.fullmatch(r'("[^"]*",)*"[^"]*"', line) for line in answer.text.splitlines())


def test_what_did_not_change_is_not_sent_again(client: FlaskClient, world: World) -> None:
    tag = client.get(f"{HERE}/tallies/country").headers["ETag"]
    again = client.get(f"{HERE}/tallies/country", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    confirmed("new@example.org")
    fold()
    later = client.get(f"{HERE}/tallies/country", headers={"If-None-Match": tag})
    assert later.status_code == 200


def test_a_file_that_did_not_change_is_not_sent_again(client: FlaskClient, world: World) -> None:
    file = f"{HERE}/signatories.csv"
    tag = client.get(file, buffered=True).headers["ETag"]

    again = client.get(file, headers={"If-None-Match": tag, "Accept-Encoding": "br"})
    assert (again.status_code, again.data) == (304, b"")
    for other in (f"{file}?lang=ar", f"{HERE}/signatories.jsonl"):
        assert client.get(other, headers={"If-None-Match": tag}, buffered=True).status_code == 200
    confirmed("new@example.org")
    fold()
    later = client.get(file, headers={"If-None-Match": tag}, buffered=True)
    assert later.status_code == 200
    assert later.headers["ETag"] != tag
