"""The record as its readers see it: narrowed by the address, page by page, exported whole."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from campaign import audit
from campaign.audit import SYSTEM, AuditEvent
from campaign.clock import now
from campaign.db import db
from campaign.desk.record import Change, changes_of
from campaign.staff.rules import Role
from tests.desk.conftest import Desk
from tests.factories import account
from tests.statements import statements

SignIn = Callable[..., Desk]


def act(who: Any, action: str, subject: str, **details: object) -> None:
    audit.record(who, action, subject, details)
    db.session.commit()


def test_a_line_says_who_did_what_with_what_before_and_after(sign_in: SignIn) -> None:
    reader = sign_in()
    who = account(name="Marisol Quintrel")
    act(who.actor(), "rights changed", "account:1", before={"roles": ["a"]}, after={"roles": ["b"]})
    page = reader.get("/record/").text
    assert "Marisol Quintrel" in page
    assert "rights changed" in page
    assert "<del><bdi>a</bdi></del> <ins><bdi>b</bdi></ins>" in page


@pytest.mark.parametrize(
    ("details", "changes"),
    [
        ({}, []),
        ({"before": {"a": 1, "b": 2}, "after": {"a": 1, "b": 3}}, [Change("b", "2", "3")]),
        ({"after": {"a": "x"}}, [Change("a", None, "x")]),
        ({"before": "old", "after": "new"}, [Change("", "old", "new")]),
        ({"before": {"a": []}, "after": {"a": ["x"]}}, [Change("a", None, "x")]),
        (
            {"reason": "No person's name."},
            [Change("reason", None, "No person's name.", is_change=False)],
        ),
    ],
)
def test_what_did_not_change_is_left_out(details: Any, changes: list[Change]) -> None:
    assert changes_of(AuditEvent(details=details)) == changes


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("action=tried", ["test:1", "other:1"]),
        ("subject=test", ["test:1", "test:2"]),
        ("subject=test:2", ["test:2"]),
        ("actor=system", ["other:1"]),
        ("actor=staff:kim", []),
        (f"since={now().date() + timedelta(days=1)}", []),
        (f"since={now().date()}&until={now().date()}", ["test:1", "test:2", "other:1"]),
        ("since=yesterday&until=9999-12-31&before=x&actor=nobody", ["test:1", "test:2", "other:1"]),
    ],
)
def test_lines_are_narrowed_by_the_address(
    sign_in: SignIn, query: str, subjects: list[str]
) -> None:
    reader, who = sign_in(), account()
    act(who.actor(), "tried", "test:1")
    act(who.actor(), "slept", "test:2")
    act(SYSTEM, "tried", "other:1")
    page = reader.get(f"/record/?{query}").text
    shown = {one for one in ("test:1", "test:2", "other:1") if f">{one}</bdi>" in page}
    assert shown == {*subjects}
    lines = reader.get(f"/record/export.jsonl?{query}", buffered=True).text.splitlines()
    assert [json.loads(line)["subject"] for line in lines] == subjects


def test_older_lines_are_on_the_next_page_with_the_same_filter(sign_in: SignIn) -> None:
    reader = sign_in()
    for number in range(audit.PAGE_SIZE + 1):
        audit.record(SYSTEM, "tried", f"test:{number}", {})
    db.session.commit()
    page = reader.get("/record/?action=tried").text
    assert ">test:1</bdi>" in page
    assert ">test:0</bdi>" not in page
    (older,) = (part.partition('"')[0] for part in page.split('class="more"><a href="')[1:])
    assert "action=tried" in older
    page = reader.get(older.replace("&amp;", "&")).text
    assert ">test:0</bdi>" in page
    assert ">test:1</bdi>" not in page


def test_the_page_costs_few_statements(sign_in: SignIn) -> None:
    reader = sign_in()
    for number in range(20):
        act(account().actor(), "tried", f"test:{number}")
    reader.get("/record/")
    with statements() as executed:
        reader.get("/record/")
    assert len([one for one in executed if one.startswith(("SELECT", "WITH", "\n"))]) <= 5


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
def test_only_administrators_read_it(sign_in: SignIn, role: Role) -> None:
    reader = sign_in(role)
    assert reader.get("/record/").status_code == 403
    assert reader.get("/record/export.jsonl").status_code == 403


def test_an_empty_list_says_what_to_do(sign_in: SignIn) -> None:
    assert "Leave something out" in sign_in().get("/record/?action=never").text
