"""A document in reading order, with every number given out: what Word and PDF both print."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from gnomon.engine.documents.model import Block, Bullets, Document, Facts, Figure, Paragraph, Section, Table
from gnomon.engine.documents.numbering import heading_number
from gnomon.engine.documents.words import words


@dataclass(frozen=True, slots=True)
class Heading:
    """`text` with its number; `anchor` is unique in the document."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart under its number."""

    figure: Figure
    caption: str


_CONTENTS = 15  # entries that fit on the first page under the title block

Piece = Heading | Paragraph | Bullets | Facts | Table | Drawing


def flow(document: Document) -> list[Piece]:
    """Headings, blocks, drawings with their data tables, in order; captions carry 图/表 numbers.

    A table without rows says so in `empty`, others have none.
    """
    return list(_Flow(document.locale).sections(document.sections, ()))


def headings(pieces: list[Piece]) -> list[Heading]:
    """What a table of contents lists: two levels, or the first alone where both would not fit under the title."""
    found = [piece for piece in pieces if isinstance(piece, Heading) and piece.level <= 2]
    return found if len(found) <= _CONTENTS else [piece for piece in found if piece.level == 1]


class _Flow:
    def __init__(self, locale: str) -> None:
        self._locale = locale
        self._words = words(locale)
        self._figures, self._tables, self._anchors = count(1), count(1), count(1)

    def sections(self, sections: tuple[Section, ...], above: tuple[int, ...]) -> Iterator[Piece]:
        for place, section in enumerate(sections, 1):
            here = (*above, place)
            text = heading_number(self._locale, here) + section.title
            yield Heading(min(len(here), 3), text, f"s{next(self._anchors)}")
            for block in section.blocks:
                yield from self._block(block)
            yield from self.sections(section.parts, here)

    def _block(self, block: Block) -> Iterator[Piece]:
        match block:
            case Table():
                yield self._table(block)
            case Figure(chart=chart):
                yield Drawing(block, f"{self._words.figure.format(n=next(self._figures))}  {chart.label}")
                if block.with_table and not chart.is_empty:
                    caption = self._words.data_of.format(name=chart.label)
                    yield self._table(Table(caption, chart.table.header, chart.table.rows))
            case _:
                yield block

    def _table(self, table: Table) -> Table:
        caption = f"{self._words.table.format(n=next(self._tables))}  {table.caption}"
        empty = "" if table.rows else table.empty or self._words.none
        return Table(caption, table.header, table.rows, table.widths, table.right, empty)
