"""Small pieces of WordprocessingML that python-docx has no word for: fields, bookmarks, links, table grids."""

from typing import Any

from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from gnomon.engine.documents.text import legal


def element(tag: str, /, **attributes: str) -> Any:
    """`<w:tag w:name="value"/>`."""
    made = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        made.set(qn(f"w:{name}"), value)
    return made


def run(text: str, *, preserve: bool = True) -> Any:
    """A run with `text`; a line break in it stays one."""
    made = element("r")
    for place, line in enumerate(legal(text).split("\n")):
        if place:
            made.append(element("br"))
        node = element("t")
        node.text = line
        if preserve:
            node.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        made.append(node)
    return made


def field(instruction: str, shown: str = "") -> list[Any]:
    """The runs of a field; `shown` is what stands there until a reader computes it."""
    begin, code, middle, end = element("r"), element("r"), element("r"), element("r")
    begin.append(element("fldChar", fldCharType="begin"))
    text = element("instrText")
    text.text = f" {instruction} "
    text.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    code.append(text)
    middle.append(element("fldChar", fldCharType="separate"))
    end.append(element("fldChar", fldCharType="end"))
    return [begin, code, middle, *([run(shown)] if shown else []), end]


def tab() -> Any:
    made = element("r")
    made.append(element("tab"))
    return made


def link(anchor: str, runs: list[Any]) -> Any:
    """`runs` as a link to a bookmark of this document."""
    made = element("hyperlink", anchor=anchor, history="1")
    made.extend(runs)
    return made


def bookmark(paragraph: Any, name: str, number: int) -> None:
    """Put a bookmark around the runs of `paragraph` (an lxml w:p)."""
    start = element("bookmarkStart", id=str(number), name=name)
    place = 1 if paragraph.find(qn("w:pPr")) is not None else 0
    paragraph.insert(place, start)
    paragraph.append(element("bookmarkEnd", id=str(number)))


def head_row(row: Any) -> None:
    """The row (an lxml w:tr) repeats on every page."""
    row.get_or_add_trPr().append(element("tblHeader"))


def whole_row(row: Any) -> None:
    """The row is never split between pages. Comes before `head_row`, as the schema wants."""
    row.get_or_add_trPr().append(element("cantSplit"))


def shade(cell: Any, colour: str) -> None:
    """The ground of a cell (an lxml w:tc)."""
    cell.get_or_add_tcPr().append(element("shd", val="clear", color="auto", fill=colour))
