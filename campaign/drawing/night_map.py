"""The map of lights: land without borders, and a light for every place, neighbouring ones merged.

``land.json`` contains the coasts as rings of longitude and latitude, in tenths of a degree, each point as the
difference from the one before; a ring that crosses 180° goes on beyond it. It was made once from land-50m of the
npm package world-atlas 2.0.2 (Natural Earth, in the public domain): simplified by Visvalingam's method on the
Equal Earth map, 2000 units wide, to triangles of 4 square units, without islands below 6 square units and
without Antarctica.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from math import log10
from pathlib import Path
from typing import NamedTuple

from campaign.drawing.equal_earth import HEIGHT as GLOBE_HEIGHT
from campaign.drawing.equal_earth import WIDTH as GLOBE_WIDTH
from campaign.drawing.equal_earth import project

WIDTH = 2000
_SCALE = WIDTH / GLOBE_WIDTH
_NORTH, _SOUTH = 84.5, -64.0  # the northernmost land, and a little more than the southernmost light


def _down(y: float) -> float:
    """Convert the projection's y to units below the north pole."""
    return (GLOBE_HEIGHT / 2 - y) * _SCALE


TOP = round(_down(project(0, _NORTH)[1]))
HEIGHT = round(_down(project(0, _SOUTH)[1])) - TOP

# Central meridians, in degrees. The edge of the map is opposite: through the Bering Strait, and through the
# Atlantic, where it cuts no land but Greenland's ice.
ATLANTIC, PACIFIC = 11.0, 150.0

CLASSES = 7
MOST_LIGHTS = 600
_FINEST = 7.0  # units: nearer lights cannot be told apart on a phone


@dataclass(frozen=True, slots=True)
class MapPoint:
    """A place to be lit: its coordinates in degrees, its number of pledges, and the key of its page.

    It may stand for several institutions: ``members`` is their number, ``key`` the largest of them. ``is_vague``
    means that only the country is known, so that the coordinates are the country's point.
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
    """A place at its position on the map, in units of the view box."""

    x: int
    y: int
    place: MapPoint

    @property
    def brightness(self) -> int:
        """Return a class from 1 to CLASSES; each two classes up, the count is ten times as large."""
        return min(CLASSES, 1 + int(2 * log10(self.place.count)))


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a map in a file of its own; on a page the style sheet may set others."""

    sea: str
    land: str
    core: str
    lamp: str


NIGHT = Palette(sea="#0b1633", land="#22356b", core="#fff8e2", lamp="#ffc145")
DAY = Palette(sea="#f4f1e9", land="#dcd6c6", core="#a85800", lamp="#e08700")


def position(latitude: float, longitude: float, centre: float) -> tuple[float, float]:
    """Convert degrees to (x, y) in units of the view box of a map with this central meridian."""
    x, y = project((longitude - centre + 180) % 360 - 180, latitude)
    return WIDTH / 2 + x * _SCALE, min(max(_down(y) - TOP, 0), HEIGHT)


def lights(places: Sequence[MapPoint], centre: float, most: int = MOST_LIGHTS) -> list[Light]:
    """Return lights for the places, the brightest first; neighbours are merged until there are at most ``most``.

    Places in one square of a grid become one light. The grid is made coarser until few enough squares have any:
    that takes a few passes, where merging the nearest pairs would compare every place with every other.
    """
    located = [
        _Located(*position(place.latitude, place.longitude, centre), place) for place in places
    ]
    size = _FINEST
    while size < WIDTH and len({_cell(item, size) for item in located}) > most:
        size *= 1.4  # twice the area: about half as many lights in each pass
    cells: dict[_Cell, list[_Located]] = {}
    for item in located:
        cells.setdefault(_cell(item, size), []).append(item)
    merged = [_merged(neighbours) for neighbours in cells.values()]
    return sorted(merged, key=lambda light: (-light.place.count, light.place.key))


class _Located(NamedTuple):
    """A place at its exact position, in units of the view box."""

    x: float
    y: float
    place: MapPoint


class _Cell(NamedTuple):
    """A square of a grid; one for each country for vague places, which must not be merged with others."""

    column: int
    row: int
    country: str


def _cell(item: _Located, size: float) -> _Cell:
    country = item.place.key if item.place.is_vague else ""
    return _Cell(int(item.x / size), int(item.y / size), country)


def _merged(neighbours: Sequence[_Located]) -> Light:
    """Return one light in their centre of gravity, with the key of the largest."""
    count = sum(item.place.count for item in neighbours)
    largest = max((item.place for item in neighbours), key=lambda place: (place.count, place.key))
    return Light(
        round(sum(item.x * item.place.count for item in neighbours) / count),
        round(sum(item.y * item.place.count for item in neighbours) / count),
        replace(largest, count=count, members=sum(item.place.members for item in neighbours)),
    )


@cache
def land_path(centre: float) -> str:
    """Return all land as the data of one SVG path, cut at the edge of a map with this central meridian.

    Each ring is tried at three turns of the globe: one part may be at the left edge, another at the right.
    """
    return "".join(
        _path(part)
        for ring in _rings()
        for turn in (-360, 0, 360)
        if (part := _cut(ring, turn - centre))
    )


@cache
def globe_path() -> str:
    """Return the outline of the map (the sea) as SVG path data, between its northern and southern limits."""
    latitudes = [_SOUTH + (_NORTH - _SOUTH) * step / 40 for step in range(41)]
    return _path(
        [(-180, latitude) for latitude in latitudes]
        + [(180, latitude) for latitude in reversed(latitudes)]
    )


@dataclass(frozen=True, slots=True)
class _Ring:
    """A coast: its points (longitude, latitude) in degrees, and its westernmost and easternmost longitude."""

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
    """Return the part of the shifted ring that lies between the edges at ±180°; empty if none does."""
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
    """Yield the ring's part on one side of a meridian: 1 east of it, -1 west (Sutherland and Hodgman, 1974)."""
    for before, point in zip([ring[-1], *ring[:-1]], ring, strict=True):
        was_inside, is_inside = ((p[0] - edge) * side >= 0 for p in (before, point))
        if was_inside != is_inside:
            part = (edge - before[0]) / (point[0] - before[0])
            yield edge, before[1] + part * (point[1] - before[1])
        if is_inside:
            yield point


def _bent(ring: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Add points every two degrees where the ring runs along the edge of the map, which is a curve."""
    for before, point in zip([ring[-1], *ring[:-1]], ring, strict=True):
        if before[0] == point[0] and abs(point[0]) == 180:
            steps = int(abs(point[1] - before[1]) / 2)
            for step in range(1, steps + 1):
                yield point[0], before[1] + (point[1] - before[1]) * step / (steps + 1)
        yield point


def _path(ring: Sequence[tuple[float, float]]) -> str:
    """Return a closed ring as SVG path data, in whole units; each point is relative to the one before.

    Empty if less than a triangle is left of it. A minus sign separates numbers as well as a space does.
    """
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
