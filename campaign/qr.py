"""Draw QR codes (ISO/IEC 18004) of addresses."""

from io import BytesIO

import segno

# A quarter of the code may be dirty or torn, since posters hang on walls.
_ERROR_LEVEL = "q"
QUIET_ZONE = 4  # modules, as the standard requires


def qr_svg(url: str) -> str:
    """Return the code as an SVG document, dark on a light ground of its own: phones read it in dark mode, too."""
    picture = BytesIO()
    _code(url).save(
        picture,
        kind="svg",
        border=QUIET_ZONE,
        dark="#0b1633",
        light="#fff",
        omitsize=True,
        xmldecl=False,
        nl=False,
        svgclass=None,
        lineclass=None,
    )
    return picture.getvalue().decode()


def _code(url: str) -> segno.QRCode:
    return segno.make_qr(url, error=_ERROR_LEVEL)
