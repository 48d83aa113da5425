"""Logos of institutions: whatever is handed in is drawn anew, and only the new PNG is kept and shown.

A file is known by its content, never by its name. PNG, JPEG and WebP are decoded by Pillow, at most 16 megapixels.
SVG is parsed without entities and cut to shapes, text and colours: no pictures, style sheets, links, scripts or
references outside. What is left is drawn by Typst.
"""

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from xml.etree import ElementTree

import defusedxml
import typst
from defusedxml import ElementTree as SafeTree
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import select
from sqlalchemy.orm import undefer

from campaign import audit, topics, typesetting
from campaign.audit import Actor
from campaign.db import db
from campaign.institutions.models import REGISTRY, Institution, InstitutionLogo
from campaign.staff.scopes import Scope

MOST_BYTES = 2_000_000
LONGEST_SIDE = 512

_MOST_PIXELS = 16_000_000
_FORMATS = ("PNG", "JPEG", "WEBP")
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
# With what ``use`` repeats.
_MOST_ELEMENTS = 5_000
_SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon"}
_ELEMENTS = _SHAPES | {
    "svg", "g", "defs", "symbol", "use", "text", "tspan", "linearGradient", "radialGradient", "stop", "clipPath",
    "mask",
}  # fmt: skip
_PAINT = {
    "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap",
    "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "opacity", "color", "display",
    "visibility", "clip-path", "clip-rule", "mask", "stop-color", "stop-opacity", "font-size",
    "font-weight", "font-style", "text-anchor", "letter-spacing",
}  # fmt: skip
_ATTRIBUTES = _PAINT | {
    "id", "d", "points", "x", "y", "dx", "dy", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy",
    "width", "height", "viewBox", "preserveAspectRatio", "transform", "gradientUnits", "gradientTransform",
    "spreadMethod", "offset", "clipPathUnits", "maskUnits", "maskContentUnits",
}  # fmt: skip
# The one that is there; others would not be drawn at all.
_FONT = "Noto Sans"
_INNER_URL = re.compile(r"url\(\s*['\"]?#[\w.:-]+['\"]?\s*\)")


class LogoProblem(StrEnum):
    """Why a file cannot be a logo."""

    TOO_LARGE = "too large"
    TOO_MANY_PIXELS = "too many pixels"
    # Neither PNG, JPEG, WebP nor SVG, whatever its name says.
    UNKNOWN_FORMAT = "unknown format"
    DAMAGED = "damaged"
    # An SVG with entities, or whose parts refer to each other too often.
    UNSAFE = "unsafe"
    EMPTY = "empty"


class InvalidLogo(Exception):
    """The file cannot be a logo."""

    def __init__(self, problem: LogoProblem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True)
class Picture:
    """A logo as PNG."""

    png: bytes
    width: int
    height: int


def put(institution: Institution, file: bytes, actor: Actor, scope: Scope) -> InstitutionLogo:
    """Make the picture in a file the institution's logo. Raises InvalidLogo, OutOfScope."""
    scope.check(institution.country, institution.id)
    picture = draw(file)
    before = of(institution.id)
    digest_before = before.digest if before else None
    logo = db.session.merge(
        InstitutionLogo(
            institution_id=institution.id,
            digest=sha256(picture.png).hexdigest(),
            png=picture.png,
            width=picture.width,
            height=picture.height,
        )
    )
    _note(institution, "logo added", digest_before, logo.digest, actor)
    return logo


def remove(institution: Institution, actor: Actor, scope: Scope) -> None:
    """Show no logo of the institution any more. Raises OutOfScope."""
    scope.check(institution.country, institution.id)
    if logo := of(institution.id):
        db.session.delete(logo)
        _note(institution, "logo removed", logo.digest, None, actor)


def _note(
    institution: Institution, action: str, before: str | None, after: str | None, actor: Actor
) -> None:
    details = {"before": before, "after": after}
    audit.record_if_staff(actor, action, f"institution:{institution.id}", details)
    db.session.flush()
    topics.raise_version(REGISTRY)


def of(institution_id: str) -> InstitutionLogo | None:
    """Return the logo of an institution, without the picture itself."""
    return db.session.get(InstitutionLogo, institution_id)


def png(digest: str) -> bytes | None:
    """Return the picture with this digest."""
    logo = select(InstitutionLogo).where(InstitutionLogo.digest == digest).limit(1)
    found = db.session.scalar(logo.options(undefer(InstitutionLogo.png)))
    return found.png if found else None


def draw(file: bytes) -> Picture:
    """Return the picture in a file, drawn anew and small enough for a page. Raises InvalidLogo."""
    if len(file) > MOST_BYTES:
        raise InvalidLogo(LogoProblem.TOO_LARGE)
    return _small(_opened(_drawn_svg(file) if _is_svg(file) else file))


