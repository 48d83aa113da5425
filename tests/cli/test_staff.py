"""Accounts of the desk at a terminal: the first one, the locked-out one, the last one."""

import re

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.cli.staff import staff
from campaign.clock import now
from campaign.db import db
from campaign.staff import queries, tickets
from campaign.staff.models import Account
from campaign.staff.tickets import Purpose
from tests.factories import account

LINK = re.compile(r"/join/([\w-]+)/")


@pytest.fixture
def run(app: Flask, session: Session):
    def run(*arguments: str) -> Result:
        return app.test_cli_runner().invoke(staff, arguments)

    return run


def test_the_first_administrator_gets_a_link(run) -> None:
    printed = run("add", "ingrid@example.org", "--name", "Ingrid", "--language", "es")

    found = LINK.search(printed.output)
    assert found, printed.output
    invited = tickets.look(Purpose.INVITATION, found[1], now()).account
    assert invited is not None
    assert (invited.address, invited.roles, invited.locale) == (
        "ingrid@example.org",
        ["administrator"],
        "es",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ingrid", "--name", "Ingrid"), "ingrid is no e-mail address."),
        (("ingrid@example.org", "--name", " "), "A name has 1 to 100 characters."),
        (("ingrid@example.org", "--name", "Ingrid", "--language", "xx"), "xx is not offered"),
    ],
)
def test_what_is_wrong_is_said(run, arguments: tuple[str, ...], sentence: str) -> None:
    refused = run("add", *arguments)
    assert refused.exit_code == 1
    assert sentence in refused.output
    assert db.session.scalar(select(Account)) is None


def test_an_address_has_one_account(run) -> None:
    who = account()
    assert "lightup staff invite" in run("add", who.address, "--name", "Again").output


def test_someone_who_is_locked_out_gets_a_new_link(run) -> None:
    who = account(ended_at=now())
    assert LINK.search(run("invite", who.address).output)
    assert who.ended_at is None


def test_the_last_administrator_stays(run) -> None:
    assert "last administrator" in run("end", account().address).output


def test_an_account_is_ended_and_listed(run) -> None:
    account()
    who = account(name="Marisol")
    assert run("end", who.address).exit_code == 0
    ended = queries.by_address(who.address)
    assert ended is not None
    assert ended.ended_at
    assert f"{who.address}\tMarisol\tadministrator\teverywhere\tended" in run("list").output


def test_an_unknown_address_is_said_to_be(run) -> None:
    assert "has no account" in run("end", "nobody@example.org").output
