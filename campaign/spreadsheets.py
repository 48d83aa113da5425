"""Read tables that people upload, CSV or XLSX, as rows of text with the row numbers that their programs show.

A file may be an attack: small and gigabytes once unpacked, malformed, or never finished. An XLSX is unpacked to be
added up before anything else reads it, and read in a process of its own, with little memory and little time.
"""

import csv
import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from campaign import spreadsheet_child

_XLSX, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50
_MB = 1 << 20
_CHUNK = _MB
# Entities can make a gigabyte of a few lines, and need a document type; no spreadsheet program writes one.
_DOCUMENT_TYPES = tuple(
    "<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be")
)


class UnreadableTable(Exception):
    """The file cannot be read as a table."""


class TooLarge(UnreadableTable):
    """The file, what is packed into it, or its number of rows or columns is beyond the limits."""


class Malformed(UnreadableTable):
    """The file is damaged, or contains what no spreadsheet program writes."""


class UnknownFormat(UnreadableTable):
    """The file is neither CSV nor XLSX."""


@dataclass(frozen=True)
class Limits:
    """How much of a file is read at most."""

    file_bytes: int = 20 * _MB
    unpacked_bytes: int = 200 * _MB
    entries: int = 1_000
    rows: int = 200_000
    columns: int = 200
    memory_bytes: int = 1024 * _MB
    seconds: int = 60


LIMITS = Limits()


class Row(NamedTuple):
    """A row with the number that a spreadsheet program shows beside it."""

    number: int
    cells: list[str]


def store(stream: IO[bytes], path: Path, limits: Limits = LIMITS) -> None:
    """Write an upload to a file, as far as the limit. Raises TooLarge."""
    with path.open("wb") as file:
        left = limits.file_bytes
        while chunk := stream.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise TooLarge
            file.write(chunk)


def read(path: Path, limits: Limits = LIMITS) -> Iterator[Row]:
    """Yield the rows that have anything in them. Raises UnreadableTable, at the latest at the row to blame."""
    if path.stat().st_size > limits.file_bytes:
        raise TooLarge
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(_OLD_OFFICE):
        raise UnknownFormat  # an .xls, or an .xlsx with a password
    rows = _xlsx(path, limits) if start.startswith(_XLSX) else _csv(path)
    return _limited(rows, limits)


def _limited(rows: Iterable[Row], limits: Limits) -> Iterator[Row]:
    for row in rows:
        cells = [cell.strip() for cell in row.cells]
        if len(cells) > limits.columns or row.number > limits.rows:
            raise TooLarge
        if any(cells):
            yield Row(row.number, cells)


def _csv(path: Path) -> Iterator[Row]:
    encoding = _encoding(path)
    delimiter = _delimiter(path, encoding)
    with path.open(encoding=encoding, newline="") as file:
        yield from _records(file, delimiter)


def _records(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    try:
        for number, cells in enumerate(csv.reader(lines, delimiter=delimiter, strict=True), 1):
            yield Row(number, cells)
    except csv.Error as error:
        raise Malformed from error


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is; else that of the mark it begins with, or Windows-1252, which Excel writes."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    encoding = "utf-8-sig" if _is_text(path, "utf-8-sig") else "cp1252"
    if encoding == "cp1252" and not _is_text(path, encoding):
        raise UnknownFormat
    return encoding


def _is_text(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding) as file:
            return not any("\0" in chunk for chunk in iter(lambda: file.read(_CHUNK), ""))
    except UnicodeDecodeError:
        return False


def _delimiter(path: Path, encoding: str) -> str:
    """The sign that cuts the first rows into the most cells, the same number in each."""
    with path.open(encoding=encoding, newline="") as file:
        start = list(islice(file, _SNIFFED_ROWS))
    return max(_DELIMITERS, key=lambda delimiter: _fit(start, delimiter))


def _fit(start: list[str], delimiter: str) -> float:
    widths = []
    try:
        widths += [len(row) for row in csv.reader(start, delimiter=delimiter) if row]
    except csv.Error:
        return 0
    usual = max(set(widths), key=widths.count, default=1)
    return (usual - 1) * widths.count(usual) / max(1, len(widths))


def _xlsx(path: Path, limits: Limits) -> Iterator[Row]:
    _add_up(path, limits)
    sizes = (limits.memory_bytes, limits.seconds, limits.rows, limits.columns)
    arguments = [sys.executable, "-I", spreadsheet_child.__file__, str(path), *map(str, sizes)]
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None, "the output is a pipe"
    try:
        for line in child.stdout:
            yield Row(*json.loads(line))
        _check_end(child.wait())
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def _check_end(status: int) -> None:
    """Raise what the way in which the child ended means."""
    if status == spreadsheet_child.TOO_LARGE or status < 0:
        raise TooLarge  # killed: by a limit
    if status:
        raise Malformed


def _add_up(path: Path, limits: Limits) -> None:
    """Unpack every entry, keeping nothing. What the file says of its own sizes proves nothing."""
    left = limits.unpacked_bytes
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > limits.entries:
                raise TooLarge
            if "xl/workbook.xml" not in names:
                raise UnknownFormat
            for name in names:
                with archive.open(name) as entry:
                    left -= _unpacked(entry, left)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        raise Malformed from error


def _unpacked(entry: IO[bytes], limit: int) -> int:
    """The number of bytes in an entry. Raises TooLarge, and Malformed for a document type."""
    size, end = 0, b""
    while chunk := entry.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise TooLarge
        if any(mark in end + chunk for mark in _DOCUMENT_TYPES):
            raise Malformed
        end = chunk[-20:]
    return size
