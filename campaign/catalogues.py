"""Compile the gettext catalogues (.po → .mo).

Imports nothing of this package, since the build hook calls it before anything is installed.
"""

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_catalogues(translations: Path) -> list[Path]:
    """Compile every catalogue below the folder that is newer than its .mo; return the .mo files written."""
    return [mo for po in sorted(translations.glob("*/LC_MESSAGES/*.po")) if (mo := _compile(po))]


def _compile(po: Path) -> Path | None:
    mo = po.with_suffix(".mo")
    if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
        return None
    with po.open("rb") as source:
        catalogue = read_po(source, locale=po.parent.parent.name)
    # Written aside and renamed, so that no process reads half a catalogue; one file for each process that compiles.
    temporary = mo.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as target:
        write_mo(target, catalogue)
    temporary.replace(mo)
    return mo
