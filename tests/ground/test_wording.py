"""The difference of two wordings: in words, or in characters where a script has no spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.wording import Piece, changes


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        ("We help you.", "We help you.", [Piece("same", "We help you.")]),
        (
            "We help you.",
            "We find you.",
            [Piece("same", "We"), Piece("gone", " help"), Piece("come", " find"), Piece("same", " you.")],
        ),
        ("点亮科学之心", "点亮人类之心",
         [Piece("same", "点亮"), Piece("gone", "科学"), Piece("come", "人类"), Piece("same", "之心")]),
        ("", "New", [Piece("come", "New")]),
    ],
)  # fmt: skip
def test_what_is_gone_stands_before_what_has_come(
    before: str, after: str, pieces: list[Piece]
) -> None:
    assert changes(before, after) == pieces


@given(st.text(max_size=60), st.text(max_size=60))
def test_both_wordings_are_in_the_pieces(before: str, after: str) -> None:
    pieces = changes(before, after)
    assert "".join(p.text for p in pieces if p.kind != "come") == before
    assert "".join(p.text for p in pieces if p.kind != "gone") == after
