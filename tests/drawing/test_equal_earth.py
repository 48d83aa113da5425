"""The projection against another program, and against what its name promises."""

from math import pi, radians, sin, sqrt

import pytest

from campaign.drawing.equal_earth import WIDTH, project


@pytest.mark.parametrize(
    ("longitude", "latitude", "x", "y"),
    [
        (0, 0, 0, 0),
        (180, 0, 2.70663, 0),  # these: geoEqualEarthRaw of d3-geo 3.1.1
        (0, 90, 0, 1.317363),
        (180, 90, 1.603589, 1.317363),
        (-58.9, -62.2, -0.652556, -1.117204),
        (36.8, -1.3, 0.553287, -0.026334),
        (121.5, 31.2, 1.699404, 0.615367),
    ],
)
def test_places_are_where_other_programs_put_them(
    longitude: float, latitude: float, x: float, y: float
) -> None:
    assert project(longitude, latitude) == pytest.approx((x, y), abs=1e-6)


def test_areas_are_true() -> None:
    """Strips of a degree all around have the area that they have on the globe."""
    for latitude in range(-89, 89, 7):
        (low_x, low_y), (high_x, high_y) = project(180, latitude), project(180, latitude + 1)
        on_map = (low_x + high_x) * (high_y - low_y)
        on_globe = 2 * pi * (sin(radians(latitude + 1)) - sin(radians(latitude)))
        assert on_map == pytest.approx(on_globe, rel=1e-3)


def test_north_is_up_and_south_is_its_mirror() -> None:
    x, y = project(-60, 40)
    assert x < 0 < y
    assert project(60, -40) == pytest.approx((-x, -y))
    assert sqrt(x * x + y * y) < WIDTH
