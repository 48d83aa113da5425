"""Draws the rooms of the house from its imports, into docs/rooms.svg: ``make rooms``.

Layers stand one on another, and a room may use every room below its own. Inside a layer an arrow leads from a
room to one that it imports; what follows from other arrows is left out. Names of the ground have no arrows.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from statistics import median
from typing import NamedTuple

from tests.structure.rooms import (
    DOMAINS,
    DOORS,
    ROOT,
    SHARED,
    TOP,
    modules,
    room_of,
    rooms_imported,
)

# Beside the layers: used by some of them, and standing on nothing of the house.
APART = ("local", "migrations")
FILE = ROOT / "docs/rooms.svg"
Uses = Mapping[str, set[str]]

# In units of a picture that a phone shows nearly at its own size.
WIDTH, EDGE, PAD = 400, 10, 14
ROOM, ROW, LETTER = 28, 52, 7.9  # height of a room, from row to row, width of a letter of its name
HEAD, BETWEEN = 34, 24  # above a layer's first room; between two layers

STYLE = """
  text { font: 13px ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", "Liberation Mono", monospace; }
  .title, .note { font-family: system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
  .title { font-weight: 700; font-size: 14px; } .note { font-weight: 400; font-size: 12px; }
  .name { text-anchor: middle; }
  .paper { fill: #fdfcf9; } .layer { fill: #f3efe4; } .room { fill: #fff; stroke: #cbbf9f; }
  .name, .title { fill: #16203a; } .note { fill: #4b5570; }
  .arrow { fill: none; stroke: #9a6a00; stroke-width: 1.5; } .head { fill: #9a6a00; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0c1430; } .layer { fill: #141f44; } .room { fill: #0a1028; stroke: #3d4d84; }
    .name, .title { fill: #edf0f8; } .note { fill: #b6bfd8; }
    .arrow { stroke: #ffc145; } .head { fill: #ffc145; }
  }
"""


class Layer(NamedTuple):
    """Some rooms under one heading; in levels with arrows, or as names that follow each other."""

    title: str
    note: str
    rooms: Sequence[str]
    in_levels: bool = True


def uses() -> dict[str, set[str]]:
    """Each room with those it imports, from the files."""
    found: dict[str, set[str]] = {}
    for path in modules():
        room = room_of(path)
        found.setdefault(room, set()).update(rooms_imported(path) - {room})
    del found["__init__"]
    return found


def layers(house: Uses) -> list[Layer]:
    upper = {"worker", *TOP, *DOORS, *SHARED, *DOMAINS, *APART}
    return [
        Layer("Programs", "join what is below", ("worker", *TOP)),
        Layer(
            "Doors", "siblings that know nothing of each other", [d for d in DOORS if d in house]
        ),
        Layer("Shared", "what doors stand on", SHARED),
        Layer("Domains", "what the campaign is about", DOMAINS),
        Layer("Ground", "without a word of the campaign", sorted(house.keys() - upper), False),
        Layer("Apart", "; ".join(_users(house, room) for room in APART), APART),
    ]


def _users(house: Uses, room: str) -> str:
    users = sorted(other for other in house if room in house[other])
    return f"{room} for {', '.join(users) or 'Alembic'}"


def reachable(house: Uses, room: str) -> set[str]:
    return house[room].union(*(reachable(house, other) for other in house[room]))


def arrows(house: Uses, rooms: Sequence[str]) -> dict[str, set[str]]:
    """The imports between these rooms, without those that follow from others."""
    inside = {room: house[room] & {*rooms} for room in rooms}
    return {
        room: inside[room] - set().union(*(reachable(inside, other) for other in inside[room]))
        for room in rooms
    }


def levels(edges: Uses) -> list[list[str]]:
    """Rooms in rows, each above all that it uses."""
    height: dict[str, int] = {}

    def measure(room: str) -> int:
        height[room] = max((measure(other) + 1 for other in edges[room]), default=0)
        return height[room]

    highest = max(map(measure, edges))
    return [[room for room in edges if height[room] == level] for level in range(highest, -1, -1)]


def places(rows: list[list[str]], edges: Uses, top: float) -> dict[str, tuple[float, float]]:
    """The middle of each room's upper edge: several share the row's width, one stands over what it uses."""
    at: dict[str, tuple[float, float]] = {}
    for number, row in reversed([*enumerate(rows)]):
        gap = (WIDTH - 2 * EDGE - sum(map(_width, row))) / (len(row) + 1)
        x = EDGE + gap
        for room in row:
            below = [at[other][0] for other in edges[room]]
            alone = below and len(row) == 1
            at[room] = (
                median(below) if alone else x + _width(room) / 2,
                top + ROW * number,
            )
            x += _width(room) + gap
    return at


def draw_levels(house: Uses, layer: Layer, top: float) -> tuple[list[str], float]:
    """The layer's elements and its height below the heading."""
    edges = arrows(house, layer.rooms)
    rows = levels(edges)
    at = places(rows, edges, top)
    lines = [_arrow(at[room], at[other]) for room in edges for other in sorted(edges[room])]
    boxes = [box for room in layer.rooms for box in _room(room, *at[room])]
    return [*lines, *boxes], ROW * (len(rows) - 1) + ROOM


def draw_names(layer: Layer, top: float) -> tuple[list[str], float]:
    boxes: list[str] = []
    x, y = float(EDGE + PAD), top
    for room in layer.rooms:
        width = _width(room)
        if x + width > WIDTH - EDGE - PAD:
            x, y = EDGE + PAD, y + ROOM + 8
        boxes += _room(room, x + width / 2, y)
        x += width + 8
    return boxes, y - top + ROOM


def _width(room: str) -> float:
    return len(room) * LETTER + 18


def _room(room: str, x: float, y: float) -> Iterator[str]:
    width = _width(room)
    yield f'<rect class="room" x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" height="{ROOM}" rx="7"/>'
    yield f'<text class="name" x="{x:.1f}" y="{y + 18.5:.1f}">{escape(room)}</text>'


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """From the lower edge of one room to the upper edge of another."""
    (x, y), (to_x, to_y) = start, end
    y, to_y = y + ROOM, to_y - 6
    bend = (to_y - y) / 2
    return (
        f'<path class="arrow" marker-end="url(#head)" '
        f'd="M{x:.1f},{y:.1f} C{x:.1f},{y + bend:.1f} {to_x:.1f},{to_y - bend:.1f} {to_x:.1f},{to_y:.1f}"/>'
    )


def draw() -> str:
    """The whole picture, the same for the same imports."""
    house = uses()
    elements: list[str] = []
    y = float(EDGE)
    for layer in layers(house):
        if elements and layer.title != "Apart":
            elements.append(_arrow((WIDTH / 2, y - BETWEEN + 2 - ROOM), (WIDTH / 2, y - 1)))
        top = y + HEAD
        drawn, height = (
            draw_levels(house, layer, top) if layer.in_levels else draw_names(layer, top)
        )
        elements += [
            f'<rect class="layer" x="{EDGE}" y="{y:.1f}" width="{WIDTH - 2 * EDGE}" '
            f'height="{HEAD + height + PAD:.1f}" rx="12"/>',
            f'<text class="title" x="{EDGE + PAD}" y="{y + 22:.1f}">{layer.title}'
            f'<tspan class="note" dx="8">{layer.note}</tspan></text>',
            *drawn,
        ]
        y = top + height + PAD + BETWEEN
    height = y - BETWEEN + EDGE
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
            f'width="{WIDTH}" height="{height:.0f}" role="img" aria-label="The rooms of the house">',
            f"<style>{STYLE}</style>",
            '<marker id="head" viewBox="0 0 8 8" refX="3" refY="4" markerWidth="8" markerHeight="8" '
            'markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0,0 8,4 0,8z"/></marker>',
            f'<rect class="paper" width="{WIDTH}" height="{height:.0f}" rx="16"/>',
            *elements,
            "</svg>\n",
        )
    )


if __name__ == "__main__":
    FILE.write_text(draw(), "utf-8")
