"""The workbook of a register, by openpyxl."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell as XlsxCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from gnomon.engine.documents.sheets import Cell, Register, Sheet
from gnomon.engine.documents.text import legal
from gnomon.engine.documents.words import words


def workbook(register: Register) -> bytes:
    """`register` as openpyxl writes it, with the time of writing inside: `tabular.to_xlsx` takes that out."""
    book = Workbook()
    if book.active is not None:
        book.remove(book.active)
    for sheet in register.sheets:
        _sheet(book.create_sheet(legal(sheet.title)[:31]), sheet, register)
    book.properties.title, book.properties.identifier = legal(register.title), register.number
    book.properties.creator = book.properties.lastModifiedBy = legal(register.issuer)
    book.properties.description = f"SHA-256 {register.content_sha256}"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_LINE = Side(style="thin", color="FF8A979F")
_EDGES = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_GROUND = PatternFill("solid", fgColor="FFE9EEF2")


def _sheet(out: Worksheet, sheet: Sheet, register: Register) -> None:
    said = words(register.locale)
    last = get_column_letter(len(sheet.header))
    _put(out, 1, 1, f"{register.title} · {sheet.title}" if len(register.sheets) > 1 else register.title)
    out.cell(1, 1).font = Font(size=14, bold=True)
    facts = (
        (said.number, register.number),
        (said.date, register.date),
        (said.issuer, register.issuer),
        *register.facts,
    )
    _put(out, 2, 1, "    ".join(f"{name} {value}" for name, value in facts))
    _put(out, 3, 1, f"{said.content_hash} {register.content_sha256}")
    for row in (1, 2, 3):
        out.merge_cells(f"A{row}:{last}{row}")
    _head(out, 4, sheet.header)
    for number, cells in enumerate(sheet.rows, 5):
        for column, value in enumerate(cells, 1):
            cell = _put(out, number, column, value)
            cell.border = _EDGES
            cell.alignment = Alignment(vertical="top", wrap_text=True)
            if column - 1 in sheet.percent:
                cell.number_format = "0.0%"
    for column, width in enumerate(sheet.widths, 1):
        out.column_dimensions[get_column_letter(column)].width = width
    out.freeze_panes = "B5"
    out.auto_filter.ref = f"A4:{last}{max(4, 4 + len(sheet.rows))}"
    _print(out, register)


def _head(out: Worksheet, row: int, header: Sequence[str]) -> None:
    for column, name in enumerate(header, 1):
        cell = _put(out, row, column, name)
        cell.font, cell.fill, cell.border = Font(bold=True), _GROUND, _EDGES
        cell.alignment = Alignment(vertical="center", wrap_text=True)


def _put(out: Worksheet, row: int, column: int, value: Cell) -> XlsxCell:
    cell: Any = out.cell(row, column)
    if isinstance(value, datetime):
        value = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    cell.value = legal(value)[:32_767] if isinstance(value, str) else value  # the most that one cell holds
    if isinstance(value, str):
        cell.data_type = "s"  # what people typed is text, whatever it begins with: never a formula
    made: XlsxCell = cell
    return made


def _print(out: Worksheet, register: Register) -> None:
    out.page_setup.orientation, out.page_setup.paperSize = "landscape", 9  # A4
    out.page_setup.fitToWidth, out.page_setup.fitToHeight = 1, 0
    out.sheet_properties.pageSetUpPr.fitToPage = True  # type: ignore[union-attr]  # made with the sheet
    out.print_title_rows = "4:4"
    footer: Any = out.oddFooter
    footer.left.text, footer.right.text = f"{register.number} · {register.content_sha256[:16]}", "&P / &N"
