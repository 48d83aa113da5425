"""PDF documents and pictures, typeset by Typst with our own fonts in every script of the campaign.

The templates are ``templates/print/*.typ``; what they show comes as JSON, so nothing that a person typed is ever
read as markup. They know no language: whoever calls passes the words, translated and formatted.
"""

import json
import threading
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst

from campaign.paths import TEMPLATES

# No font of the system: the same document on every machine, and no glyph that nobody looked at.
_FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
_PICTURE_POINTS = 1200
_MISSING_GLYPH = "could not be displayed with font"


class _Template:
    """A compiler that keeps what it once laid out. It is not made for two threads, hence the lock."""

    def __init__(self, name: str) -> None:
        self._lock = threading.Lock()
        self._compiler = typst.Compiler(
            TEMPLATES / "print" / name, root=TEMPLATES.parent, font_paths=fonts()
        )

    def compile(self, data: Mapping[str, Any], **options: Any) -> bytes:
        inputs = {"data": json.dumps(data, ensure_ascii=False)}
        with self._lock:
            made = self._compiler.compile(sys_inputs=inputs, **options)
        assert isinstance(made, bytes), "a template of one page makes one file"
        return made


@cache
def fonts() -> typst.Fonts:
    """The fonts of the packages, without those of the system and of Typst."""
    folders = [_folder(package) for package in _FONT_PACKAGES]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None, f"{package} is a dependency"
    assert spec.origin is not None, f"{package} has files"
    return Path(spec.origin).parent


_made: dict[str, _Template] = {}
_making = threading.Lock()


def _template(name: str) -> _Template:
    with _making:  # two threads with a compiler each would waste the first layout
        if name not in _made:
            _made[name] = _Template(name)
        return _made[name]


def pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """A tagged PDF that declares PDF/UA-1 (ISO 14289-1), from ``templates/print/<template>``, such as "card.typ".

    Where a name has a character that none of our fonts has, the document shows a box for it and declares nothing,
    since the standard forbids it. Raises typst.TypstError where the template and its data do not fit.
    """
    found = _template(template)
    try:
        return found.compile(data, format="pdf", pdf_standards=["ua-1"])
    except typst.TypstError as error:
        if _MISSING_GLYPH not in str(error):
            raise
    return found.compile(data, format="pdf")


def png(template: str, data: Mapping[str, Any], width: int = _PICTURE_POINTS) -> bytes:
    """A picture ``width`` pixels wide of a template whose page is 1200 pt wide."""
    points_per_inch = 72
    return _template(template).compile(
        data, format="png", ppi=points_per_inch * width / _PICTURE_POINTS
    )
