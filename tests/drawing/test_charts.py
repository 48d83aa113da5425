"""Round numbers, points in their place, lines of labels in every script."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.drawing.charts import growth, nice_ticks, wrapped

TODAY = date(2026, 11, 22)


@given(st.integers(0, 10**12))
def test_ticks_are_few_even_and_reach_the_most(most: int) -> None:
    ticks = nice_ticks(most)
    steps = {after - before for before, after in pairwise(ticks)}
    assert 2 <= len(ticks) <= 6
    assert (ticks[0], len(steps)) == (0, 1)
    assert ticks[-2] < max(most, 1) <= ticks[-1]
    assert str(steps.pop()).rstrip("0") in {"1", "2", "5"}


def days(number: int, each: int = 1) -> list[tuple[date, int]]:
    return [(TODAY - timedelta(days=number - 1 - i), each) for i in range(number)]


def test_a_total_only_grows_and_ends_today() -> None:
    drawn = growth(days(500, 3), TODAY)
    assert drawn.total == 1500
    assert (drawn.points[0], drawn.points[-1][0]) == ((0, 1), 1)
    assert list(drawn.points) == sorted(drawn.points, key=lambda point: (point[0], -point[1]))
    assert len(drawn.points) <= 250


def test_the_last_point_stands_at_the_total() -> None:
    drawn = growth([(TODAY - timedelta(days=9), 30)], TODAY)
    assert drawn.points[-1][1] == 1 - 30 / drawn.levels[-1][1]


def test_days_of_quiet_are_drawn_as_quiet() -> None:
    drawn = growth([(TODAY - timedelta(days=99), 5)], TODAY)
    assert drawn.points[-2][1] == drawn.points[-1][1]
    assert drawn.points[-2][0] < 0.02


@pytest.mark.parametrize("number", [0, 1, 2, 40, 400, 4000])
def test_months_are_few_and_in_the_drawing(number: int) -> None:
    drawn = growth(days(number), TODAY)
    assert len(drawn.months) <= 5
    assert all(0.05 < x < 0.95 and month.day == 1 for x, month in drawn.months)


def test_a_campaign_without_pledges_is_a_flat_line() -> None:
    drawn = growth([], TODAY)
    assert drawn.line(100, 100) == "M0.0 100.0L100.0 100.0"
    assert drawn.area(100, 100).endswith("z")


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("", [""]),
        ("unbreakablyverylong word", ["unbreakablyverylong", "word"]),
        ("参与国家生态安全研究", ["参与国家生", "态安全研究"]),
    ],
)
def test_labels_are_broken_where_their_script_allows(label: str, lines: list[str]) -> None:
    assert wrapped(label, 5.2) == lines


@given(st.text(max_size=200), st.integers(1, 60))
def test_no_letter_is_lost_between_lines(label: str, ems: int) -> None:
    assert "".join(wrapped(label, ems)).replace(" ", "") == label.replace(" ", "")
