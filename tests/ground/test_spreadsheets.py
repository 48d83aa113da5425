"""Tables that people upload: every encoding and delimiter that Excel writes, and files that are attacks."""

import io
import random
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from campaign import spreadsheets
from campaign.spreadsheets import Limits, Malformed, TooLarge, UnknownFormat

SMALL = Limits(file_bytes=1 << 20, unpacked_bytes=10 << 20, rows=1000, columns=10)


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(content)
        return path

    return write


def workbook(path: Path, cells: dict[tuple[int, int], object]) -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        for (row, column), value in cells.items():
            sheet.write(row, column, value)
    return path


def packed(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"xl/workbook.xml": b"<workbook/>", **entries}.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_any_encoding_and_delimiter(
    csv_file: Callable[[bytes], Path], encoding: str, delimiter: str
) -> None:
    text = f"E-mail{delimiter}Nom\r\nj@example.org{delimiter}Jérôme\r\n"

    rows = list(spreadsheets.read(csv_file(text.encode(encoding))))

    assert rows == [(1, ["E-mail", "Nom"]), (2, ["j@example.org", "Jérôme"])]


def test_rows_are_numbered_as_a_spreadsheet_does(csv_file: Callable[[bytes], Path]) -> None:
    path = csv_file(b'a,b\n\n"two\nlines; and; more",x\n,\nlast,y\n')
    assert [row.number for row in spreadsheets.read(path)] == [1, 3, 5]


@pytest.mark.parametrize("content", [b"\x89PNG\0\0\x01", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_what_is_no_table(csv_file: Callable[[bytes], Path], content: bytes) -> None:
    with pytest.raises(UnknownFormat):
        list(spreadsheets.read(csv_file(content)))


def test_a_quote_that_never_ends(csv_file: Callable[[bytes], Path]) -> None:
    with pytest.raises(Malformed):
        list(spreadsheets.read(csv_file(b'a,b\n"begun,' + b"x\n" * 1000)))


def test_more_than_the_limit_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        spreadsheets.store(io.BytesIO(b"x" * (SMALL.file_bytes + 1)), tmp_path / "new", SMALL)


def test_a_workbook_is_read_as_text(tmp_path: Path) -> None:
    cells = {(2, 1): "E-mail", (2, 2): "Year", (4, 1): "a@b.org", (4, 2): 2024.0}
    path = workbook(tmp_path / "table.xlsx", {**cells, (5, 2): date(2024, 3, 1)})

    rows = list(spreadsheets.read(path))

    assert rows == [(3, ["E-mail", "Year"]), (5, ["a@b.org", "2024"]), (6, ["", "2024-03-01"])]


def test_a_small_file_of_much_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.xlsx", {"xl/worksheets/sheet1.xml": b" " * (300 << 20)})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(TooLarge):
        list(spreadsheets.read(path))


def test_what_a_file_says_of_its_sizes_proves_nothing(tmp_path: Path) -> None:
    path = packed(tmp_path / "liar.xlsx", {"xl/worksheets/sheet1.xml": b" " * (20 << 20)})
    said, true = (size.to_bytes(4, "little") for size in (10, 20 << 20))
    path.write_bytes(path.read_bytes().replace(true, said))
    with pytest.raises((TooLarge, Malformed)):
        list(spreadsheets.read(path, SMALL))


def test_two_cells_far_apart_take_no_memory(tmp_path: Path) -> None:
    path = workbook(tmp_path / "wide.xlsx", {(0, 0): "a", (1_048_575, 16_383): "b"})
    with pytest.raises(TooLarge):
        list(spreadsheets.read(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_entities_are_refused(tmp_path: Path, encoding: str) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'.encode(encoding)
    path = packed(tmp_path / "entities.xlsx", {"xl/sharedStrings.xml": bomb})
    with pytest.raises(Malformed):
        list(spreadsheets.read(path))


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.jpg", b"x")
    with pytest.raises(UnknownFormat):
        list(spreadsheets.read(path))


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_workbook_is_refused_or_read(tmp_path: Path, seed: int) -> None:
    path = workbook(tmp_path / "table.xlsx", {(row, 0): f"{row}@b.org" for row in range(50)})
    content, chance = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(20):
        content[chance.randrange(4, len(content))] = chance.randrange(256)
    path.write_bytes(content[: len(content) - seed * 10])
    with suppress(spreadsheets.UnreadableTable):
        assert len(list(spreadsheets.read(path))) <= 50
