"""Typeset PDF documents and pictures with Typst, in fonts for every script of the campaign.

The templates are ``templates/print/*.typ``. They get their contents as JSON, so nothing that a person typed is
ever read as markup. They contain no words: callers pass them, translated and formatted.
"""

import json
import threading
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Required, TypedDict, Unpack

import typst

from campaign.paths import TEMPLATES

# Fonts of the system are not used, so that a document is the same on every machine.
#
# These packages were made for an animation tool, and yet are the best source on PyPI: no others have all the
# scripts of ``templates/print/common.typ``, as the Noto project publishes them, variable in weight. fontpkg-noto-*
# has seven of our 23 families (neither Hebrew nor Ethiopic nor Han); noto-cjk downloads its fonts as it runs.
# A release for that tool must not change our certificates unseen, so tests/ground/test_typesetting.py pins the
# digest of each file: when it fails, look at a certificate in each language, then pin the new digests.
_FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
_PICTURE_POINTS = 1200
_MISSING_GLYPH = "could not be displayed with font"


class _Options(TypedDict, total=False):
    """What a page is compiled to; see typst.Compiler.compile."""

    format: Required[Literal["pdf", "png"]]
    ppi: float
    pdf_standards: Literal["ua-1"]


class _Template:
    """A compiler for one template, which caches what it has laid out; not thread-safe, so threads take turns."""

    def __init__(self, name: str) -> None:
        self._lock = threading.Lock()
        self._compiler = typst.Compiler(
            TEMPLATES / "print" / name, root=TEMPLATES.parent, font_paths=fonts()
        )

    def compile(self, data: Mapping[str, Any], **options: Unpack[_Options]) -> bytes:
        """Typeset the template with the data; ``options`` are those of ``typst.Compiler.compile``."""
        inputs = {"data": json.dumps(data, ensure_ascii=False)}
        with self._lock:
            output = self._compiler.compile(sys_inputs=inputs, **options)
        assert isinstance(output, bytes), "a template of one page makes one file"
        return output


@cache
def fonts() -> typst.Fonts:
    """Return the fonts of the packages, without those of the system and of Typst."""
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=font_folders()
    )


def font_folders() -> list[Path]:
    """Return the folders of the font files that documents are drawn with."""
    return [_folder(package) for package in _FONT_PACKAGES]


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None, f"{package} is a dependency"
    assert spec.origin is not None, f"{package} has files"
    return Path(spec.origin).parent


_templates: dict[str, _Template] = {}
_templates_lock = threading.Lock()


def _template(name: str) -> _Template:
    with _templates_lock:  # else two threads could make a compiler each, and lay out twice
        if name not in _templates:
            _templates[name] = _Template(name)
        return _templates[name]


def pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """Return a tagged PDF that declares PDF/UA-1 (ISO 14289-1), from ``templates/print/<template>``.

    A character that none of our fonts has is shown as a box; the document then does not declare the standard,
    which forbids that. Raises typst.TypstError if the template and its data do not fit.
    """
    compiler = _template(template)
    try:
        return compiler.compile(data, format="pdf", pdf_standards="ua-1")
    except typst.TypstError as error:
        if _MISSING_GLYPH not in str(error):
            raise
    return compiler.compile(data, format="pdf")


def png(template: str, data: Mapping[str, Any], width: int = _PICTURE_POINTS) -> bytes:
    """Return a picture, ``width`` pixels wide, of a template whose page is 1200 pt wide."""
    points_per_inch = 72
    return _template(template).compile(
        data, format="png", ppi=points_per_inch * width / _PICTURE_POINTS
    )
