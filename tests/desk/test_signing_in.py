"""Signing in by password and code: the same answers for strangers, one use, limits, letters, a way back."""

import re
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.staff import operations, passwords, sessions, tickets
from campaign.staff.attempts import PER_ADDRESS_AND_NETWORK
from campaign.staff.models import Account, StaffSession
from campaign.staff.policy import FRESH, current_policy
from campaign.staff.tickets import Purpose
from tests.desk.conftest import Desk
from tests.factories import STAFF, account

PASSWORD = "kettle orbit walnut fjord"


@pytest.fixture
def secret(session: Session) -> str:
    """That of the owner's app."""
    return passwords.new_app_secret()


@pytest.fixture
def owner(secret: str) -> Account:
    """Someone with a password, an app and ten codes."""
    who, then = account(address="owner@example.org"), now() - timedelta(hours=1)
    passwords.set_password(who, PASSWORD)
    passwords.set_app(current_policy(), who, secret, pyotp.TOTP(secret).at(then), then)
    db.session.commit()
    return who


def send_password(visitor: Desk, address: str = "owner@example.org", password: str = PASSWORD):
    return visitor.post(
        "/sign-in/", data={"address": address, "password": password, "then": "/staff/"}
    )


def ticket_in(page: str) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    assert found, page
    return found[1]


def test_password_and_code_lead_to_where_one_wanted(
    visitor: Desk, owner: Account, secret: str
) -> None:
    ticket = ticket_in(send_password(visitor).text)
    fields = {"ticket": ticket, "code": pyotp.TOTP(secret).now(), "then": "/staff/"}
    answer = visitor.post("/sign-in/code/", data=fields)
    assert (answer.status_code, answer.location) == (303, "/staff/")
    assert visitor.get("/staff/").status_code == 200


@pytest.mark.parametrize(
    "then",
    ["//evil.example/", "https://evil.example/", "/\\evil.example", "data:x", ""],
)
def test_signing_in_leads_to_our_own_pages_only(
    visitor: Desk, owner: Account, secret: str, then: str
) -> None:
    fields = {
        "ticket": ticket_in(send_password(visitor).text),
        "code": pyotp.TOTP(secret).now(),
        "then": then,
    }
    assert visitor.post("/sign-in/code/", data=fields).location == "/"


def test_the_password_alone_opens_nothing(visitor: Desk, owner: Account) -> None:
    assert "Set-Cookie" not in send_password(visitor).headers
    assert visitor.get("/").status_code == 401


def test_wrong_passwords_and_unknown_addresses_get_the_same_answer(
    visitor: Desk, owner: Account
) -> None:
    wrong = send_password(visitor, password="wrong")
    unknown = send_password(visitor, address="nobody@example.org")
    assert wrong.status_code == unknown.status_code == 422
    assert wrong.text.replace("owner@", "") == unknown.text.replace("nobody@", "")


