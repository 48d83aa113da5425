"""Compute charts: round numbers along an axis, positions of points, lines of a label.

Positions are fractions of the drawing's width and height, from its top left corner, so that a template can draw
them at any size.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

_MOST_POINTS = 240
_MOST_MONTHS_NAMED = 5
_EDGE = 0.09  # a month's name, centred below its mark, would overhang nearer to the edge
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 240)
# Average widths in ems: a Chinese character fills its square, a mark stands above or below its letter.
_EM_WIDE, _EM_OTHERS = 1.0, 0.56


def nice_ticks(most: int, about: int = 4) -> list[int]:
    """Return about this many round numbers, from 0 to the first not below ``most``.

    They are in steps of 1, 2 or 5 times a power of ten.
    After P. Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990.
    """
    step = power = 1
    while power * 10 * about <= most:
        power *= 10
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice * about >= most)
    return [*range(0, max(most, 1) + step, step)]


@dataclass(frozen=True, slots=True)
class Growth:
    """A total that grows with time, drawn from the day ``first`` to ``last``.

    ``points`` are (x, y); ``levels`` marks of the vertical axis as (y, number), ``months`` of the horizontal one as
    (x, first day).
    """

    points: Sequence[tuple[float, float]]
    levels: Sequence[tuple[float, int]]
    months: Sequence[tuple[float, date]]
    first: date
    last: date
    total: int

    def line(self, width: float, height: float) -> str:
        """Return SVG path data, scaled: a straight line from point to point."""
        return "M" + "L".join(f"{x * width:.1f} {y * height:.1f}" for x, y in self.points)

    def area(self, width: float, height: float) -> str:
        """Return SVG path data of the area below the line; empty for a single moment."""
        left, right = self.points[0][0] * width, self.points[-1][0] * width
        return f"{self.line(width, height)}V{height:g}H{left:.1f}z" if right > left else ""


def growth(days: Sequence[tuple[date, int]], today: date) -> Growth:
    """Add up the days' numbers, given in order of time, from the day before the first until today."""
    first = days[0][0].toordinal() - 1 if days else today.toordinal() - 1
    span = max(today.toordinal() - first, 1)
    totals = list(accumulate(number for _, number in days))
    total = totals[-1] if totals else 0
    levels = nice_ticks(total)
    steps = [(first, 0), *zip((day.toordinal() for day, _ in days), totals, strict=True)]
    # A day after ``today`` is drawn at the right edge.
    steps.append((max(today.toordinal(), steps[-1][0]), total))
    return Growth(
        points=[
            (min((day - first) / span, 1), 1 - number / levels[-1])
            for day, number in _thinned(steps)
        ],
        levels=[(1 - level / levels[-1], level) for level in levels],
        months=[
            (x, month)
            for month in _named_months(date.fromordinal(first), today)
            if _EDGE <= (x := (month.toordinal() - first) / span) <= 1 - _EDGE
        ],
        first=date.fromordinal(first),
        last=today,
        total=total,
    )


def _thinned(steps: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Leave out points that are too close together to be seen; the last one is kept."""
    every = -(-len(steps) // _MOST_POINTS)
    return [*steps[:-1:every], steps[-1]]


def _named_months(first: date, last: date) -> list[date]:
    """Return first days of months, evenly spaced and few enough for the screen of a phone."""
    start, end = first.year * 12 + first.month, last.year * 12 + last.month - 1
    step = next(s for s in _MONTH_STEPS if (end - start) // s < _MOST_MONTHS_NAMED)
    return [
        date(month // 12, month % 12 + 1, 1) for month in range(start, end + 1) if month % step == 0
    ]


def wrapped(label: str, ems: float) -> list[str]:
    """Break a label into lines of about this many ems, at spaces and between Chinese characters.

    A longer word has a line of its own.
    """
    lines = [""]
    for word in _words(label):
        if lines[-1] and _width(lines[-1] + word.rstrip()) > ems:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += word
    return lines


def _words(label: str) -> Iterator[str]:
    """Yield the parts between which a line may be broken; together they are the label."""
    word = ""
    for letter in label:
        word += letter
        if letter == " " or unicodedata.east_asian_width(letter) in "WF":
            yield word
            word = ""
    if word:
        yield word


def _width(words: str) -> float:
    return sum(map(_letter_width, words))


def _letter_width(letter: str) -> float:
    if unicodedata.combining(letter) or unicodedata.category(letter) == "Mn":
        return 0
    return _EM_WIDE if unicodedata.east_asian_width(letter) in "WF" else _EM_OTHERS
