"""The map of lights: land without borders, and a light for every place, near ones merged.

``land.json`` holds the coasts as rings of longitude and latitude, in tenths of a degree, each point as the
difference from the one before; a ring that crosses 180° goes on beyond it. Made once from land-50m of the npm
package world-atlas 2.0.2 (Natural Earth, in the public domain): simplified by Visvalingam's method on the
Equal Earth map, 2000 units wide, to triangles of 4 square units, without islands below 6 square units
and without Antarctica.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from math import log10
from pathlib import Path

from campaign.drawing.equal_earth import HEIGHT as GLOBE_HEIGHT
from campaign.drawing.equal_earth import WIDTH as GLOBE_WIDTH
from campaign.drawing.equal_earth import project

WIDTH = 2000
_SCALE = WIDTH / GLOBE_WIDTH
_NORTH, _SOUTH = 84.5, -64.0  # the northernmost land, and a little more than the southernmost light


def _down(y: float) -> float:
    """From the projection's y to units below the north pole."""
    return (GLOBE_HEIGHT / 2 - y) * _SCALE


TOP = round(_down(project(0, _NORTH)[1]))
HEIGHT = round(_down(project(0, _SOUTH)[1])) - TOP

# Where the reader expects the middle of the world: these cut no land but Greenland's ice.
ATLANTIC, PACIFIC = 11.0, 150.0

CLASSES = 7
MOST_LIGHTS = 600
_FINEST = 7.0  # units: lights nearer than that are one on a telephone


@dataclass(frozen=True, slots=True)
class MapPoint:
    """Something to be lit: where it is, how many count there, and what a reader is led to.

    ``members`` is how many things the light stands for; the key names the largest. ``is_vague`` is a place of
    which only the country is known: ``latitude`` and ``longitude`` (in degrees) are then the country's point.
    """

    latitude: float
    longitude: float
    count: int
    key: str
    country: str
    members: int = 1
    is_vague: bool = False


