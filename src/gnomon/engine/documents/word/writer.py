"""The Word file: title block, contents, body, signatures, header and footer."""

import io
from collections.abc import Sequence
from typing import Any

import docx
from docx.document import Document as WordDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml.ns import qn
from docx.shared import Emu, Mm
from docx.table import Table as WordTable
from docx.text.paragraph import Paragraph as WordParagraph

from gnomon.engine.charts import png
from gnomon.engine.documents.archive import normalised
from gnomon.engine.documents.flow import Drawing, Heading, flow, headings
from gnomon.engine.documents.layout import Layout, layout
from gnomon.engine.documents.model import Bullets, Document, Facts, Paragraph, Table
from gnomon.engine.documents.text import legal
from gnomon.engine.documents.word import parts
from gnomon.engine.documents.word.styles import dxa, fonts_xml, numbering, styles
from gnomon.engine.documents.words import Words, words

_CHART_PX = 640
_APPLICATION = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Properties xmlns="http://schemas.openxmlformats.org/'
    b'officeDocument/2006/extended-properties"><Application>Gnomon</Application></Properties>'
)


def to_docx(document: Document) -> bytes:
    """`document` as .docx. The same document gives the same bytes, so that their hash means something."""
    out = io.BytesIO()
    _Writer(document).write().save(out)
    return normalised(out.getvalue(), made_at=document.made_at)


class _Writer:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.layout: Layout = layout(document.locale)
        self.words: Words = words(document.locale)
        self.word: WordDocument = docx.Document()
        self.bookmarks = 0
        self._ids: dict[str, str | None] = {}  # of paragraph styles, by name

    def write(self) -> WordDocument:
        _replace_parts(self.word, self.layout)
        _properties(self.word, self.document)
        self._page()
        self._head()
        pieces = flow(self.document)
        self._contents(headings(pieces))
        for piece in pieces:
            match piece:
                case Heading():
                    self._heading(piece)
                case Paragraph():
                    self._paragraph(piece)
                case Bullets():
                    for item in piece.items:
                        self._line(item, "List Bullet")
                case Facts():
                    self._facts(piece.rows)
                case Table():
                    self._table(piece)
                case Drawing():
                    self._drawing(piece)
        self._signatures()
        return self.word

    # ------------------------------------------------------------ page, header, footer

    def _page(self) -> None:
        section = self.word.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        top, right, bottom, left = self.layout.margins
        section.top_margin, section.right_margin = Mm(top), Mm(right)
        section.bottom_margin, section.left_margin = Mm(bottom), Mm(left)
        section.header_distance, section.footer_distance = Mm(15), Mm(15)
        self._header(section.header.paragraphs[0])
        self._footer(section.footer.paragraphs[0], outside="right")
        if self.layout.mirrored:
            self.word.settings.odd_and_even_pages_header_footer = True
            self._header(section.even_page_header.paragraphs[0])
            self._footer(section.even_page_footer.paragraphs[0], outside="left")

    def _header(self, paragraph: WordParagraph) -> None:
        paragraph.style = self.word.styles["header"]
        paragraph._p.append(parts.run(self.document.number))
        paragraph._p.append(parts.tab())
        paragraph._p.append(parts.run(self.document.title))

    def _footer(self, paragraph: WordParagraph, *, outside: str) -> None:
        paragraph.style = self.word.styles["footer"]
        before, after = self.words.page.split("{page}")
        page = [parts.run(before), *parts.field("PAGE", "1"), *([parts.run(after)] if after else [])]
        sha = [parts.run(f"SHA-256 {self.document.content_sha256}")]
        first, last = (sha, page) if outside == "right" else (page, sha)
        paragraph._p.extend([*first, parts.tab(), *last])

    # ------------------------------------------------------------ title block and contents

    def _head(self) -> None:
        self._line(self.document.title, "Title")
        issue = self.words.issue.format(n=self.document.version)
        self._facts(
            (
                (self.words.number, self.document.number),
                (self.words.version, issue),
                (self.words.date, self.document.date),
                (self.words.issuer, self.document.issuer),
                *self.document.facts,
                (self.words.content_hash, self.document.content_sha256),
            )
        )

    def _contents(self, listed: Sequence[Heading]) -> None:
        """A TOC field with its entries in place, as links.

        Without page numbers: only Word itself can know them, and it asks the reader before it updates a field. The
        PDF has them.
        """
        if not listed:
            return
        self._line(self.words.contents, "TOC Heading")
        deepest = max(heading.level for heading in listed)
        for place, heading in enumerate(listed):
            paragraph = self._new(f"toc {heading.level}")
            if place == 0:
                opening = parts.field(f'TOC \\o "1-{deepest}" \\h \\n \\z \\u')[:-1]
                paragraph._p.extend(opening)
            paragraph._p.append(parts.link(heading.anchor, [parts.run(heading.text)]))
        end = parts.element("r")
        end.append(parts.element("fldChar", fldCharType="end"))
        last = self.word.paragraphs[-1]
        last._p.append(end)

    # ------------------------------------------------------------ body

    def _new(self, style: str) -> WordParagraph:
        """An empty paragraph at the end. python-docx looks for the style in the whole list, once for each paragraph."""
        if style not in self._ids:
            part: Any = self.word.part
            self._ids[style] = part.get_style_id(style, WD_STYLE_TYPE.PARAGRAPH)
        paragraph: WordParagraph = self.word.add_paragraph()
        paragraph._p.style = self._ids[style]
        return paragraph

    def _line(self, text: str, style: str) -> WordParagraph:
        paragraph = self._new(style)
        paragraph._p.append(parts.run(text))
        return paragraph

    def _heading(self, heading: Heading) -> None:
        paragraph = self._line(heading.text, f"Heading {heading.level}")
        self.bookmarks += 1
        parts.bookmark(paragraph._p, heading.anchor, self.bookmarks)
        if self.bookmarks == 1:
            paragraph.paragraph_format.page_break_before = True

    def _paragraph(self, piece: Paragraph) -> None:
        for text in piece.text.split("\n"):
            paragraph = self._new("Quiet" if piece.quiet else "Body Text")
            paragraph.add_run(legal(text)).bold = True if piece.strong else None

    def _facts(self, rows: Sequence[tuple[str, str]]) -> None:
        if rows:
            self._grid((), rows, widths=(0.3, 0.7), named=True)

    def _table(self, table: Table) -> None:
        self._line(table.caption, "caption")
        if table.rows:
            self._grid(table.header, table.rows, widths=table.widths, right=table.right)
            return
        row = (table.empty,) * len(table.header)
        made = self._grid(table.header, [row], widths=table.widths)
        whole = made.rows[1].cells[0].merge(made.rows[1].cells[-1])
        for paragraph in whole.paragraphs[1:]:  # what the other cells brought along
            paragraph._p.getparent().remove(paragraph._p)

    def _grid(
        self,
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        widths: Sequence[float] = (),
        right: frozenset[int] = frozenset(),
        named: bool = False,
    ) -> WordTable:
        columns = len(header) or len(rows[0])
        shares = widths or (1.0,) * columns
        measures = [dxa(self.layout.width_mm * share / sum(shares)) for share in shares]
        table = self.word.add_table(rows=0, cols=columns, style="Table Grid")
        table.autofit = False
        for place, column in enumerate(table._tbl.tblGrid.findall(qn("w:gridCol"))):
            column.set(qn("w:w"), str(measures[place]))
        for number, cells in enumerate([header, *rows] if header else rows):
            is_head = bool(header) and number == 0
            row = parts.row(table._tbl, is_head=is_head)
            for place, (width, text) in enumerate(zip(measures, cells, strict=True)):
                is_named = is_head or (named and place == 0)
                style = "TableFigure" if place in right and not is_head else "TableHead" if is_named else "TableText"
                parts.cell(row, text, width=width, style=style, shade=self.layout.shade if is_named else "")
        gap = self._new("Quiet")  # two tables in a row would be joined
        gap.paragraph_format.space_after = Emu(0)
        made: WordTable = table
        return made

    def _drawing(self, piece: Drawing) -> None:
        paragraph = self._new("Figure")
        picture = io.BytesIO(png(piece.figure.chart, _CHART_PX))
        shape = paragraph.add_run().add_picture(picture, width=Mm(self.layout.width_mm))
        shape._inline.docPr.set("descr", legal(piece.figure.chart.label))
        shape._inline.docPr.set("name", legal(piece.caption))
        self._line(piece.caption, "Figure Caption")

    # ------------------------------------------------------------ signatures

    def _signatures(self) -> None:
        said = self.words
        if self.document.signatures:
            heading = self._line(said.approvals, "TOC Heading")
            heading.paragraph_format.space_before = Mm(10)
            rows = [(s.role, s.name, s.decision, s.at, s.comment) for s in self.document.signatures]
            header = (said.role, said.name, said.decision, said.at, said.comment)
            self._grid(header, rows, widths=(0.2, 0.14, 0.14, 0.22, 0.3))
        for text in (self.document.issuer, said.seal, self.document.date):
            self._line(text, "Closing")


