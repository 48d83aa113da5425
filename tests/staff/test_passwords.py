"""Passwords that others would not guess; codes that work once, within half a minute, from a clock that is right."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy.orm import Session

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.staff import passwords
from campaign.staff.models import Account
from campaign.staff.passwords import ClockOff, WeakPassword, WrongCode
from campaign.staff.policy import current_policy
from tests.factories import account

GOOD = "kettle orbit walnut fjord"
WEAK = (
    "short", "password1234", "qwertyuiop12", "aaaaaaaaaaaaaa", "Ingrid Solheim 1", "heartofscience", "x" * 201,
)  # fmt: skip


@pytest.mark.parametrize("password", WEAK)
def test_a_password_that_would_be_guessed_is_refused(session: Session, password: str) -> None:
    with pytest.raises(WeakPassword):
        passwords.set_password(account(), password)


def test_only_its_hash_is_stored(session: Session) -> None:
    who = account()
    passwords.set_password(who, GOOD)
    assert who.password_hash
    assert who.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.is_password(who, GOOD)
    assert not passwords.is_password(who, GOOD + " ")


def test_an_account_without_a_password_has_no_empty_one(session: Session) -> None:
    assert not passwords.is_password(account(), "")
    assert not passwords.is_password(None, "")


@pytest.fixture
def app_secret(session: Session) -> str:
    return passwords.new_app_secret()


@pytest.fixture
def owner(app_secret: str) -> Account:
    """An account with an app that was set up an hour ago."""
    who, then = account(), now() - timedelta(hours=1)
    passwords.set_app(current_policy(), who, app_secret, code_at(app_secret, then), then)
    return who


def code_at(secret: str, moment: datetime) -> str:
    return pyotp.TOTP(secret).at(moment)


def test_the_secret_of_an_app_is_encrypted(owner: Account, app_secret: str) -> None:
    assert owner.totp_secret
    assert app_secret.encode() not in owner.totp_secret


def test_a_code_works_once(owner: Account, app_secret: str) -> None:
    moment = now()
    passwords.use_code(current_policy(), owner, code_at(app_secret, moment), moment)
    with pytest.raises(WrongCode):
        passwords.use_code(current_policy(), owner, code_at(app_secret, moment), moment)


def test_after_a_code_the_one_before_it_is_void(owner: Account, app_secret: str) -> None:
    moment = now()
    passwords.use_code(current_policy(), owner, code_at(app_secret, moment), moment)
    earlier = code_at(app_secret, moment - timedelta(seconds=30))
    with pytest.raises(WrongCode):
        passwords.use_code(current_policy(), owner, earlier, moment)


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_a_code_may_be_typed_slowly(owner: Account, app_secret: str, seconds: int) -> None:
    moment = now()
    code = code_at(app_secret, moment + timedelta(seconds=seconds))
    passwords.use_code(current_policy(), owner, code, moment)


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_that_is_off_by_minutes_is_told_of(
    owner: Account, app_secret: str, minutes: int
) -> None:
    moment = now()
    code = code_at(app_secret, moment + timedelta(minutes=minutes))
    with pytest.raises(ClockOff):
        passwords.set_app(current_policy(), owner, app_secret, code, moment)


@pytest.mark.parametrize("minutes", [-5, 5])
def test_who_guesses_does_not_learn_that_a_code_will_be_right(
    owner: Account, app_secret: str, minutes: int
) -> None:
    moment = now()
    code = code_at(app_secret, moment + timedelta(minutes=minutes))
    with pytest.raises(WrongCode) as wrong:
        passwords.use_code(current_policy(), owner, code, moment)
    assert not isinstance(wrong.value, ClockOff)


@pytest.mark.parametrize("sign", ["x", "é", "\u4e2d", "🜁"])
def test_a_password_is_taken_as_it_is_typed(session: Session, sign: str) -> None:
    who, long = account(), (GOOD + sign) * 9
    passwords.set_password(who, long[: passwords.LONGEST])
    assert passwords.is_password(who, long[: passwords.LONGEST])
    assert not passwords.is_password(who, long)
    assert not passwords.is_password(who, long[: passwords.LONGEST].swapcase())


@pytest.mark.parametrize(
    "password", ["kettle orbit walnut fjord", "8" * 5 + "krdmnqvbzj", "стул орбита орех фьорд"]
)
def test_any_signs_make_a_password_and_none_are_asked_for(session: Session, password: str) -> None:
    who = account()
    passwords.set_password(who, password)
    assert passwords.is_password(who, password)


def test_a_password_does_not_grow_old(session: Session) -> None:
    who = account(created_at=now() - timedelta(days=3650))
    passwords.set_password(who, GOOD)
    assert passwords.is_password(who, GOOD)


def test_of_two_who_use_one_code_at_once_one_succeeds(
    elsewhere: Callable[[Callable[[], Any]], "Future[Any]"],
) -> None:
    """A code of the app, or a recovery code: the row decides, in whichever process."""
    who, then, secret = account(), now() - timedelta(hours=1), passwords.new_app_secret()
    passwords.set_app(current_policy(), who, secret, code_at(secret, then), then)
    codes = [passwords.new_recovery_codes(current_policy(), who)[0], code_at(secret, now())]
    jobs.commit()

    def use(code: str) -> bool:
        try:
            passwords.use_code(current_policy(), db.session.get_one(Account, who.id), code, now())
        except WrongCode:
            return False
        jobs.commit()
        return True

    for code in codes:
        tries = [elsewhere(lambda code=code: use(code)) for _ in range(4)]
        assert sorted(one.result(20) for one in tries) == [False] * 3 + [True]


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "000000000000", "nonsense"])
def test_what_is_no_code_is_refused(owner: Account, code: str) -> None:
    with pytest.raises(WrongCode):
        passwords.use_code(current_policy(), owner, code, now())


def test_each_recovery_code_opens_the_desk_once(owner: Account) -> None:
    codes = passwords.new_recovery_codes(current_policy(), owner)
    assert len(set(codes)) == 10
    passwords.use_code(current_policy(), owner, f" {codes[0].upper()} ", now())
    with pytest.raises(WrongCode):
        passwords.use_code(current_policy(), owner, codes[0], now())
    passwords.use_code(current_policy(), owner, codes[1], now())


def test_recovery_codes_are_their_owners(owner: Account) -> None:
    codes = passwords.new_recovery_codes(current_policy(), owner)
    with pytest.raises(WrongCode):
        passwords.use_code(current_policy(), account(), codes[0], now())


def test_new_recovery_codes_replace_the_old(owner: Account) -> None:
    before = passwords.new_recovery_codes(current_policy(), owner)
    passwords.new_recovery_codes(current_policy(), owner)
    db.session.flush()
    with pytest.raises(WrongCode):
        passwords.use_code(current_policy(), owner, before[0], now())
