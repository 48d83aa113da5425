"""Staff sign in at the desk in a real browser: with a passkey that Chromium keeps, with a password and a code."""

import re
from collections.abc import Iterator

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.handbook import open_as_demonstrator
from tests.browser.watching import Visitors
from tests.scripted_person import Person
from tests.stacks import Stack

pytestmark = pytest.mark.browser


@pytest.fixture
def visitors(browser, stack: Stack) -> Iterator[Visitors]:
    """People at the desk. The test fails when one of its pages complained."""
    visitors = Visitors(browser, stack.desk, stack.site, stack.mailbox)
    yield visitors
    visitors.leave()
    assert visitors.complaints() == []


def with_authenticator(page: Page) -> Page:
    """Give the browser a device that keeps passkeys and recognizes its owner."""
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def join(stack: Stack, page: Page, address: str) -> None:
    """Follow the link that the first command prints."""
    printed = stack.lightup("staff", "add", address, "--name", "Ingrid Solheim")
    assert printed.returncode == 0, printed.stderr
    page.goto(printed.stdout.strip())
    page.get_by_role("button", name="Accept the invitation").click()
    expect(page.get_by_role("heading", name="Choose how you sign in")).to_be_visible()


def keep_codes(page: Page) -> list[str]:
    page.get_by_role("button", name="Show my ten codes").click()
    expect(page.locator(".codes code")).to_have_count(10)
    codes = page.locator(".codes code").all_inner_texts()
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Hello, Ingrid Solheim")).to_be_visible()
    return codes


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


def test_the_first_administrator_comes_in_with_a_passkey(stack: Stack, visitors: Visitors) -> None:
    page = with_authenticator(visitors.come())
    join(stack, page, "ingrid@example.org")
    page.get_by_role("button", name="Create a passkey").click()
    assert len(keep_codes(page)) == 10

    sign_out(page)
    page.goto("/staff/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{stack.desk}/staff/")
    expect(page.get_by_role("row", name=re.compile("Ingrid Solheim"))).to_be_visible()


def test_an_answer_of_a_passkey_works_once(stack: Stack, visitors: Visitors) -> None:
    page = with_authenticator(visitors.come())
    join(stack, page, "replay@example.org")
    page.get_by_role("button", name="Create a passkey").click()
    keep_codes(page)
    sign_out(page)
    with page.expect_request("**/sign-in/passkey") as sent:
        page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Hello, Ingrid Solheim")).to_be_visible()
    headers = {"Content-Type": "application/json", "Origin": stack.desk}
    replayed = visitors.come().request.post(
        "/sign-in/passkey", data=sent.value.post_data, headers=headers
    )
    assert replayed.status == 422


def test_someone_comes_in_with_a_password_and_a_code_without_script(
    stack: Stack, visitors: Visitors
) -> None:
    page = visitors.come(java_script_enabled=False)
    join(stack, page, "yusuf@example.org")
    page.get_by_role("link", name="Use a password and an app").click()
    app = pyotp.TOTP(page.locator("code").inner_text())
    page.get_by_label("New password").fill("kettle orbit walnut fjord")
    page.get_by_label("The code that the app shows now").fill(app.now())
    page.get_by_role("button", name="Save both").click()
    codes = keep_codes(page)

    sign_out(page)
    page.get_by_label("E-mail address").fill("Yusuf@example.org")
    page.get_by_label("Password").fill("kettle orbit walnut fjord")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Code from your app").fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Hello, Ingrid Solheim")).to_be_visible()


def test_an_invitation_by_mail_is_accepted(stack: Stack, visitors: Visitors) -> None:
    page = visitors.come()
    open_as_demonstrator(stack, page)
    page.goto("/staff/invite/")
    page.get_by_label("Name", exact=True).fill("Marisol Quintrel")
    page.get_by_label("E-mail address").fill("marisol@example.org")
    page.get_by_label("Language of the letter").select_option("es")
    page.get_by_label("Coordination").check()
    page.get_by_label("Only in these countries").select_option("CL")
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_role("heading", name="Marisol Quintrel")).to_be_visible()

    invited = visitors.come()
    invited.goto(link_to_join(stack, "marisol@example.org"))
    expect(invited.locator("html")).to_have_attribute("lang", "es")


def link_to_join(stack: Stack, address: str) -> str:
    """Where the invitation to this address leads."""
    text = Person(stack.site, stack.mailbox, address).letter()["text"]
    found = re.search(rf"{re.escape(stack.desk)}/join/[\w-]+/", text)
    assert found, text
    return found[0]


PAGES = (
    "/",
    "/staff/",
    "/staff/invite/",
    "/me/",
    "/me/password/",
    "/me/codes/",
    "/tasks/",
    "/review/",
    "/review/words/",
    "/review/letters/",
    "/review/rules/",
    "/review/rules/new/",
    "/review/pinned/?q=a",
    "/review/settled/",
    "/sign-in/",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_keeps_anyone_out(
    stack: Stack, visitors: Visitors, scheme: str, width: int
) -> None:
    """What axe finds, and sideways scrolling, in every page."""
    page = visitors.come(color_scheme=scheme, viewport={"width": width, "height": 800})
    open_as_demonstrator(stack, page)
    for path in PAGES:
        page.goto(path)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_one_key_accepts_and_another_undoes(stack: Stack, visitors: Visitors) -> None:
    page = visitors.come()
    open_as_demonstrator(stack, page)
    page.goto("/review/")
    name = page.locator("#this").inner_text()
    page.keyboard.press("a")
    expect(page.get_by_text("Accepted. It counts now")).to_be_visible()
    assert page.locator("#this").inner_text() != name
    page.keyboard.press("z")
    expect(page.locator("#this")).to_have_text(name)
    expect(page.get_by_role("button", name="Accept", exact=False).first).to_be_visible()


def test_a_reason_is_asked_for_by_key_and_kept_when_it_is_missing(
    stack: Stack, visitors: Visitors
) -> None:
    page = visitors.come()
    open_as_demonstrator(stack, page)
    page.goto("/review/")
    page.keyboard.press("r")
    page.get_by_role("button", name="Refuse this pledge").click()
    expect(page.get_by_text("Choose a reason or write one")).to_be_visible()
