"""ORCID iDs: every form people paste, and the check digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.orcid import InvalidOrcid, is_valid_orcid, normalise_orcid


@pytest.mark.parametrize(
    "typed",
    [
        "0000-0002-1825-0097",
        "https://orcid.org/0000-0002-1825-0097",
        "http://www.orcid.org/0000-0002-1825-0097/",
        "ORCID.org/0000-0002-1825-0097",
        "0000000218250097",
        "  0000 0002 1825 0097\n",
        "0000‐0002–1825−0097",  # the hyphens of a PDF
        "００００-０００２-１８２５-００９７",
    ],
)
def test_every_usual_form_becomes_the_standard_one(typed):
    assert normalise_orcid(typed) == "0000-0002-1825-0097"


@pytest.mark.parametrize("typed", ["0000-0002-1694-233X", "0000-0002-1694-233x"])
def test_the_check_digit_ten_is_a_capital_x(typed):
    assert normalise_orcid(typed) == "0000-0002-1694-233X"


@pytest.mark.parametrize("orcid", ["0000-0001-5109-3700", "0009-0000-0000-0009"])
def test_known_good_ids_are_valid(orcid):
    assert is_valid_orcid(orcid)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("0000-0002-1825-0096", "checksum"),
        ("0000-0002-1852-0097", "checksum"),
        ("0000-0002-1825-009X", "checksum"),
        ("0000-0002-1825-009", "shape"),
        ("0000-0002-1825-00970", "shape"),
        ("X000-0002-1825-0097", "shape"),
        ("https://orcid.example/0000-0002-1825-0097", "shape"),
        ("٠٠٠٠-٠٠٠٢-١٨٢٥-٠٠٩٧", "shape"),
        ("Josiah Carberry", "shape"),
        ("", "shape"),
        ("\x00", "shape"),
    ],
)
def test_what_is_no_orcid_says_why(typed, reason):
    with pytest.raises(InvalidOrcid) as caught:
        normalise_orcid(typed)
    assert caught.value.reason == reason
    assert not is_valid_orcid(typed)


@given(position=st.integers(0, 14), step=st.integers(1, 9))
def test_one_mistyped_digit_is_always_noticed(position, step):
    digits = "0000000218250097"
    wrong = str((int(digits[position]) + step) % 10)
    assert not is_valid_orcid(digits[:position] + wrong + digits[position + 1 :])
