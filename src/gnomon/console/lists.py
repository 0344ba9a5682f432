"""A list that obeys its address: search, sort and page a set of rows, and export exactly what the address shows."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi.responses import Response

from gnomon.console.urls import PAGE_SIZE, Column, View
from gnomon.kit.errors import BadInput

Row = Mapping[str, Any]
Write = Callable[[Row, Column], str]
FORMATS = ("csv", "xlsx")
_BOM = "\ufeff"  # spreadsheet programs read UTF-8 only when told so
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WIDEST = 60  # characters of a column of a spreadsheet


@dataclass(frozen=True, slots=True)
class Listing:
    """`all_rows` are searched and sorted; `rows` is the page that the address asks for."""

    all_rows: Sequence[Row]
    rows: Sequence[Row]

    @property
    def total(self) -> int:
        return len(self.all_rows)


def listed(
    view: View,
    columns: Sequence[Column],
    rows: Iterable[Row],
    *,
    sort: str,
    write: Write,
    size: int = PAGE_SIZE,
) -> Listing:
    """`rows` as `view` wants them: `q` is looked for in what the columns write, `sort` orders by the rows' values."""
    wanted = view.get("q").casefold().split()
    found = [row for row in rows if _holds(row, columns, wanted, write)]
    key, down = view.sort([column.key for column in columns if column.sort], sort)
    known = [row for row in found if row[key] is not None]
    known.sort(key=lambda row: row[key], reverse=down)
    found = known + [row for row in found if row[key] is None]  # what has no value stands last either way
    last = max(1, -(-len(found) // size))
    start = (min(view.page, last) - 1) * size
    return Listing(found, found[start : start + size])


def exported(view: View, columns: Sequence[Column], rows: Iterable[Row], *, name: str, write: Write) -> Response:
    """The rows in the columns and the format (`export=csv|xlsx`) that the address names, as a file."""
    shown = view.shown(columns)
    header = [column.label for column in shown]
    body = ([write(row, column) for column in shown] for row in rows)
    return table_file(view.get("export"), name, header, body)


def table_file(form: str, name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Response:
    """A csv or xlsx file. Raises BadInput on another format. No cell of it is ever a formula."""
    if form not in FORMATS:
        raise BadInput(f"There is no export as {form!r}.", next_step=f"Choose one of {', '.join(FORMATS)}.")
    data, media = (_csv(header, rows), "text/csv; charset=utf-8") if form == "csv" else (_xlsx(header, rows), _XLSX)
    return Response(
        data, media_type=media, headers={"Content-Disposition": f'attachment; filename="gnomon-{name}.{form}"'}
    )


def stamp(at: datetime) -> str:
    """The part of a file's name that says when it was made."""
    return f"{at:%Y%m%d-%H%M}"


def _holds(row: Row, columns: Sequence[Column], wanted: Sequence[str], write: Write) -> bool:
    if not wanted:
        return True
    text = " ".join(write(row, column) for column in columns).casefold()
    return all(word in text for word in wanted)


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return (_BOM + out.getvalue()).encode()


def _harmless(cell: str) -> str:
    """A text that a spreadsheet would run as a formula is quoted (CWE-1236); a plain number stays a number."""
    if not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell.replace(",", "").removesuffix("%"))
    except ValueError:
        return "'" + cell if cell not in ("-", "+") else cell
    return cell


def _xlsx(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    from openpyxl import Workbook  # only here: the console's start need not wait for it
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    widths = [len(name) for name in header]
    for r, cells in enumerate([header, *rows], 1):
        for c, text in enumerate(cells, 1):
            cell = sheet.cell(r, c)
            cell.value = text
            cell.data_type = "s"  # openpyxl would take a leading = for a formula
            widths[c - 1] = max(widths[c - 1], len(text))
    for c, width in enumerate(widths, 1):
        sheet.cell(1, c).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(c)].width = min(width * 1.6 + 2, _WIDEST)
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
