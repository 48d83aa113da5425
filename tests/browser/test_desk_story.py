"""A new administrator's first day, from the first command to the record of it, on a real site."""

import re

import pytest
from playwright.sync_api import Page, expect

from campaign.i18n import offered
from tests.browser.test_desk import join, keep_codes, visitors, with_authenticator
from tests.browser.watching import Visitors
from tests.scripted_person import (
    CAMPAIGN,
    FIELDS,
    Person,
    count_of_country,
    fetch,
    hidden,
    wait_for,
)
from tests.stacks import Stack

pytestmark = pytest.mark.browser
__all__ = ["visitors"]

ADDED = "Added at the desk on the first day."


def test_the_first_day_of_an_administrator(stack: Stack, visitors: Visitors) -> None:
    page = with_authenticator(visitors.come())
    join(stack, page, "first@example.org")
    page.get_by_role("button", name="Create a passkey").click()
    keep_codes(page)

    rewrite_the_summary(page)
    publish(page)
    assert ADDED in fetch(f"{stack.site}/es/campaigns/{CAMPAIGN}/")[1]

    pledge_in_haste(stack, "hasty@hurry.example.com")
    before = count_of_country(stack.site, "TV")
    accept(page, "Hasty Visitor")
    wait_until_counted(stack, before + 1)

    task = invalidate(page, "hurry.example.com")
    wait_until_counted(stack, before)
    undo(page, task)
    wait_until_counted(stack, before + 1)

    assert the_record_shows(
        page,
        ["task done", "task undone", "accepted", "texts published", "signed in", "account joined"],
    )
    an_altered_line_is_found(stack)

    assert stack.lightup("migrate").returncode == 0
    assert ADDED in fetch(f"{stack.site}/es/campaigns/{CAMPAIGN}/")[1]


def rewrite_the_summary(page: Page) -> None:
    """Change a passage in English and Spanish; the other languages need no change."""
    page.goto(f"/campaigns/{CAMPAIGN}/text/en/?show=all")
    add_to_summary(page)
    for tag in offered()[1:]:
        page.goto(f"/campaigns/{CAMPAIGN}/text/{tag}/")
        if tag == "es":
            add_to_summary(page)
        else:
            page.locator("#p-summary").get_by_role("button", name="Needs no change").click()
        expect(page.locator("[data-left]")).to_have_text("0")


def add_to_summary(page: Page) -> None:
    passage = page.locator("#p-summary")
    text = passage.locator("textarea")
    text.fill(f"{text.input_value()} {ADDED}")
    passage.get_by_role("button", name=re.compile("Save")).click()
    page.wait_for_load_state("networkidle")


def publish(page: Page) -> None:
    page.goto(f"/campaigns/{CAMPAIGN}/publish/")
    page.get_by_role("button", name=f"Publish in {len(offered())} languages").click()
    expect(page.get_by_role("row", name=re.compile("Version 2"))).to_be_visible()


def pledge_in_haste(stack: Stack, address: str) -> None:
    """Send a form faster than anyone reads, and confirm it: it is held."""
    url = stack.pledge_url()
    token = hidden(fetch(url)[1], "form_token")
    who = {"form_token": token, "name": "Hasty Visitor", "email": address, "country": "TV"}
    fetch(url, FIELDS | who)
    Person(stack.site, stack.mailbox, address).confirm_by_link()


def accept(page: Page, name: str) -> None:
    page.goto("/review/")
    page.get_by_role("link", name=re.compile(name)).first.click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_text("Accepted. It counts now")).to_be_visible()


def wait_until_counted(stack: Stack, people: int) -> None:
    wait_for(lambda: count_of_country(stack.site, "TV") == people or None, f"{people} of Tuvalu")


def invalidate(page: Page, domain: str) -> str:
    """Stop counting what comes from a domain; return the address of the task."""
    page.goto("/review/rules/new/")
    page.get_by_label("E-mail domain").fill(domain)
    page.get_by_label("Nobody gets a letter").check()
    page.get_by_role("button", name="Count them").click()
    page.get_by_role("button", name="Stop counting 1 pledge").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    return page.url


def undo(page: Page, task: str) -> None:
    page.goto(task)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("undone").first).to_be_visible()


def the_record_shows(page: Page, actions: list[str]) -> bool:
    page.goto("/record/")
    text = page.locator("main").inner_text()
    assert [action for action in actions if action not in text] == [], text
    return True


def an_altered_line_is_found(stack: Stack) -> None:
    """What a superuser of the database changed in a sealed line, `lightup audit verify` names."""
    stack.rows("UPDATE schedules SET due_at = now() WHERE job = 'seal_audit'")
    newest = stack.rows("SELECT max(id) FROM audit_events")[0][0]
    wait_for(
        lambda: stack.rows("SELECT 1 FROM audit_seals WHERE last_id >= %s", newest) or None,
        "the seal",
    )
    assert stack.lightup("audit", "verify").returncode == 0
    change = "UPDATE audit_events SET action = %s WHERE id = %s"
    was = stack.rows("SELECT action FROM audit_events WHERE id = %s", newest)[0][0]
    for action, status in (("altered", 1), (was, 0)):
        stack.rows("ALTER TABLE audit_events DISABLE TRIGGER USER")
        stack.rows(change, action, newest)
        stack.rows("ALTER TABLE audit_events ENABLE TRIGGER USER")
        found = stack.lightup("audit", "verify")
        assert found.returncode == status, found.stdout + found.stderr
