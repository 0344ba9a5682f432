"""Registers as spreadsheets (xlsx) and as CSV, the same bytes every time."""

import csv
import io

from gnomon.engine.documents.archive import normalised
from gnomon.engine.documents.sheets import Register, plain_cell
from gnomon.engine.documents.text import inert, legal


def to_xlsx(register: Register) -> bytes:
    """`register` as .xlsx. The same register gives the same bytes."""
    from gnomon.engine.documents import xlsx  # openpyxl takes its time to load; only who makes one pays

    return normalised(xlsx.workbook(register), made_at=register.made_at)


def to_csv(register: Register) -> bytes:
    """The first sheet as CSV in UTF-8 with a mark that Excel wants; text that looks like a formula is made inert."""
    sheet = register.sheets[0]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(sheet.header)
    for row in sheet.rows:
        writer.writerow([inert(legal(cell)) if isinstance(cell, str) else plain_cell(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")
