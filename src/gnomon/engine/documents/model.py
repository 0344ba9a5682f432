"""A paper as plain values: what Word, PDF and a page make of it is the same.

Everything is text in the reader's language already; the figures of a chart are those of its own table.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gnomon.engine.charts import Chart
from gnomon.kit.canonical import digest, digest_bytes
from gnomon.kit.errors import BadInput


class BadDocument(BadInput):
    """The values cannot be laid out: a row is longer or shorter than its header, a section without a title."""

    code = "document_bad"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. `strong` is set in bold: a verdict, a conclusion. `quiet` is a note in small type."""

    text: str
    strong: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values, in two columns."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header that repeats on every page; `empty` says why where there is none.

    `widths` are parts of the page's width, one a column; without them all are equal. `right` are columns of figures.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()
    right: frozenset[int] = frozenset()
    empty: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise BadDocument(
                    f"A row of «{self.caption}» has {len(row)} cells, its header has {len(self.header)}.",
                    next_step="Give one cell per column.",
                )
        if self.widths and len(self.widths) != len(self.header):
            raise BadDocument(
                f"«{self.caption}» has another number of widths than columns.", next_step="Give each one."
            )


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, with the table of its numbers under it unless they stand in a table nearby."""

    chart: Chart
    with_table: bool = True


Block = Paragraph | Bullets | Facts | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it; `parts` are one level deeper, three levels at most."""

    title: str
    blocks: tuple[Block, ...] = ()
    parts: tuple["Section", ...] = ()

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise BadDocument("A section has no title.", next_step="Name it.")


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of the page of approvals: what was decided by whom, or an empty line to sign on."""

    role: str
    name: str = ""
    decision: str = ""
    at: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A numbered paper. `made_at` (aware) is its date; `date` says it in words.

    `facts` stand under the title. Number, version and date belong to the issue, not to the content: `content_sha256`
    is the same for two issues that say the same.
    """

    title: str
    number: str
    locale: str
    made_at: datetime
    date: str
    issuer: str
    version: int = 1
    facts: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    signatures: tuple[Signature, ...] = ()

    @property
    def content_sha256(self) -> str:
        """SHA-256 over the canonical content: every text, every cell, every drawing."""
        return digest(plain(self))


def plain(document: Document) -> dict[str, Any]:
    """The content as JSON values, drawings by digest."""
    return {
        "title": document.title,
        "locale": document.locale,
        "issuer": document.issuer,
        "facts": [list(fact) for fact in document.facts],
        "sections": [_section(section) for section in document.sections],
        "signatures": [[s.role, s.name, s.decision, s.at, s.comment] for s in document.signatures],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "blocks": [_block(block) for block in section.blocks],
        "parts": [_section(part) for part in section.parts],
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Paragraph():
            return {"paragraph": block.text}
        case Bullets():
            return {"bullets": list(block.items)}
        case Facts():
            return {"facts": [list(row) for row in block.rows]}
        case Table():
            return {"table": block.caption, "header": list(block.header), "rows": [list(row) for row in block.rows]}
        case Figure():
            chart = block.chart
            return {
                "figure": chart.label,
                "header": list(chart.table.header),
                "rows": [list(row) for row in chart.table.rows],
                "n": chart.n,
                "method": chart.method,
                "drawing": digest_bytes(str(chart.svg).encode()),
            }
