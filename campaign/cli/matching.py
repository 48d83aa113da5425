"""Match the rows of a CSV file with the registry, one after the other: a file of any length costs no memory."""

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from campaign.institutions.matching import BrokenLine, match
from campaign.institutions.models import written_id
from campaign.institutions.queries import Match
from campaign.text import looks_like_spreadsheet_formula

NEW_COLUMNS = ("ror_id", "score", "matched_name")
_LONGEST_LINE = 1_000_000
_BLANK = ("", "", "")


class NoSuchColumn(Exception):
    """The file has no column of this name or number."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a row has what is to be matched and, if anywhere, its country; from 0."""

    query: int
    country: int | None


@dataclass(slots=True)
class Row:
    """A row of the file: its line from 1, its cells with the new ones, and what is wrong with it, if anything."""

    line: int
    cells: list[str]
    is_matched: bool = False
    problem: str | None = None


class Table:
    """An open CSV file. Bytes that are not UTF-8 are kept as they are, and break their row only."""

    def __init__(self, stream: BinaryIO, text: TextIOWrapper, delimiter: str) -> None:
        self.encoding, self.delimiter = text.encoding, delimiter
        self._stream = stream
        # A file without line ends must not be read into memory as one line.
        lines = iter(partial(text.readline, _LONGEST_LINE), "")
        self._reader = csv.reader(lines, delimiter=delimiter)
        self.header = next(self._reader, [])

    @property
    def bytes_read(self) -> int:
        return self._stream.tell()

    def columns(self, query: str, country: str | None) -> Columns:
        """Find columns by name or by number, from 1. Raises NoSuchColumn."""
        return Columns(self._column(query), self._column(country) if country else None)

    def _column(self, name: str) -> int:
        if name in self.header:
            return self.header.index(name)
        if name.isdecimal() and 0 < int(name) <= len(self.header):
            return int(name) - 1
        raise NoSuchColumn(name)

    def matched(self, columns: Columns) -> Iterator[Row]:
        """Yield every row but the header with what it was matched with, and the broken ones as they are."""
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, [], problem=f"The row is no CSV: {error}.")
                continue
            if cells:  # an empty line is none
                yield self._matched(line, cells, columns)

    def _matched(self, line: int, cells: list[str], columns: Columns) -> Row:
        # What is too short gets empty cells, so that the new ones stand below their names.
        row = Row(line, cells + [""] * (len(self.header) - len(cells)))
        try:
            matches = _matches(row.cells, columns)
        except BrokenLine as error:
            row.problem = str(error)
            matches = ()
        row.is_matched = bool(matches)
        row.cells[len(self.header) : len(self.header)] = _new_cells(matches)
        return row


def _matches(cells: Sequence[str], columns: Columns) -> Sequence[Match]:
    query = cells[columns.query]
    if any("\udc80" <= character <= "\udcff" for character in query):
        raise BrokenLine("The row is not UTF-8.")
    country = None if columns.country is None else cells[columns.country]
    return match(query, locale="en", country=country, limit=1)


def _new_cells(matches: Sequence[Match]) -> Sequence[str]:
    """The id as an address, since a spreadsheet would take some for numbers."""
    if not matches:
        return _BLANK
    best = matches[0]
    mark = "'" if looks_like_spreadsheet_formula(best.matched_name) else ""
    return written_id(best.id), f"{best.score:.3f}", f"{mark}{best.matched_name}"


@contextmanager
def open_table(path: Path, delimiter: str) -> Iterator[Table]:
    """Open a CSV file. Raises OSError; csv.Error for a header that cannot be read, TypeError for no delimiter."""
    with path.open("rb") as stream:
        # Spreadsheets recognise UTF-8 by this mark alone, so what comes with one goes out with one.
        has_mark = stream.read(len(BOM_UTF8)) == BOM_UTF8
        stream.seek(0)
        encoding = "utf-8-sig" if has_mark else "utf-8"
        with TextIOWrapper(stream, encoding, errors="surrogateescape", newline="") as text:
            yield Table(stream, text, delimiter)


@contextmanager
def writer_to(stream: BinaryIO, table: Table) -> Iterator[TextIOWrapper]:
    """A text stream as the table was encoded; the stream below it stays open."""
    text = TextIOWrapper(stream, table.encoding, errors="surrogateescape", newline="")
    try:
        yield text
    finally:
        text.detach()
