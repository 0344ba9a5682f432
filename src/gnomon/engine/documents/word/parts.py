"""Small pieces of WordprocessingML that python-docx has no word for: fields, bookmarks, links, table grids."""

from typing import Any, Final

from docx.oxml import OxmlElement
from docx.oxml.ns import nsmap, qn
from lxml.etree import SubElement

from gnomon.engine.documents.text import legal

_W: Final = f"{{{nsmap['w']}}}"
_SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"


def element(tag: str, /, **attributes: str) -> Any:
    """`<w:tag w:name="value"/>`."""
    made = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        made.set(_W + name, value)
    return made


def under(parent: Any, tag: str, /, **attributes: str) -> Any:
    """`element` as the last child of `parent`: a third of the time, and tables have thousands."""
    return SubElement(parent, _W + tag, {_W + name: value for name, value in attributes.items()})


def run(text: str) -> Any:
    """A run with `text`; a line break in it stays one."""
    made = element("r")
    _write(made, text)
    return made


def _write(run: Any, text: str) -> None:
    for place, line in enumerate(legal(text).split("\n")):
        if place:
            under(run, "br")
        node = under(run, "t")
        node.text = line
        node.set(_SPACE, "preserve")


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


def row(table: Any, *, is_head: bool) -> Any:
    """A new row of `table` (an lxml w:tbl) that is never split between pages; a head repeats on every page."""
    made = under(table, "tr")
    properties = under(made, "trPr")
    under(properties, "cantSplit")
    if is_head:
        under(properties, "tblHeader")
    return made


def cell(row: Any, text: str, *, width: int, style: str, shade: str = "") -> None:
    """One more cell, `width` in twentieths of a point, with a paragraph of the style whose id is `style`."""
    made = under(row, "tc")
    properties = under(made, "tcPr")
    under(properties, "tcW", type="dxa", w=str(width))
    if shade:
        under(properties, "shd", val="clear", color="auto", fill=shade)
    paragraph = under(made, "p")
    under(under(paragraph, "pPr"), "pStyle", val=style)
    _write(under(paragraph, "r"), text)
