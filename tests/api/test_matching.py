"""A partner's list, matched with the registry: each line in its place, whatever the others are."""

import json
from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.api.reading import read

MATCH = "/api/v1/institutions/match"
NAIROBI = "02y9nww90"
MAKERERE = "03dmz0111"
DAR_ES_SALAAM = "0479aed98"


_numbers = count(1)


def elsewhere() -> dict[str, str]:
    """A network that has sent nothing yet."""
    return {"REMOTE_ADDR": f"198.51.100.{next(_numbers)}"}


def matched(client: FlaskClient, lines: object, path: str = MATCH) -> Any:
    body = json.dumps(lines)  # with halves of surrogate pairs spelled out
    answer = client.post(path, data=body, content_type="application/json", environ_base=elsewhere())
    assert answer.status_code == 200, answer.text
    return answer.get_json()["items"]


def refused(client: FlaskClient, status: int, **named: Any) -> Any:
    answer = client.post(MATCH, environ_base=elsewhere(), **named)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    return answer.get_json()


def test_each_line_is_answered_in_its_place(client: FlaskClient, session: Session) -> None:
    lines = ["University of Nairobi", {"query": "Makerere University", "country": "UG"}, "Xyzzyq"]
    first, second, third = matched(client, lines)

    assert first["matches"][0] == {
        "id": NAIROBI,
        "name": "University of Nairobi",
        "city": "Nairobi",
        "country": "KE",
        "country_name": "Kenya",
        "score": 1.0,
        "matched_name": "University of Nairobi",
    }
    assert second["matches"][0]["id"] == MAKERERE
    assert third == {"line": 3, "matches": [], "error": None}
    assert [one["line"] for one in (first, second)] == [1, 2]
    assert all(len(one["matches"]) <= 5 for one in (first, second))


def test_of_a_line_with_three_institutions_all_are_offered(
    client: FlaskClient, session: Session
) -> None:
    line = "University of Nairobi, Kenya; Makerere University, Uganda; University of Dar es Salaam"
    [item] = matched(client, [line])
    assert {match["id"] for match in item["matches"]} >= {NAIROBI, MAKERERE, DAR_ES_SALAAM}


def test_a_broken_line_spoils_no_other(client: FlaskClient, session: Session) -> None:
    broken = [
        "", " \u200b", "x" * 1001, 5, None, [], {}, {"query": None}, {"query": 5}, ["Nairobi"],
        {"query": "Nairobi", "country": "XX"}, {"query": "Nairobi", "country": 5},
        {"query": "Nairobi", "city": "Nairobi"}, True, {"country": "KE"},
    ]  # fmt: skip
    items = matched(client, [*broken, "University of Nairobi"])

    assert [item["line"] for item in items if item["error"]] == [*range(1, len(broken) + 1)]
    assert all(item["matches"] == [] for item in items[:-1])
    assert items[-1]["matches"][0]["id"] == NAIROBI


def test_odd_signs_are_no_error(client: FlaskClient, session: Session) -> None:
    lines = ["\ud800 Nairobi", "\0Nairobi", "%", "'; --", "🎓", "a", "University of", "北" * 1000]
    assert [item["error"] for item in matched(client, lines)] == [None] * len(lines)


def test_names_are_in_the_requested_language(client: FlaskClient, session: Session) -> None:
    (item,) = matched(client, ["Makerere University"], path=f"{MATCH}?lang=ar")
    assert item["matches"][0]["name"] == "جامعة ماكيريري"
    assert item["matches"][0]["matched_name"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"json": []}),
        (400, {"json": ["Nairobi"] * 101}),
        (400, {"json": {"query": "Nairobi"}}),
        (400, {"json": "Nairobi"}),
        (400, {"data": "[", "content_type": "application/json"}),
        (400, {"data": "[" * 100_000, "content_type": "application/json"}),
        (400, {"data": f"[{'9' * 10_000}]", "content_type": "application/json"}),
        (400, {"data": b"[\"\xff\"]", "content_type": "application/json"}),
        (413, {"data": b"x" * 300_000, "content_type": "application/json"}),
        (415, {"data": '["Nairobi"]', "content_type": "text/plain"}),
        (415, {"data": "q=Nairobi", "content_type": "application/x-www-form-urlencoded"}),
        (415, {}),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_as_a_whole(
    client: FlaskClient, session: Session, status: int, body: dict[str, Any]
) -> None:
    refused(client, status, **body)


def test_a_hundred_lines_may_come_at_once(client: FlaskClient, session: Session) -> None:
    items = matched(client, ["University of Nairobi", "Xyzzyq"] * 50)
    assert [item["line"] for item in items] == [*range(1, 101)]


def test_pages_of_any_site_may_send_a_list(client: FlaskClient, session: Session) -> None:
    other = {"Origin": "https://www.example.org", "Sec-Fetch-Site": "cross-site"}
    asked = client.options(
        MATCH,
        headers=other
        | {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in asked.headers["Access-Control-Allow-Headers"]
    for lines, status in ((["Nairobi"], 200), ([], 400)):
        answer = client.post(MATCH, json=lines, headers=other, environ_base=elsewhere())
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_list_changes_nothing(client: FlaskClient, session: Session) -> None:
    session.execute(text("SET TRANSACTION READ ONLY"))
    assert matched(client, ["Nairobi"])[0]["matches"]


def test_a_network_may_send_as_many_lines_as_it_may_search(
    client: FlaskClient, session: Session
) -> None:
    here, there = elsewhere(), elsewhere()
    sent = [client.post(MATCH, json=["Nairobi"], environ_base=here) for _ in range(31)]
    assert [answer.status_code for answer in sent] == [200] * 30 + [429]
    assert client.post(MATCH, json=["Nairobi"], environ_base=there).status_code == 200


def test_a_search_says_how_sure_it_is_and_a_list_has_nothing_to_be_sure_of(
    client: FlaskClient, session: Session
) -> None:
    found = read(client, "/api/v1/institutions?q=university+of+nairobi")["items"][0]
    assert (found["id"], found["score"], found["matched_name"]) == (
        NAIROBI,
        1.0,
        "University of Nairobi",
    )
    listed = read(client, "/api/v1/institutions?country=KE")["items"][0]
    assert (listed["score"], listed["matched_name"]) == (None, None)
