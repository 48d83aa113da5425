"""A badge as shields.io made them known: a label, a number, each on its ground. Widths are estimated, then held.

The server knows no font of the reader, so it estimates how wide a text will be, and ``textLength`` makes every
browser fit it into exactly that.
"""

import unicodedata
from dataclasses import dataclass

from campaign import i18n

HEIGHT = 28
FONT_SIZE = 13
PADDING = 10
LAMP = 20
_NARROW = frozenset("fijlrtI.,:;'’|!()[]/ -")
# Parts of the font size, as common sans-serif fonts have them.
_BY_SCRIPT = {"ARABIC": 0.52, "DEVANAGARI": 0.6, "CYRILLIC": 0.62}


@dataclass(frozen=True)
class Part:
    """One of the two grounds with its text: left edge, width, middle of the text, and how wide the text is."""

    text: str
    x: int
    width: int
    middle: float
    length: int


@dataclass(frozen=True)
class Badge:
    """What the template draws, in pixels."""

    title: str
    label: Part
    value: Part
    lamp: int
    direction: str

    @property
    def width(self) -> int:
        return self.label.width + self.value.width

    height = HEIGHT


def lay_out(label: str, value: str, title: str) -> Badge:
    """Label first, in the direction in which the reader's language runs."""
    direction = i18n.direction(i18n.current())
    name, number = _width_of(label), _width_of(value)
    label_width, value_width = name + 2 * PADDING + LAMP, number + 2 * PADDING
    if direction == "rtl":
        return Badge(
            title=title,
            label=Part(label, value_width, label_width, value_width + PADDING + name / 2, name),
            value=Part(value, 0, value_width, value_width / 2, number),
            lamp=value_width + label_width - PADDING - LAMP // 2 + 4,
            direction=direction,
        )
    return Badge(
        title=title,
        label=Part(label, 0, label_width, LAMP + PADDING + name / 2, name),
        value=Part(value, label_width, value_width, label_width + value_width / 2, number),
        lamp=PADDING + LAMP // 2 - 4,
        direction=direction,
    )


def _width_of(text: str) -> int:
    return max(1, round(FONT_SIZE * sum(map(_part_of_em, text))))


def _part_of_em(character: str) -> float:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Cf"}:
        return 0.0
    if unicodedata.east_asian_width(character) in {"W", "F"}:
        return 1.0
    if character in _NARROW:
        return 0.33
    script = unicodedata.name(character, "").partition(" ")[0]
    return _BY_SCRIPT.get(script, 0.68 if character.isupper() else 0.57)
