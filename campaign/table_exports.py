"""Write the rows of a query as CSV and XLSX, however many, in the memory of a few.

PostgreSQL writes the CSV (COPY); nothing of it passes through objects of Python. Cells that a spreadsheet could run
as formulas are made text.
"""

import csv
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import psycopg
import xlsxwriter
from sqlalchemy import ColumnElement, Select, case, func

from campaign.db import db
from campaign.text import FORMULA_START

# Excel takes a CSV without this mark for one in an encoding of its own.
BYTE_ORDER_MARK = "\ufeff".encode()
# As many rows as a sheet of Excel has.
SHEET_ROWS = 1_048_576
_SIGNS = "[=+@＝＋－＠\t\r-]"


def plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The text of a column as a cell that is no formula; see ``text.without_formulas``."""
    # Most cells have none of the signs, and looking for one is cheap.
    escaped = func.regexp_replace(column, FORMULA_START, r"\1'", "g")
    return case((column.regexp_match(_SIGNS), escaped), else_=column)


def csv_of(rows: Select[Any], *, header: bool = True) -> Iterator[bytes]:
    """Yield the rows as CSV, in pieces.

    All cells are quoted: a spreadsheet may split at another sign than a comma.
    """
    connection = db.session.connection()
    query = rows.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    statement = f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER {header}, FORCE_QUOTE *)"
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection), "the driver is psycopg"
    with driver.cursor() as cursor, cursor.copy(statement, query.params) as copy:
        yield from _in_pieces(copy)


def _in_pieces(rows: "psycopg.Copy", size: int = 1 << 16) -> Iterator[bytes]:
    """The rows, some at a time: a server sends each piece by itself."""
    pieces, length = [], 0
    for row in rows:
        pieces.append(row)
        length += len(row)
        if length >= size:
            yield b"".join(pieces)
            pieces, length = [], 0
    yield b"".join(pieces)


def write_xlsx(source: Path, target: Path) -> None:
    """Write a CSV file with a header as XLSX: every cell as text, a new sheet where one is full."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with (
        source.open(encoding="utf-8", newline="") as file,
        xlsxwriter.Workbook(target, options) as book,
    ):
        rows = csv.reader(file)
        header = next(rows)
        more = True
        while more:
            sheet = book.add_worksheet()
            sheet.freeze_panes(1, 0)
            more = _fill(sheet, header, rows)


def _fill(
    sheet: xlsxwriter.worksheet.Worksheet, header: list[str], rows: Iterator[list[str]]
) -> bool:
    """Write the header and as many rows as fit; return whether there may be more."""
    write = sheet.write_string
    for place, row in enumerate(chain([header], islice(rows, SHEET_ROWS - 1))):
        for column, cell in enumerate(row):
            if cell:
                write(place, column, cell)
    return place == SHEET_ROWS - 1
