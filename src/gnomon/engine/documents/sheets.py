"""Registers as spreadsheets (xlsx) and as CSV: typed cells, a frozen head, number and digest on every printed page."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell as XlsxCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from gnomon.engine.documents.archive import normalised
from gnomon.engine.documents.model import BadDocument
from gnomon.engine.documents.text import inert, legal
from gnomon.engine.documents.words import words
from gnomon.kit.canonical import digest
from gnomon.kit.clock import iso

Cell = str | int | float | date | None
"""A datetime must be aware; it is written in UTC, as text with a Z."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """`widths` in characters, one a column; `percent` are the columns that hold ratios."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...]
    percent: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in self.rows) or len(self.widths) != len(self.header):
            raise BadDocument(
                f"Rows or widths of «{self.title}» do not fit its header.", next_step="Give one per column."
            )


@dataclass(frozen=True, slots=True)
class Register:
    """A numbered list of things, one sheet or more. `content_sha256` says what it says, whenever it was issued."""

    title: str
    number: str
    locale: str
    made_at: datetime
    date: str
    issuer: str
    sheets: tuple[Sheet, ...]
    version: int = 1
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def content_sha256(self) -> str:
        return digest(
            {
                "title": self.title,
                "locale": self.locale,
                "issuer": self.issuer,
                "facts": [list(fact) for fact in self.facts],
                "sheets": [
                    [sheet.title, list(sheet.header), [[_plain(cell) for cell in row] for row in sheet.rows]]
                    for sheet in self.sheets
                ],
            }
        )


def to_xlsx(register: Register) -> bytes:
    """`register` as .xlsx. The same register gives the same bytes."""
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
    return normalised(out.getvalue(), made_at=register.made_at)


def to_csv(register: Register) -> bytes:
    """The first sheet as CSV in UTF-8 with a mark that Excel wants; text that looks like a formula is made inert."""
    sheet = register.sheets[0]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(sheet.header)
    for row in sheet.rows:
        writer.writerow([inert(legal(cell)) if isinstance(cell, str) else _plain(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _plain(cell: Cell) -> str | int | float | None:
    if isinstance(cell, datetime):
        return iso(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


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