@dataclass(frozen=True, slots=True)
class Light:
    """A place on the map, in units of its view box."""

    x: int
    y: int
    place: MapPoint

    @property
    def brightness(self) -> int:
        """Twice the logarithm of the count, from 1 to CLASSES."""
        return min(CLASSES, 1 + int(2 * log10(self.place.count)))


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a map that stands alone; on a page the style sheet may have others."""

    sea: str
    land: str
    core: str
    lamp: str


NIGHT = Palette(sea="#0b1633", land="#22356b", core="#fff8e2", lamp="#ffc145")
DAY = Palette(sea="#f4f1e9", land="#dcd6c6", core="#a85800", lamp="#e08700")


def position(latitude: float, longitude: float, centre: float) -> tuple[float, float]:
    """Degrees to units of the view box of a map with this central meridian."""
    x, y = project((longitude - centre + 180) % 360 - 180, latitude)
    return WIDTH / 2 + x * _SCALE, min(max(_down(y) - TOP, 0), HEIGHT)


def lights(places: Sequence[MapPoint], centre: float, most: int = MOST_LIGHTS) -> list[Light]:
    """A light for each place, the brightest first; near ones are merged until there are no more than ``most``."""
    located = [(*position(place.latitude, place.longitude, centre), place) for place in places]
    cell = _FINEST
    while cell < WIDTH and len({_cell(*one, cell) for one in located}) > most:
        cell *= 1.4
    cells: dict[_Cell, list[tuple[float, float, MapPoint]]] = {}
    for one in located:
        cells.setdefault(_cell(*one, cell), []).append(one)
    merged = [_as_one(near) for near in cells.values()]
    return sorted(merged, key=lambda light: (-light.place.count, light.place.key))


_Cell = tuple[int, int, str]


def _cell(x: float, y: float, place: MapPoint, size: float) -> _Cell:
    """Where in a grid a place lies; where only the country is known, the light stays its own."""
    return int(x / size), int(y / size), place.key if place.is_vague else ""


def _as_one(near: Sequence[tuple[float, float, MapPoint]]) -> Light:
    """In the middle of where most count; named after the largest."""
    count = sum(place.count for _, _, place in near)
    largest = max(near, key=lambda one: (one[2].count, one[2].key))[2]
    return Light(
        round(sum(x * place.count for x, _, place in near) / count),
        round(sum(y * place.count for _, y, place in near) / count),
        replace(largest, count=count, members=sum(place.members for _, _, place in near)),
    )


@cache
def land_path(centre: float) -> str:
    """All land as the data of one SVG path, cut where a map with this central meridian ends."""
    return "".join(
        _path(part)
        for ring in _rings()
        for turn in (-360, 0, 360)
        if (part := _cut(ring, turn - centre))
    )


@cache
def globe_path() -> str:
    """The outline of the map: the sea, down to where the map is cut off."""
    latitudes = [_SOUTH + (_NORTH - _SOUTH) * step / 40 for step in range(41)]
    return _path(
        [(-180, latitude) for latitude in latitudes]
        + [(180, latitude) for latitude in reversed(latitudes)]
    )


@dataclass(frozen=True, slots=True)
class _Ring:
    """A coast: points of (longitude, latitude) in degrees, and between which meridians they lie."""

    points: list[tuple[float, float]]
    west: float
    east: float


@cache
def _rings() -> list[_Ring]:
    stored = json.loads(Path(__file__).with_name("land.json").read_text("utf-8"))
    rings = [list(_points(ring, stored["units_per_degree"])) for ring in stored["rings"]]
    return [_Ring(points, min(points)[0], max(points)[0]) for points in rings]


def _points(ring: Sequence[int], units: int) -> Iterator[tuple[float, float]]:
    longitude = latitude = 0
    for east, north in zip(ring[::2], ring[1::2], strict=True):
        longitude, latitude = longitude + east, latitude + north
        yield longitude / units, latitude / units


def _cut(ring: _Ring, shift: float) -> list[tuple[float, float]]:
    """What of the shifted ring lies between the edges at ±180°, which are curves on the map."""
    west, east = ring.west + shift, ring.east + shift
    if west >= 180 or east <= -180:
        return []
    points = [(longitude + shift, latitude) for longitude, latitude in ring.points]
    if west >= -180 and east <= 180:
        return points
    for edge, side in ((-180.0, 1), (180.0, -1)):
        points = list(_clipped(points, edge, side))
    return list(_bent(points))


def _clipped(
    ring: Sequence[tuple[float, float]], edge: float, side: int
) -> Iterator[tuple[float, float]]:
    """The part on one side of a meridian (Sutherland and Hodgman, 1974)."""
    for before, point in zip([ring[-1], *ring[:-1]], ring, strict=True):
        was_inside, is_inside = ((p[0] - edge) * side >= 0 for p in (before, point))
        if was_inside != is_inside:
            part = (edge - before[0]) / (point[0] - before[0])
            yield edge, before[1] + part * (point[1] - before[1])
        if is_inside:
            yield point


def _bent(ring: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The edge of the map is a curve: more points where the ring runs along it."""
    for before, point in zip([ring[-1], *ring[:-1]], ring, strict=True):
        if before[0] == point[0] and abs(point[0]) == 180:
            steps = int(abs(point[1] - before[1]) / 2)
            for step in range(1, steps + 1):
                yield point[0], before[1] + (point[1] - before[1]) * step / (steps + 1)
        yield point


def _path(ring: Sequence[tuple[float, float]]) -> str:
    """A closed ring as path data: whole units, each point relative to the one before."""
    points = [_unit(*degrees) for degrees in ring]
    steps = [
        (x - before_x, y - before_y)
        for (before_x, before_y), (x, y) in pairwise(points)
        if (x, y) != (before_x, before_y)
    ]
    if len(steps) < 2:
        return ""
    numbers = " ".join(f"{x} {y}" for x, y in steps).replace(" -", "-")
    return f"M{points[0][0]} {points[0][1]}l{numbers}z"


def _unit(longitude: float, latitude: float) -> tuple[int, int]:
    x, y = project(longitude, latitude)
    return round(WIDTH / 2 + x * _SCALE), round(_down(y)) - TOP
