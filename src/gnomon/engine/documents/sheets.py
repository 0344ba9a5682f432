"""A register as plain values: numbered sheets of typed cells."""

from dataclasses import dataclass
from datetime import date, datetime

from gnomon.engine.documents.model import BadDocument
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
                    [sheet.title, list(sheet.header), [[plain_cell(cell) for cell in row] for row in sheet.rows]]
                    for sheet in self.sheets
                ],
            }
        )


def plain_cell(cell: Cell) -> str | int | float | None:
    """The cell as JSON holds it: times as ISO 8601."""
    if isinstance(cell, datetime):
        return iso(cell)
    return cell.isoformat() if isinstance(cell, date) else cell