def test_an_unknown_address_is_hashed_like_a_known_one(
    visitor: Desk, owner: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes the time is the one call of Argon2: it is made once for each."""
    hasher = passwords._hasher()
    calls: list[str] = []

    class Counted:
        hash = hasher.hash

        def verify(self, stored: str, password: str) -> bool:
            calls.append(stored.partition("$")[2][:30])
            return hasher.verify(stored, password)

    monkeypatch.setattr(passwords, "_hasher", Counted)
    send_password(visitor, password="wrong")
    send_password(visitor, address="nobody@example.org")
    assert len(calls) == 2
    assert calls[0] == calls[1]


def letters() -> list[str]:
    """What the owner was told of."""
    facts = db.session.scalars(select(OutgoingEmail.facts).order_by(OutgoingEmail.id))
    return [one["change"] for one in facts]


def sign_in_with_code(visitor: Desk, secret: str, agent: str) -> None:
    ticket = ticket_in(send_password(visitor).text)
    fields = {"ticket": ticket, "code": pyotp.TOTP(secret).now()}
    answer = visitor.post("/sign-in/code/", data=fields, headers={"User-Agent": agent})
    assert answer.status_code == 303


WINDOWS = "Mozilla/5.0 (Windows NT 10.0) Edg/130"
LINUX = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140"


@pytest.mark.parametrize(
    ("agent", "told"), [(WINDOWS, ["unfamiliar sign-in"]), (LINUX, [])], ids=["new", "known"]
)
def test_an_owner_is_told_of_a_sign_in_from_where_they_never_were(
    visitor: Desk, owner: Account, secret: str, agent: str, told: list[str]
) -> None:
    """Their own browser in another place is nothing to be told of, nor another browser in a known place."""
    sessions.begin(owner, "Firefox, Linux", b"network", now())
    db.session.commit()
    sign_in_with_code(visitor, secret, agent)
    assert letters() == told


def test_an_owner_is_told_once_that_someone_with_the_password_guesses_codes(
    visitor: Desk, owner: Account
) -> None:
    ticket = ticket_in(send_password(visitor).text)
    for number in range(6):
        visitor.post("/sign-in/code/", data={"ticket": ticket, "code": "000000"})
        assert letters() == (["wrong codes"] if number >= 2 else [])


def test_a_code_cannot_be_guessed_for_long(visitor: Desk, owner: Account, secret: str) -> None:
    ticket = ticket_in(send_password(visitor).text)
    for _ in range(PER_ADDRESS_AND_NETWORK):
        assert (
            visitor.post("/sign-in/code/", data={"ticket": ticket, "code": "000000"}).status_code
            == 422
        )
    right = visitor.post(
        "/sign-in/code/", data={"ticket": ticket, "code": pyotp.TOTP(secret).now()}
    )
    assert right.status_code == 429
    assert send_password(visitor).status_code == 429


def test_a_forged_ticket_opens_nothing(visitor: Desk, owner: Account, secret: str) -> None:
    fields = {"ticket": "forged", "code": pyotp.TOTP(secret).now()}
    assert visitor.post("/sign-in/code/", data=fields).status_code == 422


def test_a_reset_needs_a_code_besides_the_link(visitor: Desk, owner: Account) -> None:
    (code, *_) = passwords.new_recovery_codes(current_policy(), owner)
    db.session.commit()
    visitor.post("/reset/", data={"address": "owner@example.org"})
    operations.send_reset(current_policy(), now())
    db.session.commit()
    letter = db.session.scalars(select(OutgoingEmail)).one()
    path = f"/reset/{letter.facts['secret']}/"
    assert visitor.post(path, data={"code": "000000"}).status_code == 422
    assert visitor.post(path, data={"code": code}).location == "/me/"
    visitor.delete_cookie("desk")
    assert visitor.post(path, data={"code": code}).location == "/sign-in/?over=1"


def test_someone_who_is_signed_in_may_use_a_reset_all_the_same(
    sign_in: Callable[..., Desk], owner: Account
) -> None:
    (code, *_) = passwords.new_recovery_codes(current_policy(), owner)
    secret = tickets.issue(Purpose.RESET, owner, now() + timedelta(hours=1))
    here, elsewhere = sign_in(who=owner), sign_in(who=owner)
    assert here.post(f"/reset/{secret}/", data={"code": code}).location == "/me/"
    assert here.get("/me/").status_code == 200
    assert elsewhere.get("/me/").status_code == 401


def test_a_reset_says_the_same_for_unknown_addresses(visitor: Desk, owner: Account) -> None:
    known = visitor.post("/reset/", data={"address": "owner@example.org"})
    unknown = visitor.post("/reset/", data={"address": "nobody@example.org"})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


def test_a_scanner_that_follows_the_links_uses_nothing_up(visitor: Desk, owner: Account) -> None:
    who = account(joined_at=None)
    invitation = operations.invite(STAFF, who, now())
    reset = tickets.issue(Purpose.RESET, owner, now() + timedelta(hours=1))
    db.session.commit()
    for path in (f"/join/{invitation}/", f"/reset/{reset}/"):
        assert [visitor.get(path).status_code for _ in range(2)] == [200, 200]
    assert visitor.post(f"/join/{invitation}/").location == "/me/set-up/"


def test_someone_who_is_setting_up_can_do_nothing_else(visitor: Desk, owner: Account) -> None:
    invitation = operations.invite(STAFF, account(joined_at=None), now())
    db.session.commit()
    visitor.post(f"/join/{invitation}/")
    assert visitor.get("/staff/").location == "/me/set-up/"
    assert visitor.get("/me/set-up/").status_code == 200


def test_dangerous_acts_want_a_fresh_sign_in(sign_in: Callable[..., Desk]) -> None:
    who = account()
    browser = sign_in(who=who)
    begun = db.session.scalars(select(StaffSession)).one()
    begun.proved_at = now() - FRESH
    db.session.commit()
    assert browser.get("/me/").status_code == 200
    assert browser.get("/me/password/").status_code == 401
    kept = browser.post("/staff/invite/", data={"name": "Marisol", "address": "m@example.org"})
    assert kept.status_code == 401
    assert re.search(r'name="sealed" value="[^"]+"', kept.text)


def test_a_new_password_ends_all_other_sessions_and_is_told_by_mail(
    sign_in: Callable[..., Desk],
) -> None:
    who = account()
    here, elsewhere = sign_in(who=who), sign_in(who=who)
    page = here.get("/me/password/").text
    secret = re.search(r'<code dir="ltr">(\w+)</code>', page)
    assert secret
    fields = {"ticket": ticket_in(page), "password": PASSWORD, "code": pyotp.TOTP(secret[1]).now()}
    assert here.post("/me/password/", data=fields).location == "/me/"
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 401
    assert db.session.scalars(select(OutgoingEmail.template)).all() == ["staff_account_changed"]


def test_a_weak_password_is_explained_and_the_app_stays(sign_in: Callable[..., Desk]) -> None:
    browser = sign_in()
    page = browser.get("/me/password/").text
    fields = {"ticket": ticket_in(page), "password": "password1234", "code": "000000"}
    answer = browser.post("/me/password/", data=fields)
    assert answer.status_code == 422
    assert "four unrelated words" in answer.text
    shown = re.compile(r'<code dir="ltr">(\w+)</code>')
    assert shown.findall(answer.text) == shown.findall(page)


def test_nobody_ends_the_session_of_someone_else(sign_in: Callable[..., Desk]) -> None:
    sign_in()
    foreign = db.session.scalars(select(StaffSession.id)).one()
    assert sign_in().post(f"/me/sessions/{foreign}/end/").status_code == 404
