"""What has changed from one wording to another, word by word."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

# Words and marks with the space before them; where a script has no spaces, single characters.
_UNSPACED = r"[\u2e80-\u9fff\uf900-\ufaff]"
_PIECES = re.compile(rf"{_UNSPACED}|\s*(?:(?!{_UNSPACED})\w)+|\s*[^\w\s]|\s+|.", re.DOTALL)


class Piece(NamedTuple):
    """A piece of either wording: "same", "gone" from the one before, or "come" with the one after."""

    kind: str
    text: str


def changes(before: str, after: str) -> list[Piece]:
    """Return the pieces of both wordings in their order."""
    return list(_pieces(_PIECES.findall(before), _PIECES.findall(after)))


def _pieces(before: list[str], after: list[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, from_, to, from_2, to_2 in matcher.get_opcodes():
        if kind == "equal":
            yield Piece("same", "".join(before[from_:to]))
            continue
        if to > from_:
            yield Piece("gone", "".join(before[from_:to]))
        if to_2 > from_2:
            yield Piece("come", "".join(after[from_2:to_2]))
