"""Where templates, static files and translations are: beside the package in a checkout, else inside it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent
_DATA = _PACKAGE / "_data" if (_PACKAGE / "_data").is_dir() else _CHECKOUT

TEMPLATES = _DATA / "templates"
STATIC = _DATA / "static"
TRANSLATIONS = _DATA / "translations"
VERIFIER = _DATA / "docs" / "verify.py"
MIGRATIONS = _PACKAGE / "migrations"