def _is_svg(file: bytes) -> bool:
    return file.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _opened(file: bytes) -> Image.Image:
    """Return the decoded picture, turned as its camera held it. Raises InvalidLogo."""
    try:
        with warnings.catch_warnings():
            # Beside our own limit: a warning of Pillow becomes the error that its hard limit is.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(file), formats=_FORMATS)
            if picture.width * picture.height > _MOST_PIXELS:
                raise InvalidLogo(LogoProblem.TOO_MANY_PIXELS)
            picture.load()
            return ImageOps.exif_transpose(picture).convert("RGBA")
    except UnidentifiedImageError:
        raise InvalidLogo(LogoProblem.UNKNOWN_FORMAT) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InvalidLogo(LogoProblem.TOO_MANY_PIXELS) from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise InvalidLogo(LogoProblem.DAMAGED) from None


def _small(picture: Image.Image) -> Picture:
    """Return the picture as PNG, cut to what is not transparent. Raises InvalidLogo where nothing is left."""
    box = picture.getchannel("A").getbbox()
    if box is None:
        raise InvalidLogo(LogoProblem.EMPTY)
    picture = picture.crop(box)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    # A picture made anew takes nothing along that stood beside the pixels.
    clean = Image.new("RGBA", picture.size)
    clean.paste(picture)
    stream = io.BytesIO()
    clean.save(stream, "PNG", optimize=True)
    return Picture(stream.getvalue(), *clean.size)


def _drawn_svg(file: bytes) -> bytes:
    """Return an SVG as PNG. Raises InvalidLogo."""
    root = _cut(_parsed(file))
    _check_uses(root)
    svg = ElementTree.tostring(root, encoding="unicode")
    try:
        return typesetting.png(
            "logo.typ", {"lang": "en", "title": "", "svg": svg}, 2 * LONGEST_SIDE
        )
    except typst.TypstError:
        raise InvalidLogo(LogoProblem.DAMAGED) from None


def _parsed(file: bytes) -> ElementTree.Element:
    try:
        root: ElementTree.Element = SafeTree.fromstring(file, forbid_dtd=False)
    except defusedxml.DefusedXmlException:
        raise InvalidLogo(LogoProblem.UNSAFE) from None
    except (ElementTree.ParseError, ValueError, LookupError):
        raise InvalidLogo(LogoProblem.DAMAGED) from None
    if root.tag != f"{_SVG}svg":
        raise InvalidLogo(LogoProblem.UNKNOWN_FORMAT)
    return root


def _cut(element: ElementTree.Element) -> ElementTree.Element:
    """Return a copy with the elements and attributes of the allow-list only."""
    kept = ElementTree.Element(element.tag, dict(_attributes(element)))
    if element.tag == f"{_SVG}text":
        kept.set("font-family", _FONT)
    kept.text, kept.tail = element.text, element.tail
    kept.extend(_cut(child) for child in element if _is_allowed(child))
    return kept


def _is_allowed(element: ElementTree.Element) -> bool:
    # Comments and processing instructions have no text for a tag.
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag.startswith(_SVG) and tag.removeprefix(_SVG) in _ELEMENTS


def _attributes(element: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for name, value in element.items():
        if name in _ATTRIBUTES and _is_inner(value):
            yield name, value
        elif name == "style":
            yield from _paint(value)
        elif name in {"href", _XLINK} and value.startswith("#"):
            yield _XLINK, value


def _paint(style: str) -> Iterator[tuple[str, str]]:
    """Yield the declarations of a style attribute as attributes."""
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name in _PAINT and _is_inner(value):
            yield name, value


def _is_inner(value: str) -> bool:
    """Whether a value refers to nothing outside the file."""
    rest = _INNER_URL.sub("", value)
    return "(" not in rest or "url" not in rest.lower()


def _check_uses(root: ElementTree.Element) -> None:
    """Raises InvalidLogo where parts are repeated too often: ten of ten of ten would draw for hours."""
    parts = {part.get("id"): part for part in root.iter() if part.get("id")}
    size = sum(1 for _ in root.iter())
    for use in root.iter(f"{_SVG}use"):
        part = parts.get((use.get(_XLINK) or "").removeprefix("#"))
        if part is not None:
            if part.tag == f"{_SVG}use" or part.find(f".//{_SVG}use") is not None:
                raise InvalidLogo(LogoProblem.UNSAFE)
            size += sum(1 for _ in part.iter())
    if size > _MOST_ELEMENTS:
        raise InvalidLogo(LogoProblem.UNSAFE)
