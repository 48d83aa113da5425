"""A logo is drawn anew, and what could harm in a file is refused or gone."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy.orm import Session

from campaign import topics
from campaign.institutions import logos
from campaign.institutions.logos import LONGEST_SIDE, InvalidLogo, LogoProblem
from campaign.institutions.models import REGISTRY
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope
from tests.factories import STAFF, institution

GREEN, RED = (0, 128, 0, 255), (255, 0, 0, 255)
BOX = '<rect width="10" height="10" fill="green"/>'


def picture(format_: str = "PNG", size: tuple[int, int] = (20, 10), **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "green").save(stream, format_, **options)
    return stream.getvalue()


def svg(inner: str = BOX, before: str = "", attributes: str = "") -> bytes:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'{before}<svg {names} viewBox="0 0 10 10" {attributes}>{inner}</svg>'.encode()


def colours(png: bytes) -> set[tuple[int, ...]]:
    """The opaque colours of a picture, without those that edges are smoothed by."""
    image = Image.open(io.BytesIO(png))
    found = image.getcolors(1 << 20) or []
    return {colour for number, colour in found if number > 2000 and colour[3] == 255}


def refused(file: bytes) -> LogoProblem:
    with pytest.raises(InvalidLogo) as invalid:
        logos.draw(file)
    return invalid.value.problem


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_a_small_png(format_: str) -> None:
    drawn = logos.draw(picture(format_, (2000, 1000)))
    image = Image.open(io.BytesIO(drawn.png))
    assert (image.format, image.size) == ("PNG", (LONGEST_SIDE, LONGEST_SIDE // 2))
    assert (drawn.width, drawn.height) == image.size


def test_what_stands_beside_the_pixels_is_gone() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    assert b"secret" in picture("JPEG", exif=exif)
    assert b"secret" not in logos.draw(picture("JPEG", exif=exif)).png


def test_an_svg_is_drawn_as_large_as_its_shapes() -> None:
    drawn = logos.draw(svg('<rect x="2" y="4" width="6" height="3" style="fill:green"/>'))
    assert drawn.width == LONGEST_SIDE
    assert abs(drawn.width / drawn.height - 2) < 0.05
    assert colours(drawn.png) == {GREEN}


def test_gradients_and_parts_that_are_used_again_are_kept() -> None:
    inner = (
        '<defs><linearGradient id="a"><stop stop-color="red"/></linearGradient>'
        '<rect id="b" width="10" height="10"/></defs><use xlink:href="#b" fill="url(#a)"/>'
    )
    assert colours(logos.draw(svg(inner)).png) == {RED}


def test_words_are_drawn_whatever_their_font() -> None:
    words = '<text y="8" font-size="8" font-family="Frutiger" style="fill:green">Uni</text>'
    drawn = logos.draw(svg(words))
    assert colours(drawn.png) == {GREEN}


# Each is drawn without what is forbidden: only the green box is left.
@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        '<rect width="1" height="1" fill="green" onload="alert(1)"/>',
        '<image href="{path}" width="10" height="10"/>',
        '<image xlink:href="{path}" width="10" height="10"/>',
        '<image href="https://example.org/x.png" width="10" height="10"/>',
        '<use href="{path}#a"/>',
        '<a href="https://example.org/"><rect width="10" height="10" fill="red"/></a>',
        "<style>rect {{ fill: red }}</style>",
        "<style>@import url('https://example.org/x.css');</style>",
        '<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>',
        '<filter id="f"><feImage href="{path}"/></filter><rect fill="green" filter="url(#f)"/>',
        '<pattern id="p"><image href="{path}"/></pattern>',
        '<animate attributeName="fill" to="red"/>',
        '<rect width="10" height="10" fill="url(https://example.org/x.svg#a) red"/>',
    ],
)
def test_what_an_svg_must_not_have_is_not_drawn(inner: str, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (10, 10), "red").save(path)
    drawn = logos.draw(svg(inner.format(path=path) + BOX))
    assert colours(drawn.png) == {GREEN}


def test_a_picture_in_the_folder_of_the_program_is_not_read() -> None:
    assert refused(svg('<image href="/static/img/icon-192.png" width="9" height="9"/>')) is (
        LogoProblem.EMPTY
    )


def test_entities_are_refused() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    before = f'<!DOCTYPE svg [<!ENTITY l0 "lol">{laughs}]>'
    assert refused(svg("<text>&l9;</text>", before)) is LogoProblem.UNSAFE
    outside = '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    assert refused(svg("<text>&x;</text>", outside)) is LogoProblem.UNSAFE


def test_parts_of_parts_of_parts_are_refused() -> None:
    parts = "".join(
        f'<g id="g{n}">' + f'<use xlink:href="#g{n - 1}"/>' * 10 + "</g>" for n in range(1, 10)
    )
    assert refused(svg(f'<g id="g0">{BOX}</g>{parts}')) is LogoProblem.UNSAFE
    assert refused(svg('<g id="a"><use xlink:href="#a"/></g>')) is LogoProblem.UNSAFE
    assert refused(svg(BOX * 5_001)) is LogoProblem.UNSAFE


def test_a_large_plane_is_not_decoded() -> None:
    """20,000 × 20,000 pixels in 50 kB: decoded, they would take more than a gigabyte."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        sum_ = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + sum_

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes(2501 * 20_000))
    plane = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    assert refused(plane) is LogoProblem.TOO_MANY_PIXELS
    assert refused(picture(size=(4001, 4000))) is LogoProblem.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (picture()[:-30], LogoProblem.DAMAGED),
        (picture("JPEG", (300, 300))[:400], LogoProblem.DAMAGED),
        (picture("GIF"), LogoProblem.UNKNOWN_FORMAT),
        (picture("BMP"), LogoProblem.UNKNOWN_FORMAT),
        (b"%PDF-1.7", LogoProblem.UNKNOWN_FORMAT),
        (b"", LogoProblem.UNKNOWN_FORMAT),
        (b"<html><body>logo.png</body></html>", LogoProblem.UNKNOWN_FORMAT),
        (svg()[:-3], LogoProblem.DAMAGED),
        (b'<svg xmlns="http://www.w3.org/2000/svg"', LogoProblem.DAMAGED),
        (svg(""), LogoProblem.EMPTY),
        (bytes(2_000_001), LogoProblem.TOO_LARGE),
    ],
)
def test_what_is_no_picture_is_refused(file: bytes, problem: LogoProblem) -> None:
    assert refused(file) is problem


def test_a_logo_is_put_replaced_and_removed(session: Session) -> None:
    own = institution()
    version = topics.version(REGISTRY, "")
    first = logos.put(own, picture(), STAFF, EVERYTHING).digest
    second = logos.put(own, svg(), STAFF, EVERYTHING).digest
    assert logos.png(first) is None
    assert (logos.png(second) or b"").startswith(b"\x89PNG")
    logos.remove(own, STAFF, EVERYTHING)
    assert (logos.of(own.id), logos.png(second)) == (None, None)
    assert topics.version(REGISTRY, "") == version + 3


def test_only_who_looks_after_it_changes_a_logo(session: Session) -> None:
    own, scope = institution(), Scope(institution_id="x52gg0149")
    with pytest.raises(OutOfScope):
        logos.put(own, picture(), STAFF, scope)
    with pytest.raises(OutOfScope):
        logos.remove(own, STAFF, scope)
