"""Papers and registers: one model, laid out as Word, PDF, spreadsheet and CSV.

The same document gives the same bytes in every format. Charts are those of the page, with the same numbers.
"""

from gnomon.engine.documents.model import (
    BadDocument,
    Block,
    Bullets,
    Document,
    Facts,
    Figure,
    Paragraph,
    Section,
    Signature,
    Table,
    plain,
)
from gnomon.engine.documents.numbering import paper_number
from gnomon.engine.documents.pdf import to_html, to_pdf
from gnomon.engine.documents.sheets import Cell, Register, Sheet
from gnomon.engine.documents.tabular import to_csv, to_xlsx
from gnomon.engine.documents.word import to_docx

__all__ = [
    "BadDocument",
    "Block",
    "Bullets",
    "Cell",
    "Document",
    "Facts",
    "Figure",
    "Paragraph",
    "Register",
    "Section",
    "Sheet",
    "Signature",
    "Table",
    "paper_number",
    "plain",
    "to_csv",
    "to_docx",
    "to_html",
    "to_pdf",
    "to_xlsx",
]
