"""What may be registered for a partner."""

import pytest

from campaign.partners.rules import (
    MILESTONES,
    InvalidKeyName,
    InvalidOrigin,
    check_key_name,
    parse_origin,
)


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://www.uni.ac.ke", "https://www.uni.ac.ke"),
        (" HTTPS://WWW.Uni.ac.ke:443/ ", "https://www.uni.ac.ke"),
        ("https://www.uni.ac.ke:8443", "https://www.uni.ac.ke:8443"),
        ("https://münchen.example.de", "https://xn--mnchen-3ya.example.de"),
        ("https://北京大学.中国", "https://xn--1lq90ic7fzpc.xn--fiqs8s"),
        ("https://someone.github.io", "https://someone.github.io"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
    ],
)
def test_an_origin_is_kept_as_a_browser_writes_it(typed, origin):
    assert parse_origin(typed) == origin


@pytest.mark.parametrize(
    "typed",
    [
        "http://www.uni.ac.ke",
        "www.uni.ac.ke",
        "https://www.uni.ac.ke/page",
        "https://www.uni.ac.ke/?a=b",
        "https://www.uni.ac.ke/#part",
        "https://www.uni.ac.ke@evil.example",
        "https://*.uni.ac.ke",
        "https://ac.ke",
        "https://github.io",
        "https://192.0.2.1",
        "https://[::1]",
        "https://uni.ac.ke; script-src *",
        "https://uni.ac.ke 'unsafe-inline'",
        "https://uni.ac.ke:99999",
        "https://",
        "null",
        "",
    ],
)
def test_what_is_no_origin_of_one_owner_is_refused(typed):
    with pytest.raises(InvalidOrigin):
        parse_origin(typed)


@pytest.mark.parametrize("name", ["uni-nairobi", "u", "tum.de", "2026"])
def test_names_of_keys_are_short_and_plain(name):
    assert check_key_name(name) == name


@pytest.mark.parametrize("name", ["", "Uni", "a b", "-a", "a-", "a@b", "x" * 41, "a\n", "é"])
def test_other_names_are_refused(name):
    with pytest.raises(InvalidKeyName):
        check_key_name(name)


def test_milestones_are_round_numbers():
    assert MILESTONES[:7] == (10, 25, 50, 100, 250, 500, 1000)
    assert list(MILESTONES) == sorted(set(MILESTONES))
