"""Prints the rows of an XLSX file as lines of JSON: a program that ``spreadsheets`` starts, limits and may kill."""

import json
import resource
import sys

# The exit status for a table with too many rows or columns.
TOO_LARGE = 3


def main(path: str, memory: int, seconds: int, most_rows: int, most_columns: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import CalamineWorkbook

    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    if sheet.total_height > most_rows or sheet.total_width > most_columns:
        sys.exit(TOO_LARGE)
    first = sheet.start[0] if sheet.start else 0
    for number, row in enumerate(sheet.to_python(skip_empty_area=True), first + 1):
        print(json.dumps([number, [_text(cell) for cell in row]]))


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
