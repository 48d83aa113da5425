"""Tokens: good for one purpose and for a while; hashes that only we can make."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.tokens import ExpiredToken, InvalidToken, Signer

SIGNER = Signer("the secret of these tests, long enough")
OTHER = Signer("the secret of somebody else, as long")
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("payload", ["018f0000", ["a", 1, 2.5], {"a": None}, "屠呦呦"])
def test_what_was_signed_can_be_read(payload):
    assert SIGNER.read("confirm", SIGNER.sign("confirm", payload), HOUR) == payload


def test_a_token_is_good_for_one_purpose():
    token = SIGNER.sign("confirm", "018f0000")

    with pytest.raises(InvalidToken):
        SIGNER.read("my-page", token, HOUR)


def test_a_token_of_another_key_is_foreign():
    with pytest.raises(InvalidToken):
        SIGNER.read("confirm", OTHER.sign("confirm", "018f0000"), HOUR)


def test_a_token_expires(monkeypatch):
    token = SIGNER.sign("confirm", "018f0000")

    with pytest.raises(ExpiredToken):
        SIGNER.read("confirm", token, timedelta(seconds=-1))


def test_a_token_cannot_be_made_younger():
    """The time is signed as well."""
    payload, _, signature = SIGNER.sign("confirm", "018f0000").split(".")

    with pytest.raises(InvalidToken):
        SIGNER.read("confirm", f"{payload}.{'_' * 6}.{signature}", HOUR)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", fullmatch=True))
def test_whatever_is_not_ours_is_invalid_and_nothing_worse(token):
    with pytest.raises(InvalidToken):
        SIGNER.read("confirm", token, HOUR)


@given(st.integers(0, 200), st.characters())
def test_a_token_with_one_other_character_is_forged(position, character):
    token = SIGNER.sign("confirm", ["018f0000", 1])
    at = position % (len(token) - 1)  # of the last character only some bits count
    forged = token[:at] + character + token[at + 1 :]

    # Both spellings of the two last signs of base64 are read (RFC 4648, sections 4 and 5): no forgery.
    if forged.replace("+", "-").replace("/", "_") != token:
        with pytest.raises(InvalidToken):
            SIGNER.read("confirm", forged, HOUR)


def test_a_token_can_stand_in_an_address():
    assert set(SIGNER.sign("confirm", ["屠呦呦", "&/?#"])) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    )


def test_a_fingerprint_depends_on_value_purpose_and_key():
    prints = {
        SIGNER.fingerprint("person", "ada@example.org"),
        SIGNER.fingerprint("person", "bo@example.org"),
        SIGNER.fingerprint("network", "ada@example.org"),
        OTHER.fingerprint("person", "ada@example.org"),
        SIGNER.fingerprint("", "person\0ada@example.org"),
    }

    assert len(prints) == 5
    assert {len(found) for found in prints} == {32}
    assert SIGNER.fingerprint("person", "ada@example.org") in prints


def test_codes_are_six_digits_spread_evenly():
    codes = [SIGNER.code("confirm", str(number)) for number in range(2000)]

    assert all(len(code) == 6 and code.isdecimal() for code in codes)
    assert len({code[:2] for code in codes}) == 100
    assert SIGNER.code("confirm", "1") != OTHER.code("confirm", "1")


def test_a_changed_secret_key_keeps_links_alive_while_the_earlier_one_is_a_fallback():
    token = SIGNER.sign("confirm", "018f0000")
    earlier = ("the secret before, long enough for it", "the secret of these tests, long enough")

    rotated = Signer("a new secret, which is as long as those", fallbacks=earlier)
    assert rotated.read("confirm", token, HOUR) == "018f0000"
    with pytest.raises(InvalidToken):
        Signer("a new secret, which is as long as those").read("confirm", token, HOUR)


def test_what_is_signed_with_a_new_key_needs_no_earlier_one():
    rotated = Signer("a new secret, which is as long as those", fallbacks=("x" * 32,))

    token = rotated.sign("confirm", "018f0000")
    new = Signer("a new secret, which is as long as those")
    assert new.read("confirm", token, HOUR) == "018f0000"


def test_hashes_and_codes_stay_when_the_secret_key_changes():
    before = Signer("x" * 32, hash_key="y" * 32)
    after = Signer("z" * 32, hash_key="y" * 32)

    assert before.fingerprint("person", "ada") == after.fingerprint("person", "ada")
    assert before.code("confirm", "1") == after.code("confirm", "1")
    assert Signer("y" * 32).fingerprint("person", "ada") == after.fingerprint("person", "ada")