def _replace_parts(word: WordDocument, layout: Layout) -> None:
    """Our own styles, list and fonts instead of the template's; its picture of a first page and its XML data go."""
    _refill(word.styles.element, styles(layout))
    _refill(word.part.numbering_part.element, numbering())
    package = word.part.package
    unwanted = ("/thumbnail", "/customXml", "/stylesWithEffects")
    for holder in (package.rels, word.part.rels):
        for key in [key for key, rel in holder.items() if rel.reltype.endswith(unwanted)]:
            del holder[key]
    for rel in word.part.rels.values():
        if rel.reltype.endswith("/fontTable"):
            head = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
            rel.target_part._blob = head + fonts_xml(layout).encode()
    for rel in package.rels.values():
        if rel.reltype.endswith("/extended-properties"):
            rel.target_part._blob = _APPLICATION
    _settings(word.settings.element)


def _settings(settings: Any) -> None:
    """Chinese as the East Asian language, and the layout of Word 2013 on: the template's is «compatibility mode»."""
    for theme in settings.iter(qn("w:themeFontLang")):
        theme.set(qn("w:eastAsia"), "zh-CN")
    for setting in settings.iter(qn("w:compatSetting")):
        if setting.get(qn("w:name")) == "compatibilityMode":
            setting.set(qn("w:val"), "15")


def _refill(target: Any, made: Any) -> None:
    target[:] = list(made)


def _properties(word: WordDocument, document: Document) -> None:
    core = word.core_properties
    core.title, core.subject, core.identifier = legal(document.title), document.number, document.number
    core.author = core.last_modified_by = legal(document.issuer)
    core.language, core.version, core.revision = document.locale, str(document.version), 1
    core.comments, core.keywords, core.category = f"SHA-256 {document.content_sha256}", "", ""
    core.created = core.modified = document.made_at.replace(tzinfo=None)
