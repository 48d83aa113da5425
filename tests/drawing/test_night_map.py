"""Land is cut where the map ends, lights stand where they belong, and there are never too many."""

import json
import random
import re
from math import acos, cos, radians, sin

import brotli
import pytest

from campaign.drawing import night_map
from campaign.drawing.country_points import POINTS
from campaign.drawing.night_map import (
    ATLANTIC,
    CLASSES,
    HEIGHT,
    MOST_LIGHTS,
    PACIFIC,
    WIDTH,
    MapPoint,
    lights,
    position,
)
from campaign.geography import COUNTRIES
from campaign.institutions.queries import starter_path

both = pytest.mark.parametrize("centre", [ATLANTIC, PACIFIC])
Ring = list[tuple[int, int]]


def rings(path: str) -> list[Ring]:
    """The points of each closed part of a path, in units of the map."""
    found = []
    for part in filter(None, path.split("z")):
        start, _, steps = part.partition("l")
        ring = [tuple(map(int, start[1:].split()))]
        numbers = [int(number) for number in re.findall(r"-?\d+", steps)]
        for x, y in zip(numbers[::2], numbers[1::2], strict=True):
            ring.append((ring[-1][0] + x, ring[-1][1] + y))
        found.append(ring)
    return found  # type: ignore[return-value]


def is_land(path: str, latitude: float, longitude: float, centre: float) -> bool:
    """By the even-odd rule, as a browser fills the path."""
    x, y = position(latitude, longitude, centre)
    inside = False
    for ring in rings(path):
        for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
                inside = not inside
    return inside


def place(latitude: float, longitude: float, count: int = 1, key: str = "a") -> MapPoint:
    return MapPoint(latitude, longitude, count, key, "KE")


@both
def test_land_is_land_and_sea_is_sea(centre: float) -> None:
    path = night_map.land_path(centre)
    inland = [
        (0, 25),
        (50, 100),
        (40, -100),
        (-10, -55),
        (-25, 134),
        (68, 178),
        (68, -178),
        (72, -40),
    ]
    at_sea = [(0, -30), (0, 80), (-40, -120), (30, -160), (42, 50.5), (-45, 20)]
    assert [p for p in inland if not is_land(path, *p, centre)] == []
    assert [p for p in at_sea if is_land(path, *p, centre)] == []


@both
def test_land_ends_where_the_map_ends(centre: float) -> None:
    for ring in rings(night_map.land_path(centre)):
        for x, y in ring:
            assert 0 <= x <= WIDTH
            assert -1 <= y <= HEIGHT


@both
def test_nothing_runs_across_the_map_from_edge_to_edge(centre: float) -> None:
    for ring in rings(night_map.land_path(centre)):
        for (x0, _), (x1, _) in zip(ring, [*ring[1:], ring[0]], strict=True):
            assert abs(x1 - x0) < WIDTH / 4


def test_the_coasts_are_small_to_keep_and_to_send() -> None:
    stored = night_map.__file__.replace("night_map.py", "land.json")
    with open(stored, "rb") as file:
        assert len(file.read()) <= 25_000
    assert len(brotli.compress(night_map.land_path(ATLANTIC).encode(), quality=5)) < 8_000


def test_the_reader_finds_their_ocean_in_the_middle() -> None:
    x, _ = position(0, ATLANTIC, ATLANTIC)
    assert x == WIDTH / 2
    hawaii = position(21, -157, PACIFIC)[0]
    assert WIDTH * 0.5 < hawaii < WIDTH * 0.7


def test_every_country_has_its_point() -> None:
    assert set(POINTS) == set(COUNTRIES)
    assert all(
        -65 < latitude < 84 and -180 <= longitude <= 180 for latitude, longitude in POINTS.values()
    )


def test_points_of_countries_are_near_their_institutions() -> None:
    """None is farther from the nearest one than Alice Springs from Sydney."""
    far = {}
    for record in json.loads(starter_path().read_text("utf-8")):
        where = record["locations"][0]["geonames_details"]
        distance = kilometres(POINTS[where["country_code"]], (where["lat"], where["lng"]))
        far[where["country_code"]] = min(distance, far.get(where["country_code"], distance))
    assert len(far) > 190
    assert {code: km for code, km in far.items() if km > 1_800} == {}


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    (north, east), (north_2, east_2) = (tuple(map(radians, point)) for point in (one, other))
    return 6371 * acos(
        min(1, sin(north) * sin(north_2) + cos(north) * cos(north_2) * cos(east - east_2))
    )


def test_near_lights_are_one_and_named_after_the_largest() -> None:
    near = [place(-1.28, 36.81, 3, "small"), place(-1.30, 36.82, 40, "large"), place(50, 10)]
    brightest, _ = lights(near, ATLANTIC)
    assert (brightest.place.key, brightest.place.count, brightest.place.members) == ("large", 43, 2)


def test_a_country_never_hides_in_the_light_of_an_institution() -> None:
    vague = MapPoint(-1.28, 36.81, 5, "KE", "KE", is_vague=True)
    assert len(lights([vague, place(-1.28, 36.81, 5)], ATLANTIC)) == 2


@pytest.mark.parametrize(
    ("count", "brightness"), [(1, 1), (3, 1), (4, 2), (10, 3), (100, 5), (10**9, CLASSES)]
)
def test_more_people_shine_brighter(count: int, brightness: int) -> None:
    (light,) = lights([place(0, 0, count)], ATLANTIC)
    assert light.brightness == brightness


@both
def test_however_many_institutions_there_are_the_lights_are_bounded(centre: float) -> None:
    chance = random.Random(1)
    many = [
        place(chance.uniform(-60, 80), chance.uniform(-180, 180), chance.randint(1, 900), str(n))
        for n in range(5_000)
    ]
    shown = lights(many, centre)
    assert MOST_LIGHTS / 2 < len(shown) <= MOST_LIGHTS
    assert sum(light.place.count for light in shown) == sum(one.count for one in many)
    assert all(0 <= light.x <= WIDTH and 0 <= light.y <= HEIGHT for light in shown)


def test_no_lights_are_no_trouble() -> None:
    assert lights([], ATLANTIC) == []


@both
def test_even_the_poles_are_on_the_map(centre: float) -> None:
    north, south = position(90, 0, centre)[1], position(-90, 0, centre)[1]
    assert (north, south) == (0, HEIGHT)
