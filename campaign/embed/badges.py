"""The layout of a badge as shields.io made them known: a label and a number side by side, each on its own colour.

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
# Mean width of a character as a part of the font size, in common sans-serif fonts.
_BY_SCRIPT = {"ARABIC": 0.52, "DEVANAGARI": 0.6, "CYRILLIC": 0.62}


@dataclass(frozen=True)
class Part:
    """One of the two coloured parts: its text, left edge and width, and the middle and width of the text."""

    text: str
    x: int
    width: int
    middle: float
    length: int


@dataclass(frozen=True)
class Badge:
    """A badge ready for ``embed/badge.svg``, in pixels; ``lamp`` is the middle of the lamp."""

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
    """A badge with the label first, in the direction of the reader's language."""
    direction = i18n.direction(i18n.current())
    label_length, value_length = _width_of(label), _width_of(value)
    label_width, value_width = label_length + 2 * PADDING + LAMP, value_length + 2 * PADDING
    if direction == "rtl":
        return Badge(
            title=title,
            label=Part(
                label,
                value_width,
                label_width,
                value_width + PADDING + label_length / 2,
                label_length,
            ),
            value=Part(value, 0, value_width, value_width / 2, value_length),
            lamp=value_width + label_width - PADDING - LAMP // 2 + 4,
            direction=direction,
        )
    return Badge(
        title=title,
        label=Part(label, 0, label_width, LAMP + PADDING + label_length / 2, label_length),
        value=Part(value, label_width, value_width, label_width + value_width / 2, value_length),
        lamp=PADDING + LAMP // 2 - 4,
        direction=direction,
    )


def _width_of(text: str) -> int:
    return max(1, round(FONT_SIZE * sum(map(_ems, text))))


def _ems(character: str) -> float:
    """The estimated width of a character as a part of the font size."""
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Cf"}:
        return 0.0
    if unicodedata.east_asian_width(character) in {"W", "F"}:
        return 1.0
    if character in _NARROW:
        return 0.33
    script = unicodedata.name(character, "").partition(" ")[0]
    return _BY_SCRIPT.get(script, 0.68 if character.isupper() else 0.57)
