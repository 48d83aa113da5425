"""Addresses: what is accepted, and when two of them are one person."""

import pytest

from campaign.people.rules import Address, InvalidAddress, parse_address


def test_an_address_keeps_its_spelling_and_gets_a_canonical_form():
    address = parse_address(" Ada.Lovelace+pledge@Maths.OX.ac.uk ")

    assert address == Address(
        original="Ada.Lovelace+pledge@maths.ox.ac.uk",
        mailbox="ada.lovelace+pledge@maths.ox.ac.uk",
        canonical="ada.lovelace@maths.ox.ac.uk",
        domain="maths.ox.ac.uk",
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.org", "ADA@EXAMPLE.ORG"),
        ("ada@example.org", "ada+science@example.org"),
        ("ada+a@example.org", "ada+b+c@example.org"),
        ("ada.l@gmail.com", "adal@googlemail.com"),
        ("a.d.a.l+x@gmail.com", "AdaL@Gmail.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("jos\u00e9@example.org", "jose\u0301@example.org"),
        ("\uff41\uff44\uff41\uff20\uff45\uff58.org", "ada@ex.org"),
        ("用户@例子。中国", "用户@例子.中国"),
        ("\u202aada@example.org\u202c", "ada@example.org"),
        ("ada\u200b@example.org", "ada@example.org"),
    ],
)
def test_spellings_of_one_mailbox_are_one_person(one, other):
    assert parse_address(one).canonical == parse_address(other).canonical


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada.l@example.org", "adal@example.org"),
        ("ada@gmail.com", "ada@gmail.example.org"),
        ("ada-science@example.org", "ada@example.org"),
        ("+ada@example.org", "+bob@example.org"),
    ],
)
def test_different_mailboxes_are_different_people(one, other):
    assert parse_address(one).canonical != parse_address(other).canonical


@pytest.mark.parametrize(
    "typed",
    [
        "राम@मोहन.ईन्फो", "квіточка@пошта.укр", "θσερ@εχαμπλε.ψομ", "测试@例子.中国",
        "مثال@جامعة.مصر", "o'neil@example.ie", "=ada@example.org", "a@b.museum",
    ],
)  # fmt: skip
def test_addresses_of_every_script_are_accepted(typed):
    address = parse_address(typed)
    assert address.original == typed
    assert address.domain.isascii()


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "syntax"),
        (" \u200b ", "syntax"),
        ("ada", "syntax"),
        ("ada.test", "syntax"),
        ("ada@gmail", "syntax"),
        ("ada@@example.org", "syntax"),
        ("a b@example.org", "syntax"),
        ("a..b@example.org", "syntax"),
        ("ada@-example.org", "syntax"),
        ("ada@[127.0.0.1]", "syntax"),
        ('"ada l"@example.org', "syntax"),
        ("Ada <ada@example.org>", "syntax"),
        ("ada@example.org, bob@example.org", "syntax"),
        ("ada@example.org\r\nBcc: bob@example.org", "syntax"),
        ("ada@\u2603.net", "syntax"),
        ("\ud800@", "syntax"),
        ("ada@localhost", "special-use"),
        ("ada@mail.TEST", "special-use"),
        ("ada@printer.local", "special-use"),
        ("a" * 65 + "@example.org", "too-long"),
        ("名" * 22 + "@example.org", "too-long"),
        ("ada@" + "example." * 40 + "org", "too-long"),
        ("a" * 1_000_000, "too-long"),
    ],
)
def test_what_mail_cannot_reach_says_why(typed, reason):
    with pytest.raises(InvalidAddress) as caught:
        parse_address(typed)
    assert caught.value.reason == reason


def test_invisible_characters_and_controls_do_not_reach_the_address():
    assert parse_address("a\x00da\u200f@example.org\n").original == "ada@example.org"
